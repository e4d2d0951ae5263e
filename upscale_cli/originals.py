"""Originals: full-size pictures to measure on or to train with, as 8-bit arrays, and how they are shrunk."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from upscale_cli.errors import UnsupportedImageError
from upscale_cli.image_io import open_picture
from upscale_cli.pixels import from_float, peak, to_float
from upscale_cli.resample import resize

Pixels8: TypeAlias = npt.NDArray[np.uint8]


def read_original(path: Path) -> Pixels8:
    """The picture at ``path`` as 8-bit grey or RGB, ``(H, W, 1 or 3)``.

    Raises InputError subclasses, among them UnsupportedImageError for a picture with transparent parts.
    """
    pixels = open_picture(path).pixels()
    if pixels.shape[2] in (2, 4):
        if pixels[..., -1].min() < peak(pixels.dtype):
            raise UnsupportedImageError(
                f"{path}: has transparent parts", hint="flatten it onto a background first"
            )
        pixels = pixels[..., :-1]
    return np.ascontiguousarray(
        pixels if pixels.dtype == np.uint8 else from_float(to_float(pixels), np.uint8)
    )


def grey(pixels: Pixels8) -> Pixels8:
    """``(H, W, 1 or 3)`` as ``(H, W)``, full range."""
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def crop_to_multiple(pixels: Pixels8, scale: int) -> Pixels8:
    """``pixels`` without the last rows and columns that keep its sides from being multiples of ``scale``."""
    height, width = (side - side % scale for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[:height, :width])


def bicubic(pixels: Pixels8, height: int, width: int) -> Pixels8:
    """Antialiased bicubic (a = -0.5) in 8 bit, one axis after the other, rounded after each as Pillow does.

    Published figures were made so; rounding once would read 0.01 dB more.
    """
    return resize(resize(pixels, pixels.shape[0], width), height, width)


def shrink(original: Pixels8, scale: int) -> Pixels8:
    """``original``, whose sides are multiples of ``scale``, made smaller by that factor."""
    height, width = original.shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"sides of {width}x{height} are no multiples of {scale}")
    return bicubic(original, height // scale, width // scale)
