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


def print_table(columns: Iterable[str], sections: Iterable[Iterable[Row]], *, title: str = "") -> None:
    """Print rows of text, sections apart. A column whose name ends in ``>`` is aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, title=shown(title) or None, title_justify="left", title_style="bold"
    )
    for column in columns:
        right = column.endswith(">")
        table.add_column(
            column.rstrip(">"), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for section in sections:
        for row in section:
            table.add_row(*(Text(shown(cell)) for cell in row))
        table.add_section()
    out = console(stderr=False)
    if not out.is_terminal:  # a file or a pipe has no right edge
        out.width = 10_000
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
