"""Which of several options that say different things counts: the one of the stronger origin."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import typer

from upscale_cli.cli.config import config_file
from upscale_cli.errors import ScaleError, UsageError

_ORIGINS = ("COMMANDLINE", "ENVIRONMENT", "DEFAULT_MAP", "DEFAULT")
"""Strongest first; ``DEFAULT_MAP`` is upscale.toml."""
_SIZES = ("scale", "width", "height", "fit", "long_side")
"""Options that all say how large the result shall be."""


def agreed(ctx: typer.Context, given: dict[str, Any]) -> dict[str, Any]:
    """Return what was ``given`` without the options that give way to others of stronger origin.

    Raises `UsageError` for two that do not give way to each other.
    """
    sources: dict[str, Any] = {name: ctx.get_parameter_source(name) for name in given}
    origins = {name: _ORIGINS.index(source.name) for name, source in sources.items()}
    for rule in (_one_size, _pipe, _one_name, _one_format):
        aside = rule(given, origins)
        given = {name: value for name, value in given.items() if name not in aside}
    return given


def _one_size(given: dict[str, Any], origins: dict[str, int]) -> Collection[str]:
    """Put aside all sizes but those of the strongest origin."""
    strongest = min(origins[name] for name in _SIZES)
    asked = [name for name in _SIZES if origins[name] == strongest]
    origin = _ORIGINS[strongest]
    if "scale" in asked and len(asked) > 1 and origin != "DEFAULT":
        where = {"ENVIRONMENT": " (from variables UPSCALE_...)", "DEFAULT_MAP": f" (from {config_file()})"}
        other = asked[1].replace("_", "-")
        raise ScaleError(
            f"--scale and --{other} exclude each other{where.get(origin, '')}", hint="keep one of them"
        )
    return set(_SIZES).difference(asked)


def _pipe(given: dict[str, Any], origins: dict[str, int]) -> Collection[str]:
    """Put aside a folder, and for raw video a format, that are the defaults of runs over files."""
    if given["raw"]:
        aside = ["output", "format"]
    elif "-" in (given["inputs"] or ()) and not _is_file(given["output"] or ""):
        aside = ["output"]
    else:
        return ()
    return [name for name in aside if _ORIGINS[origins[name]] != "COMMANDLINE"]


def _one_name(given: dict[str, Any], origins: dict[str, int]) -> Collection[str]:
    """Put aside a template for names, or the one file that ``-o`` gives, whichever is the weaker."""
    if not given["name"] or not _is_file(given.get("output") or ""):
        return ()
    order = origins["output"] - origins["name"]
    if order == 0:
        raise UsageError(
            f"--name and a file for -o ({given['output']}) exclude each other", hint="keep one of them"
        )
    return ["name" if order < 0 else "output"]


def _one_format(given: dict[str, Any], origins: dict[str, int]) -> Collection[str]:
    """Put aside a format that is weaker than the name of another in ``-o`` or ``--name``."""
    from upscale_cli.image_io.formats import SUFFIXES, format_for

    wanted, place, template = given.get("format"), given.get("output") or "", given.get("name") or ""
    if wanted and _is_file(place):
        named, option = place, "output"
    elif wanted and Path(template).suffix.lower() in SUFFIXES:
        named, option = template, "name"
    else:
        return ()
    if format_for(wanted) == format_for(named):
        return ()
    if origins[option] < origins["format"]:
        return ["format"]
    raise UsageError(
        f"{'-o' if option == 'output' else '--name'} {named} and the format {wanted} exclude each other",
        hint="keep one of them, or end the name alike",
    )


def _is_file(place: str) -> bool:
    """Whether ``-o`` names a picture to write, not a folder."""
    from upscale_cli.image_io.formats import SUFFIXES

    return Path(place).suffix.lower() in SUFFIXES and not os.path.isdir(place)  # noqa: PTH112 - takes any name
