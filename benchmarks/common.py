"""What the benchmarks share: options, pictures, other people's programs, tables and plots."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from upscale_cli.bench import draw
from upscale_cli.image_io import open_picture
from upscale_cli.image_io.encode import SaveOptions, write_picture

CHECKOUT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).with_name("peers")


def options(doc: str) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shared",
        type=Path,
        default=CHECKOUT.parent / "shared",
        help="folder with data/test, data/val and peers (other people's weights)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="times that each is measured; medians count")
    parser.add_argument("--out", type=Path, default=Path("output"), help="folder for the plot")
    return parser


def add_peers(parser: argparse.ArgumentParser) -> None:
    """An option for the Python that has what this project's own must not have."""
    parser.add_argument(
        "--peers-python",
        default=sys.executable,
        help="Python of an environment with opencv-contrib-python-headless and ncnn",
    )


def photo(shared: Path, megapixels: float) -> np.ndarray:
    """A picture of 4:3 and about that size: photographs of data/val side by side, or else a drawn one."""
    files = sorted((shared / "data" / "val").glob("*"))
    if not files:
        return draw(megapixels)
    tiles = [open_picture(file).pixels()[:480, :480, :3] for file in files]
    tiles = [tile for tile in tiles if tile.shape == (480, 480, 3)]
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    result = np.empty((height, width, 3), np.uint8)
    for index, (y, x) in enumerate((y, x) for y in range(0, height, 480) for x in range(0, width, 480)):
        part = result[y : y + 480, x : x + 480]
        part[:] = tiles[index % len(tiles)][: part.shape[0], : part.shape[1]]
    return result


def save(pixels: np.ndarray, target: Path) -> Path:
    """Write ``pixels`` in the format of the target's suffix, without loss where it can."""
    write_picture(target, [pixels], options=SaveOptions(lossless=True))
    return target


def upscale_command(source: Path, target: Path, *words: str) -> list[str]:
    """The command line of this project, as a process."""
    return [sys.executable, "-m", "upscale_cli", str(source), "-o", str(target), "--quiet", "--force", *words]


class Peer:
    """Another program that stays open and enlarges what it is given; see peers/."""

    def __init__(self, python: str, script: str, *words: object) -> None:
        self.command = [python, str(PEERS / script), *map(str, words)]
        self.seconds = 0.0
        """What the last picture took, without reading and writing it."""
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Enlarge ``(H, W, 3)`` RGB of 8 bit."""
        source, target = (Path(self._folder.name, name) for name in ("in.png", "out.png"))
        save(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), source)
        assert self._process.stdin and self._process.stdout
        print(source, target, sep="\t", file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"{' '.join(self.command)}: ended; see its message above")
        self.seconds = float(answer)
        return open_picture(target).pixels()

    def time(self, pixels: np.ndarray) -> float:
        """Seconds for one picture."""
        self(pixels)
        return self.seconds

    def close(self) -> None:
        """End the program."""
        self._process.communicate()
        self._folder.cleanup()


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


def megabytes(count: int | None) -> str:
    """Bytes as megabytes."""
    return "?" if count is None else f"{count / 1e6:.0f} MB"


def bars(target: Path, title: str, seconds: dict[str, float], unit: str = "seconds") -> None:
    """Draw horizontal bars into a PNG, if matplotlib is there; this project's own are dark."""
    figure = _figure(7, 1 + 0.35 * len(seconds))
    if figure is None:
        return
    axes = figure.subplots()
    colours = ["#1f6f50" if name.startswith("fsrcnn-") else "#b0b0b0" for name in seconds]
    drawn = axes.barh(list(seconds), list(seconds.values()), color=colours)
    axes.bar_label(drawn, fmt="%.3g", padding=3)
    axes.invert_yaxis()
    axes.set(title=title, xlabel=unit)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, target)


def scatter(target: Path, title: str, points: dict[str, tuple[float, float]]) -> None:
    """Draw (megapixels per second, dB) of each name into a PNG, if matplotlib is there."""
    figure = _figure(8, 5)
    if figure is None:
        return
    axes = figure.subplots()
    for name, (speed, quality) in points.items():
        ours = name.startswith("fsrcnn-")
        axes.scatter(speed, quality, color="#1f6f50" if ours else "#909090", zorder=3)
        weight = "bold" if ours else "normal"
        axes.annotate(
            name, (speed, quality), xytext=(5, 4), textcoords="offset points", size=8, weight=weight
        )
    axes.set(xscale="log", xlabel="megapixels made per second", ylabel="PSNR on Y, dB", title=title)
    axes.margins(x=0.2, y=0.1)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, target)


def _figure(width: float, height: float):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return None
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=120)
    print(f"\n{target}")
