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
from upscale_cli.meter import alternate, race, timed
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
    """Largest resident memory of such a process, in bytes; None where the system does not tell."""


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

    ``on_task`` is called ``2 * rounds + 1`` times for each.
    """
    made = {}
    for upscaler in upscalers:
        height, width = upscaler(pixels).shape[:2]
        made[upscaler] = height * width / 1e6
        if on_task:
            on_task()
    tasks = {upscaler: partial(timed, partial(upscaler, pixels)) for upscaler in upscalers}
    seconds = alternate(tasks, rounds, on_task=on_task)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "photo.jpg"), Path(folder, "large.jpg")
        write_picture(source, [pixels])
        processes = race(
            {upscaler: _command(source, target, upscaler) for upscaler in upscalers}, rounds, on_task=on_task
        )
    return [
        Speed(
            upscaler.card.name,
            upscaler.card.precision,
            made[upscaler] / seconds[upscaler],
            processes[upscaler].seconds,
            processes[upscaler].peak,
        )
        for upscaler in upscalers
    ]


def measure_start(upscaler: Upscaler, rounds: int) -> Start:
    """Measure the program's start on a tiny picture, beside that of numpy and OpenCV alone."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "tiny.png")
        write_picture(source, [draw(0.006)[:64, :64]])
        commands = {
            "start": _command(source, Path(folder, "large.png"), upscaler),
            "imports": [sys.executable, "-c", IMPORTS],
        }
        found = race(commands, rounds)
    return Start(found["start"].seconds, found["imports"].seconds)


def _command(source: Path, target: Path, upscaler: Upscaler) -> list[str]:
    """The same work as a process of its own."""
    settings = upscaler.settings
    options = ["-s", f"{settings.scale:g}", "-n", settings.model, "--precision", settings.precision]
    options += ["--runtime", settings.runtime]
    files = [str(source), "-o", str(target), "--quiet", "--force"]
    return [sys.executable, "-m", "upscale_cli", *files, *options, "--threads", str(settings.threads)]
