"""Values of options that are more than a number: sizes, amounts, factors, colours."""

from __future__ import annotations

from upscale_cli.errors import UsageError

PRECISIONS = ("float", "bfloat16", "int8")


def parse_scale(text: str) -> float:
    """Return the factor that a text such as ``4``, ``1.5`` or ``4x`` stands for. Raises `UsageError`."""
    try:
        return float(text.lower().removesuffix("x").removeprefix("x"))
    except ValueError as error:
        raise UsageError(f"--scale {text!r} is not a factor", hint="write for instance --scale 4") from error


def parse_size(text: str, name: str) -> tuple[int, int]:
    """Return (width, height) of a text such as ``640x360``. Raises `UsageError`."""
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UsageError(f"{name} {text!r} is not a size", hint=f"write width x height, as in {name} 640x360")
    return int(width), int(height)


def parse_amount(text: str, name: str) -> int:
    """Return the number that a text such as ``800M`` or ``1.5G`` stands for. Raises `UsageError`."""
    units = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
    number = text.lower().removesuffix("b").rstrip("kmgt")
    unit = text.lower().removesuffix("b")[len(number) :]
    try:
        value = int(float(number) * units[unit])
    except (ValueError, KeyError, OverflowError):
        value = 0
    if value < 1:
        raise UsageError(f"{name} {text!r} is not an amount", hint=f"write for instance {name} 2G")
    return value


def parse_colour(text: str) -> tuple[int, int, int]:
    """Return (red, green, blue) of ``white``, ``black`` or ``#rrggbb``. Raises `UsageError`."""
    named = {"white": "ffffff", "black": "000000", "grey": "808080", "gray": "808080"}
    digits = named.get(text.lower(), text.lstrip("#"))
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError as error:
        raise UsageError(
            f"--background {text!r} is not a colour", hint="write white, black, or #rrggbb"
        ) from error
    return red, green, blue


def parse_precision(text: str, known: tuple[str, ...] = ("", *PRECISIONS)) -> str:
    """Return a ``--precision`` that is ``known``; "" leaves it to the machine. Raises `UsageError`."""
    if text not in known:
        raise UsageError(f"--precision {text!r} is not known", hint=f"use {', '.join(PRECISIONS)}")
    return text
