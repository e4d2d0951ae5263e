"""RGB and YCbCr after ITU-R BT.601, on float arrays.

Full range (JPEG's convention): luma in [0, 1], the colour differences around 0.5. Luma enters R, G and B
with weight 1, so adding one number to all three channels changes the luma by that number and leaves both
differences alone. `studio_luma` is the luma on which super-resolution papers measure: 16 for black to 235
for white.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

RED, GREEN, BLUE = 0.299, 0.587, 0.114

_Float = TypeVar("_Float", np.float32, np.float64)


def luma(rgb: NDArray[_Float]) -> NDArray[_Float]:
    """Luma (…, 1) of colours (…, 3), in the same unit.

    Each product and each sum is rounded by itself, so a pixel's luma does not depend on its place in the
    array.
    """
    real = rgb.dtype.type
    y: NDArray[_Float] = rgb[..., 0:1] * real(RED)
    y += rgb[..., 1:2] * real(GREEN)
    y += rgb[..., 2:3] * real(BLUE)
    return y


def rgb_to_ycbcr(rgb: NDArray[_Float]) -> NDArray[_Float]:
    """Colours (…, 3) in [0, 1] as luma and colour differences (…, 3) in [0, 1]."""
    y = luma(rgb)
    cb = (rgb[..., 2:3] - y) / rgb.dtype.type(2 * (1 - BLUE)) + rgb.dtype.type(0.5)
    cr = (rgb[..., 0:1] - y) / rgb.dtype.type(2 * (1 - RED)) + rgb.dtype.type(0.5)
    return np.concatenate((y, cb, cr), axis=-1)


def ycbcr_to_rgb(ycbcr: NDArray[_Float]) -> NDArray[_Float]:
    """The inverse of `rgb_to_ycbcr`; not clipped."""
    real = ycbcr.dtype.type
    y, cb, cr = (ycbcr[..., i : i + 1] for i in range(3))
    red = y + (cr - real(0.5)) * real(2 * (1 - RED))
    blue = y + (cb - real(0.5)) * real(2 * (1 - BLUE))
    green = (y - red * real(RED) - blue * real(BLUE)) / real(GREEN)
    return np.concatenate((red, green, blue), axis=-1)


def studio_luma(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """BT.601 luma (…) in [16, 235] of 8-bit colours (…, 3) in [0, 255], as MATLAB's ``rgb2ycbcr``, not
    rounded.
    """
    y: NDArray[np.float64] = 16.0 + rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255.0
    return y
