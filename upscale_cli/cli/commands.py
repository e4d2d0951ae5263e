"""The commands, by name."""

COMMANDS = ("run", "models", "evaluate", "compare", "prepare", "train", "bench")
"""In the order of the help; each is the function `command` of the module of its name."""
