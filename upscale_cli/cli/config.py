"""Defaults of the options from ``upscale.toml``; the command line and ``UPSCALE_*`` go before it."""

# ruff: noqa: PTH111, PTH113 - Path.home and is_file raise where there is no home or it cannot be looked into
from __future__ import annotations

import os
import sys
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from upscale_cli.errors import UsageError


def config_file() -> Path | None:
    """Return the settings file in force: ``$UPSCALE_CONFIG``, ``./upscale.toml``, or the user's; or None."""
    if named := os.environ.get("UPSCALE_CONFIG"):
        return Path(named)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    places = Path("upscale.toml"), home / "upscale" / "upscale.toml"
    return next((path for path in places if os.path.isfile(path)), None)


def defaults(command: str, options: Collection[str], commands: Collection[str]) -> dict[str, Any]:
    """Return the defaults that the settings file gives to ``command``, by parameter name.

    Keys at the top are options of ``upscale INPUT…``; a table such as ``[evaluate]`` holds those of that
    command. Raises `UsageError` for a file that is no TOML and for names that are no option.
    """
    path = config_file()
    if path is None:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: cannot be read: {error}", hint="see `upscale --help` for options"
        ) from error
    for name in content.keys() & {"run", *commands}:
        if name == "run" or not isinstance(content[name], dict):
            raise UsageError(
                f"{path}: {name!r} is {'no command' if name == 'run' else 'a command, not an option'}",
                hint="options of `upscale INPUT` stand at the top, those of a command in a table: [train]",
            )
    table = content if command == "run" else content.get(command, {})
    given = {name.replace("-", "_"): value for name, value in table.items() if name not in commands}
    for name in given:
        if name not in options:
            close = get_close_matches(name, options, n=1)
            raise UsageError(
                f"{path}: there is no option {name!r}",
                hint=f"did you mean {close[0]!r}?" if close else "see `upscale --help`",
            )
    return given
