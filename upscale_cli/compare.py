"""Enlarge one picture by several methods and find the places where their results differ most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from upscale_cli.errors import UsageError
from upscale_cli.evaluate import Enlarge
from upscale_cli.geometry import Region
from upscale_cli.metrics import compare_luma
from upscale_cli.originals import Pixels8, grey

CROP = 40  # side of a crop, in pixels of the small picture
MARGIN = 64  # surroundings that a crop is enlarged with: more than the networks see


@dataclass(frozen=True)
class Panel:
    """What one method made of the picture."""

    name: str
    crops: list[Pixels8]
    """One ``(side * scale, side * scale, C)`` square per box."""
    psnr: float | None = None
    """dB on luma over the whole picture, where there is a reference."""
    ssim: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Where the methods differ most, and what each one made of these places."""

    boxes: list[Region]
    """Squares of the small picture."""
    panels: list[Panel]


def compare(
    photo: Pixels8,
    methods: Mapping[str, Enlarge],
    scale: int,
    *,
    reference: Pixels8 | None = None,
    count: int = 4,
    on_method: Callable[[], None] | None = None,
) -> Comparison:
    """Enlarge ``photo`` ``(H, W, 1 or 3)`` by each of ``methods``, and first of all by repeating pixels.

    With ``reference``, the true large picture (``scale`` times the size, UsageError otherwise), every panel
    has its scores, border = scale, and the reference itself is the last panel. One large result is held at a
    time: the crops are enlarged once more with their surroundings.
    """
    height, width = photo.shape[:2]
    if reference is not None and reference.shape[:2] != (height * scale, width * scale):
        raise UsageError(
            f"the reference is {reference.shape[1]}x{reference.shape[0]} pixels"
            f" where {scale} x {width}x{height} makes {width * scale}x{height * scale}",
            hint="leave the photo away to compare on the shrunken reference, or give the factor by --scale",
        )
    lowest = np.full((height * scale, width * scale), 255, np.uint8)
    highest = np.zeros_like(lowest)
    scores: dict[str, tuple[float, float] | None] = {}
    methods = {"nearest": _nearest(scale), **methods}
    for name, enlarge in methods.items():
        result = enlarge(photo)
        scores[name] = None if reference is None else compare_luma(result, reference, border=scale)
        if name != "nearest":  # it differs from all others, everywhere
            np.minimum(lowest, grey(result), out=lowest)
            np.maximum(highest, grey(result), out=highest)
        if on_method:
            on_method()
    spread = (highest - lowest).reshape(height, scale, width, scale).mean(axis=(1, 3), dtype=np.float32)
    boxes = most_different(spread, min(CROP, height, width), count)
    panels = [
        Panel(name, [_enlarge_box(photo, box, enlarge, scale) for box in boxes], *(scores[name] or ()))
        for name, enlarge in methods.items()
    ]
    if reference is not None:
        panels.append(Panel("original", [reference[box.scaled(scale).slices] for box in boxes]))
    return Comparison(boxes, panels)


def most_different(spread: npt.NDArray[np.float32], side: int, count: int) -> list[Region]:
    """The ``count`` squares with the largest sums over ``spread`` ``(H, W)``, largest first.

    They lie apart, so that one texture does not take them all; fewer where there is no room for more.
    """
    apart = max(side, min(spread.shape) // 5)
    # sums[y, x] belongs to the square whose upper left corner is at (x, y)
    sums = cv2.boxFilter(spread, cv2.CV_64F, (side, side), anchor=(0, 0), normalize=False)
    sums = sums[: spread.shape[0] - side + 1, : spread.shape[1] - side + 1].copy()
    boxes: list[Region] = []
    for _ in range(count):
        y, x = np.unravel_index(int(np.argmax(sums)), sums.shape)
        if sums[y, x] < 0:
            break
        boxes.append(Region(int(y), int(x), side, side))
        sums[max(0, y - apart + 1) : y + apart, max(0, x - apart + 1) : x + apart] = -1
    return boxes


def _nearest(scale: int) -> Enlarge:
    return lambda pixels: pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def _enlarge_box(photo: Pixels8, box: Region, enlarge: Enlarge, scale: int) -> Pixels8:
    top, left = max(0, box.y - MARGIN), max(0, box.x - MARGIN)
    window = photo[top : box.bottom + MARGIN, left : box.right + MARGIN]
    inside = box.relative_to(Region(top, left, *window.shape[:2])).scaled(scale)
    return enlarge(np.ascontiguousarray(window))[inside.slices]
