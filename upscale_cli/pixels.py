"""The pixel contract: what arrays the package takes and gives, and how the number types convert.

``Pixels``: (height, width, channels) with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels, as
``uint8`` or ``uint16`` over their full range, or ``float32`` in [0, 1]. ``Batch``: (count, height, width,
channels) ``float32`` in [0, 1].
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Pixels: TypeAlias = NDArray[Any]
Batch: TypeAlias = NDArray[np.float32]

_PEAKS = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0, np.dtype(np.float32): 1.0}


def peak(dtype: DTypeLike) -> float:
    """Value of white in an array of ``dtype``: 255, 65535 or 1. Raises TypeError for any other type."""
    try:
        return _PEAKS[np.dtype(dtype)]
    except KeyError:
        raise TypeError(f"pixels are uint8, uint16 or float32, not {np.dtype(dtype)}") from None


def check_pixels(pixels: Pixels, channels: tuple[int, ...] = (1, 2, 3, 4)) -> None:
    """Raise TypeError or ValueError unless ``pixels`` has a type and a shape of the contract, with one of
    these channel counts.
    """
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"pixels are a NumPy array, not {type(pixels).__name__}")
    peak(pixels.dtype)
    if pixels.ndim != 3 or pixels.shape[2] not in channels:
        allowed = ", ".join(map(str, channels))
        raise ValueError(f"pixels have shape (height, width, {allowed}), not {pixels.shape}")
    if 0 in pixels.shape:
        raise ValueError(f"no pixels in an array of shape {pixels.shape}")


def check_range(pixels: Pixels) -> None:
    """Raise ValueError for float32 with values that are no numbers, or farther than 0.01 from [0, 1]."""
    if pixels.dtype != np.float32:
        return
    lowest, highest = float(pixels.min()), float(pixels.max())
    if not (lowest >= -0.01 and highest <= 1.01):
        raise ValueError(
            f"float32 pixels lie in [0, 1]; these reach from {lowest:g} to {highest:g}:"
            " divide them by the value of white, 255 for what was 8 bit"
        )


def to_float(pixels: Pixels) -> NDArray[np.float32]:
    """As float32 in [0, 1]; float32 arrays are returned as they are."""
    if pixels.dtype == np.float32:
        return pixels
    return np.multiply(pixels, np.float32(1 / peak(pixels.dtype)), dtype=np.float32)


def from_float(values: NDArray[Any], dtype: DTypeLike) -> Pixels:
    """Floats in [0, 1] as ``dtype``: clipped, scaled to the full range, rounded to nearest with ties to
    even.
    """
    white = peak(dtype)
    scaled = np.multiply(values, white, dtype=values.dtype)
    np.clip(scaled, 0, white, out=scaled)
    if white != 1:
        np.rint(scaled, out=scaled)
    result: Pixels = scaled.astype(dtype, copy=False)
    return result
