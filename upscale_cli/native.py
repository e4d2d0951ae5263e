"""The compiled part of the package, where there is one: the inner loops of `window` and of int8 networks.

It is built from native/ when the package is, if there is a C compiler. Whatever it does can be done without.
"""

from __future__ import annotations

try:
    from upscale_cli import _native as compiled
except ImportError:
    compiled = None  # type: ignore[assignment]

__all__ = ["arithmetic", "compiled"]


def arithmetic() -> str:
    """What int8 networks are computed with here: ``amx``, ``vnni``, or "" if they cannot be."""
    return compiled.KIND if compiled else ""
