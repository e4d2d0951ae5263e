"""Luma after ITU-R BT.601.

The three weights add up to 1, so adding one number to R, G and B changes the luma by that number and leaves
the colour differences alone. `slopes` tells a share for each channel that changes the luma by as much.
"""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

RED, GREEN, BLUE = 0.299, 0.587, 0.114

_NOISE = 100.0
"""Variance of luma, in grey levels of 8 bit, below which it tells little of the channels."""
_IN_THOUSANDTHS = np.rint(np.array([[RED, GREEN, BLUE]]) * 1000).astype(np.float32)

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


def luma_in_thousandths(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """A thousand times the luma (H, W, 1) of colours (H, W, 3) that are whole numbers from 0 to 255.

    Whole numbers below 2**24 are exact in float32, in whatever order they are added.
    """
    return np.asarray(cv2.transform(rgb, _IN_THOUSANDTHS), np.float32)[..., None]


def slopes(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """By how much R, G and B change where luma changes by 1, about each pixel (H, W, 3) of colours (H, W, 3).

    The regression of each channel on luma over 3x3 pixels, as in the guided filter (He, Sun and Tang, ECCV
    2010); 1 for grey, and near 1 where little changes. Weighted as in `luma` the three make 1: a change of
    luma that they share out stays what it is. All sums are of whole numbers below 2**24 and so are exact,
    and a slope does not depend on its pixel's place in the array.
    """
    y, sums, variance, red, blue, some, other = np.empty((7, *rgb.shape[:2]), np.float32)
    np.copyto(y, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    _sum(y, sums)
    _covariance(y, y, sums, variance, some)
    variance += np.float32(81 * _NOISE)
    for channel, slope in ((0, red), (2, blue)):
        np.subtract(rgb[..., channel], y, out=other)
        _covariance(other, y, sums, slope, some)
        slope /= variance
    np.multiply(red, np.float32(-RED / GREEN), out=some)
    np.multiply(blue, np.float32(-BLUE / GREEN), out=other)
    result: NDArray[np.float32] = cv2.merge((red, np.add(some, other, out=some), blue))
    return np.add(result, 1, out=result)


def _covariance(values: Any, y: Any, sums: Any, out: Any, spare: Any) -> None:
    """81 times the covariance of ``values`` and ``y`` (H, W) over 3x3 pixels; ``sums`` are those of ``y``."""
    _sum(np.multiply(values, y, out=spare), out)
    out *= 9
    _sum(values, spare)
    spare *= sums
    out -= spare


def _sum(values: Any, out: Any) -> None:
    """Sums over 3x3 pixels."""
    cv2.boxFilter(values, cv2.CV_32F, (3, 3), out, normalize=False, borderType=cv2.BORDER_REFLECT_101)
