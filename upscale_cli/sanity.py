"""Is the result a picture of its input? Shrink it again and compare.

A network that went wrong (not-a-number, a damaged weights file, scrambled tiles) gives black, noisy or
displaced areas. Two figures tell: how well the shrunken result agrees with the input pixel by pixel, which is
reported, and how far the mean of any small area moved, which decides. Fine detail moves no means, so sharp
pictures pass.
"""

from __future__ import annotations

import math

import cv2

from upscale_cli.errors import ResultError
from upscale_cli.pixels import Pixels, peak

AREA = 8
"""Side of the areas whose means are compared, in input pixels."""
LIMIT = 0.25
"""Largest move of an area's mean that passes, as a share of the full range. Clipped overshoot at isolated
bright points moves it by a few hundredths."""


def consistency(source: Pixels, result: Pixels) -> float:
    """Return the agreement in dB of ``result``, shrunk to the size of ``source``, with ``source``.

    Both are (H, W, C) of one dtype and one C; ``result`` at least as large. ``inf`` for an exact match.
    Raises `ResultError` when values are not finite or when areas differ by more than `LIMIT` of the range.
    """
    full = peak(source.dtype)
    height, width, channels = source.shape
    shrunk = _shrink(result, width, height)
    squares = cv2.norm(source.reshape(shrunk.shape), shrunk, cv2.NORM_L2SQR)
    if not math.isfinite(squares):
        raise ResultError(
            "the network's answer is not finite", hint="run `upscale models` to check the weights"
        )
    small = max(1, width // AREA), max(1, height // AREA)
    moved = cv2.absdiff(_shrink(source, *small), _shrink(shrunk, *small)).max() / full
    if moved > LIMIT:
        raise ResultError(
            f"the network's answer is no picture of its input: an area is off by {moved:.0%}",
            hint="try another model or --threads 1, and report the picture",
        )
    error = squares / (height * width * channels * full * full)
    return 10 * math.log10(1 / error) if error else math.inf


def _shrink(pixels: Pixels, width: int, height: int) -> Pixels:
    """Means of areas, by halves as far as that goes: those OpenCV takes several times as fast as others."""
    while pixels.shape[0] % 2 == pixels.shape[1] % 2 == 0 and (
        pixels.shape[0] >= 2 * height and pixels.shape[1] >= 2 * width
    ):
        half = pixels.shape[1] // 2, pixels.shape[0] // 2
        pixels = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA)
    if pixels.shape[:2] == (height, width):
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
