"""Enlarge pictures with a small neural network on an ordinary CPU."""

__version__ = "0.1.0"
