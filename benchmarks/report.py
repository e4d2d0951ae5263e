"""How the benchmarks show what they found: tables as text, plots as PNG where matplotlib is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from upscale_cli import zoo

OURS, OTHERS = "#1f6f50", "#9a9a9a"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table, the first column to the left, the others to the right."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    cells.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    for row in cells:
        first, *others = (
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("|", " | ".join([first, *others]), "|")


def megabytes(count: float | None) -> str:
    """Bytes as megabytes."""
    return "?" if count is None else f"{count / 1e6:.0f} MB"


def at_most(value: float, goal: float | None, unit: str = "", digits: int = 2) -> tuple[str, str]:
    """Two cells of a table: a figure, and the goal that it must not be above, with the verdict."""
    return f"{value:.{digits}f}{unit}", _goal("<=", goal, unit, goal is None or value <= goal)


def at_least(value: float, goal: float | None, unit: str = "") -> tuple[str, str]:
    """Two cells of a table: a figure, and the goal that it must not be below, with the verdict."""
    return f"{value:.1f}{unit}", _goal(">=", goal, unit, goal is None or value >= goal)


def _goal(sign: str, goal: float | None, unit: str, met: bool) -> str:
    return "" if goal is None else f"{sign} {goal:g}{unit} {'met' if met else 'missed'}"


def bars(target: Path, title: str, values: dict[str, float], unit: str = "seconds") -> None:
    """Draw horizontal bars into a PNG; this project's own are dark."""
    figure = _figure(7, 1.1 + 0.32 * len(values))
    if figure is None:
        return
    axes = figure.subplots()
    drawn = axes.barh(list(values), list(values.values()), color=[_colour(name) for name in values])
    axes.bar_label(drawn, fmt="%.3g", padding=3)
    axes.invert_yaxis()
    axes.set(title=title, xlabel=unit)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, target)


def scatter(target: Path, title: str, points: dict[str, tuple[float, float]]) -> None:
    """Draw (megapixels per second, dB) of each name into a PNG."""
    figure = _figure(7, 4.6)
    if figure is None:
        return
    axes = figure.subplots()
    axes.set(xscale="log", xlabel="megapixels made per second", ylabel="PSNR on Y, dB", title=title)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.scatter(*zip(*points.values(), strict=True), color=[_colour(name) for name in points], zorder=3)
    axes.margins(x=0.15, y=0.16)  # room for names above and below
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.draw_without_rendering()  # settles the axes, on which the places of the names depend
    _name_points(axes, points)
    _save(figure, target)


_PLACES = [(7, 0, "left", "center"), (-7, 0, "right", "center"), (0, 7, "center", "bottom"),
           (0, -7, "center", "top"), (6, 6, "left", "bottom"), (6, -6, "left", "top"),
           (-6, 6, "right", "bottom"), (-6, -6, "right", "top"), (0, 20, "center", "bottom"),
           (0, -20, "center", "top"), (-14, -20, "right", "top"), (14, 20, "left", "bottom"),
           (-14, 20, "right", "bottom"), (14, -20, "left", "top"), (0, 34, "center", "bottom"),
           (0, -34, "center", "top"), (-20, -34, "right", "top"), (20, 34, "left", "bottom"),
           (-20, 34, "right", "bottom"), (20, -34, "left", "top"), (0, -48, "center", "top")]  # fmt: skip
"""Where a name may stand: offset from its point in printer's points, and alignment; the nearest first."""


def _name_points(axes, points: dict[str, tuple[float, float]]) -> list:
    """Write each point's name beside it where it hides the least; return the boxes."""
    dots = axes.transData.transform(list(points.values()))
    taken = []
    for number, (name, point) in enumerate(points.items()):
        others = np.delete(dots, number, axis=0)
        texts = [_name_point(axes, name, point, *place) for place in _PLACES]
        boxes = [text.get_window_extent().padded(2) for text in texts]
        best = min(range(len(boxes)), key=lambda place: _hidden(axes.bbox, boxes[place], taken, others))
        taken.append(boxes[best])
        for text in texts[:best] + texts[best + 1 :]:
            text.remove()
        x, y = _PLACES[best][:2]
        if abs(y) > 7:  # too far from its point to be read without a line
            line = {"arrowstyle": "-", "linewidth": 0.5}
            axes.annotate("", point, xytext=(x, y), textcoords="offset points", arrowprops=line)
    return taken


def _name_point(axes, name: str, point: tuple[float, float], x: int, y: int, across: str, along: str):
    return axes.annotate(
        name, point, xytext=(x, y), textcoords="offset points", size=8,
        weight="bold" if _colour(name) == OURS else "normal",
        horizontalalignment=across, verticalalignment=along,
    )  # fmt: skip


def _hidden(frame, box, taken: list, others) -> int:
    """What a name there would hide or seem to name: names, other points, or itself outside the frame."""
    outside = not (frame.contains(*box.min) and frame.contains(*box.max))
    return int(box.count_overlaps(taken)) + int(box.padded(10).count_contains(others)) + 10 * outside


def _colour(name: str) -> str:
    return OURS if name.split()[0] in {"own", *(card.name for card in zoo.models())} else OTHERS


def _figure(width: float, height: float):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return None
    return Figure(figsize=(width, height), layout="constrained", dpi=120)


def _save(figure, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)
    print(f"\n{target}")
