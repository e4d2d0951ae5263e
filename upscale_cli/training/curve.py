"""The course of a run as a picture."""

from __future__ import annotations

import csv
from pathlib import Path


def draw(log: Path, target: Path) -> None:
    """Plot loss and validation PSNR over steps from ``log`` (steps, loss, dB, steps per second) to a PNG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with log.open(newline="") as file:
        rows = [tuple(map(float, row)) for row in csv.reader(file)]
    steps, losses, scores = zip(*(row[:3] for row in rows), strict=True)
    with mpl.rc_context({"axes.spines.top": False, "font.size": 9}):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        left = figure.add_subplot()
        left.plot(steps, losses, color="tab:blue", linewidth=1)
        left.set_yscale("log")
        left.set_xlabel("steps")
        left.set_ylabel("training loss", color="tab:blue")
        right = left.twinx()
        right.plot(steps, scores, color="tab:red", linewidth=1.5)
        right.set_ylabel("validation PSNR on Y (dB)", color="tab:red")
        figure.savefig(target, dpi=120)
