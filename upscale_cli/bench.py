"""What this machine reaches: speed of each model, whole processes and their memory, time to start."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from upscale_cli.image_io.encode import write_picture
from upscale_cli.meter import Process, alternate, run_process, timed
from upscale_cli.originals import Pixels8
from upscale_cli.pipeline import Upscaler

IMPORTS = "import numpy, cv2"
"""What every process that works on pictures in Python begins with: the measure for a start."""


@dataclass(frozen=True)
class Speed:
    """One model under one set of settings."""

    model: str
    precision: str
    megapixels_per_second: float
    """Millions of pixels made per second, from array to array."""
    file_seconds: float
    """From a JPEG to a JPEG, as a process of its own."""
    peak: int | None
    """Largest resident memory of that process, in bytes; None where the system does not tell."""


@dataclass(frozen=True)
class Start:
    """How long the program takes to begin."""

    seconds: float
    """Whole process: a 64x64 PNG to a PNG."""
    imports: float
    """``python -c "import numpy, cv2"`` on the same machine."""


def draw(megapixels: float) -> Pixels8:
    """A picture of about that size, 4:3, with detail at every scale as photographs have: ``(H, W, 3)``."""
    height = max(8, round((megapixels * 1e6 * 3 / 4) ** 0.5))
    width = max(8, round(height * 4 / 3))
    rng = np.random.default_rng(1)
    total = np.full((height, width, 3), 128, np.float32)
    cells, contrast = 4, 60.0
    while cells < 2 * width:
        noise = rng.normal(0, contrast, (max(1, cells * 3 // 4), cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
        cells, contrast = cells * 2, contrast * 0.6
    return np.clip(total, 0, 255).astype(np.uint8)


def measure_speed(
    upscalers: Sequence[Upscaler], pixels: Pixels8, rounds: int, *, on_task: Callable[[], None] | None = None
) -> list[Speed]:
    """Measure each of ``upscalers`` on ``pixels``, in turn; medians of ``rounds`` after one call to warm up.

    ``on_task`` is called ``rounds + 2`` times for each.
    """
    factor = {}
    for upscaler in upscalers:
        factor[upscaler] = upscaler(pixels).size / pixels.size
        if on_task:
            on_task()
    tasks = {upscaler: partial(timed, partial(upscaler, pixels)) for upscaler in upscalers}
    seconds = alternate(tasks, rounds, on_task=on_task)
    speeds = []
    for upscaler in upscalers:
        process = _file_to_file(upscaler, pixels)
        if on_task:
            on_task()
        made = pixels.shape[0] * pixels.shape[1] * factor[upscaler] / 1e6
        card = upscaler.card
        speeds.append(
            Speed(card.name, card.precision, made / seconds[upscaler], process.seconds, process.peak)
        )
    return speeds


def measure_start(rounds: int, model: str) -> Start:
    """Measure the program's start on a tiny picture, beside that of numpy and OpenCV alone."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "tiny.png")
        write_picture(source, [draw(0.004)[:64, :64]])
        command = _command(source, Path(folder, "large.png"), "-n", model)
        tasks = {
            "start": lambda: run_process(command).seconds,
            "imports": lambda: run_process([sys.executable, "-c", IMPORTS]).seconds,
        }
        medians = alternate(tasks, rounds)
    return Start(medians["start"], medians["imports"])


def _file_to_file(upscaler: Upscaler, pixels: Pixels8) -> Process:
    settings = upscaler.settings
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "photo.jpg")
        write_picture(source, [pixels])
        options = ["-s", f"{settings.scale:g}", "-n", settings.model, "--precision", settings.precision]
        return run_process(
            _command(source, Path(folder, "large.jpg"), *options, "--threads", str(settings.threads))
        )


def _command(source: Path, target: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "upscale_cli", str(source), "-o", str(target), "--quiet", *options]
