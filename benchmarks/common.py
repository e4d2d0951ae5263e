"""What the benchmarks share: options, pictures, processes, and other people's programs."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from upscale_cli import zoo
from upscale_cli.bench import draw
from upscale_cli.errors import UpscaleError
from upscale_cli.image_io import open_picture
from upscale_cli.image_io.encode import SaveOptions, write_picture
from upscale_cli.model import ModelCard
from upscale_cli.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).with_name("peers")
_PEERS_PYTHON = "Python of an environment with opencv-contrib-python-headless and ncnn"


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


class Entry(NamedTuple):
    """One of this project's models as it takes part: in one precision, by one runtime (empty = chosen)."""

    card: ModelCard
    runtime: str = ""
    file: str = ""
    """The path that the model was named by, if it was not by its name."""

    @property
    def model(self) -> str:
        """What settings and command lines name it by."""
        return self.file or self.card.name

    @property
    def label(self) -> str:
        """What tables and plots call it; ``own`` tells a file from the model of its name."""
        words = "own" if self.file else "", self.card.name, self.card.precision, self.runtime
        return " ".join(filter(None, words))

    def settings(self, scale: int) -> Settings:
        """Settings that enlarge with it."""
        return Settings(scale=scale, model=self.model, precision=self.card.precision, runtime=self.runtime)


def add_models(parser: argparse.ArgumentParser, *, precisions: str = "quickest") -> None:
    """An option for this project's models; without it all of them, in one precision or in all."""
    cards = [zoo.find(card.name, "") for card in zoo.models()]
    if precisions == "all":
        cards = [
            zoo.find(card.name, kind) for card in cards for kind in ("float", "int8") if kind in card.files
        ]
    parser.add_argument(
        "--models",
        type=_entry,
        nargs="+",
        default=[Entry(card) for card in cards],
        metavar="NAME[:PRECISION[:RUNTIME]]",
        help="such as fsrcnn-s or fsrcnn-m:int8:litert; as a rule what this CPU is quicker with",
    )


def _entry(text: str) -> Entry:
    name, precision, runtime = (*text.split(":"), "", "")[:3]
    try:
        return Entry(zoo.find(name, precision), runtime, name if Path(name).suffix else "")
    except UpscaleError as error:
        raise argparse.ArgumentTypeError(f"{error}; {error.hint}") from error


def goals(by_model: dict[str, float]) -> dict[str, float]:
    """Goals of models, by what tables call those models in the precision that this CPU is quicker with."""
    return {Entry(zoo.find(name, "")).label: goal for name, goal in by_model.items()}


def add_peers(parser: argparse.ArgumentParser) -> None:
    """An option for the Python that has what this project's own must not have."""
    parser.add_argument(
        "--peers-python",
        default=sys.executable,
        help=_PEERS_PYTHON,
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


def upscale_command(source: Path, target: Path, entry: Entry, *words: str) -> list[str]:
    """The command line of this project, as a process."""
    model = ["-n", entry.model, "--precision", entry.card.precision, "--runtime", entry.runtime]
    paths = [str(source), "-o", str(target)]
    return [sys.executable, "-m", "upscale_cli", *paths, "--quiet", "--force", *model, *words]


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
        with suppress(BrokenPipeError):  # it has ended, and so it answers nothing
            print(source, target, sep="\t", file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(
                f"{' '.join(self.command)}: ended; see its message above.\n"
                f"--peers-python must name the {_PEERS_PYTHON}."
            )
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
