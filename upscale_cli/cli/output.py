"""Every word said to people: errors, notes and figures go to stderr; stdout is for results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console(*, stderr: bool = True) -> Console:
    """Return a Rich console that takes text as it is: no markup, no guessed colours, no wrapping of paths."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True)


def shown(name: str) -> str:
    """Return a name fit for a terminal: control characters and undecodable bytes become escapes."""
    if name.isprintable():
        return name
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in name
    )


def note(text: str) -> None:
    """Print one line for people."""
    print(shown(text), file=sys.stderr)  # noqa: T201


def result(text: str) -> None:
    """Print one line on stdout."""
    print(shown(text))  # noqa: T201


def error(message: str, next_step: str = "") -> None:
    """Print ``error: …`` and, where there is a next step, ``hint: …``."""
    from rich.text import Text

    console().print(Text.assemble(("error: ", "bold red"), shown(message)))
    if next_step:
        hint(next_step)


def hint(text: str) -> None:
    """Print ``hint: …``."""
    from rich.text import Text

    console().print(Text.assemble(("hint: ", "bold cyan"), shown(text)))


def traceback(error: BaseException) -> None:
    """Print the whole story of an error, for ``--debug``."""
    import traceback

    traceback.print_exception(error)


def seconds(value: float) -> str:
    """Return a duration for people: ``0.31 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def amount(value: float, unit: str) -> str:
    """Return a count with a metric prefix: ``48.0 Mpx``, ``350 kB``."""
    for prefix in ("", "k", "M", "G"):
        if value < 999.5 or prefix == "G":
            break
        value /= 1000
    return f"{value:.0f} {prefix}{unit}" if value >= 100 or not prefix else f"{value:.1f} {prefix}{unit}"
