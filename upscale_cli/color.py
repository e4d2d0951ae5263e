"""Luma after ITU-R BT.601.

The three weights add up to 1, so adding one number to R, G and B changes the luma by that number and leaves
the colour differences alone. `studio_luma` is the luma on which super-resolution papers measure: 16 for black
to 235 for white.
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


def studio_luma(rgb: NDArray[Any]) -> NDArray[np.float64]:
    """BT.601 luma (…) in [16, 235] of 8-bit colours (…, 3) in [0, 255], as MATLAB's ``rgb2ycbcr``, not
    rounded.
    """
    y: NDArray[np.float64] = 16.0 + rgb.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255.0
    return y
