"""Luma after ITU-R BT.601.

The three weights add up to 1, so adding one number to R, G and B changes the luma by that number and leaves
the colour differences alone.
"""

from __future__ import annotations

from typing import TypeVar

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
