"""Results on stdout: tables for people, JSON for programs; and a bar on stderr while they are made."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upscale_cli.cli.output import console, shown

if TYPE_CHECKING:
    from upscale_cli.model import ModelCard

Row = Sequence[str]

PANEL = "Options"
"""The one panel in the help of the smaller commands."""


_WIDE = 10_000
_LEAST_WORDS = 12
"""Characters that a column of words keeps; longer words are broken before that, such as names of files."""


def print_table(columns: Iterable[str], sections: Iterable[Iterable[Row]], *, title: str = "") -> None:
    """Print rows of text, sections apart. A column whose name ends in ``>`` is aligned to the right.

    No number is cut or broken: on a terminal too narrow for that, lines run on.
    """
    from rich.box import SIMPLE_HEAD
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, title=shown(title) or None, title_justify="left", title_style="bold"
    )
    rows = [[[shown(cell) for cell in row] for row in section] for section in sections]
    for place, column in enumerate(columns):
        name, right = column.rstrip(">"), column.endswith(">")
        cells = [name, *(row[place] for section in rows for row in section)]
        longest = max((len(word) for cell in cells for word in cell.split()), default=0)
        least = longest if right else min(longest, _LEAST_WORDS)
        table.add_column(name, justify="right" if right else "left", overflow="fold", min_width=least)
    for section in rows:
        for row in section:
            table.add_row(*map(Text, row))
        table.add_section()
    out = console(stderr=False)
    narrowest = Measurement.get(out, out.options.update(width=_WIDE), table).minimum
    out.width = max(out.width, narrowest) if out.is_terminal else _WIDE  # a file or a pipe has no right edge
    out.print(table)


def print_json(value: Any) -> None:
    """Print ``value`` as one JSON document; infinite values and NaN, which JSON lacks, become null."""
    print(json.dumps(_finite(value), ensure_ascii=False, indent=2))  # noqa: T201


def label(name: str, card: ModelCard) -> str:
    """What a model is called in results: the name in its card, or the path that was given for it."""
    return name if Path(name).suffix else card.name


def progress(total: int, unit: str) -> Any:
    """Return a tqdm bar on stderr that shows only on a terminal; a context manager with ``update()``."""
    from tqdm import tqdm

    return tqdm(total=total, unit=f" {unit}", disable=None, leave=False, dynamic_ncols=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
