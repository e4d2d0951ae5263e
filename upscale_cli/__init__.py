"""Enlarge pictures with a small neural network on an ordinary CPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upscale_cli.errors import UpscaleError
    from upscale_cli.pipeline import Done, Settings, Upscaler, upscale, upscale_file

__version__ = "0.1.0"

__all__ = ["Done", "Settings", "UpscaleError", "Upscaler", "__version__", "upscale", "upscale_file"]

_HOMES = dict.fromkeys(("Done", "Settings", "Upscaler", "upscale", "upscale_file"), "pipeline")
_HOMES["UpscaleError"] = "errors"


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562), so that ``import upscale_cli`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
