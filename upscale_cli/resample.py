"""Resizing without a network: the fixed enlargement under every residual, and antialiased resampling to any
size.

Two cubic kernels are at work, after R. Keys, "Cubic convolution interpolation for digital image
processing", IEEE Trans. ASSP 29 (1981): `double` has a = -0.75, as OpenCV's ``INTER_CUBIC``, because that
is the enlargement which the networks were trained to correct; everything else has a = -0.5, as Pillow and
MATLAB, because that is what papers mean by "bicubic".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from upscale_cli.pixels import Batch, Pixels, check_pixels, from_float, to_float

DOUBLE_HALO = 2
"""Input pixels that one pixel of `double` depends on, on either side."""

_Floats = NDArray[np.floating[Any]]
_BLOCK = 16
"""Output rows per matrix product: few enough that the band of weights is mostly not zero."""
_CHUNK_ROWS = 64
"""Output rows that are in memory as floats at a time."""


class Kernel(NamedTuple):
    """An interpolation kernel: its weight at a distance, and the distance where it ends, in pixels."""

    weight: Callable[[_Floats], _Floats]
    support: float


def _box(x: _Floats) -> _Floats:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _cubic(x: _Floats, a: float = -0.5) -> _Floats:
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _lanczos(x: _Floats) -> _Floats:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


KERNELS = {"box": Kernel(_box, 0.5), "bicubic": Kernel(_cubic, 2.0), "lanczos": Kernel(_lanczos, 3.0)}


def double(values: NDArray[np.float32], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """``values`` (H, W) or (H, W, C) float32, enlarged exactly 2 times by OpenCV's bicubic (a = -0.75)."""
    size = (2 * values.shape[1], 2 * values.shape[0])
    result: Any = cv2.resize(values, size, dst=out, interpolation=cv2.INTER_CUBIC)
    return result if result.ndim == values.ndim else result[..., None]  # type: ignore[no-any-return]


def enlarge_batch(batch: Batch, scale: int) -> Batch:
    """A batch (N, H, W, C), enlarged by `double` as often as ``scale``, a power of two, asks."""
    if scale < 1 or scale & (scale - 1):
        raise ValueError(f"scale {scale} is no power of two")
    while scale > 1:
        batch, scale = np.stack([double(values) for values in batch]), scale // 2
    return batch


def resize(pixels: Pixels, height: int, width: int, kernel: str = "bicubic") -> Pixels:
    """``pixels`` (H, W, C) resampled to (height, width, C) in the same number type.

    Shrinking is antialiased: the kernel widens with the ratio, and is renormalised at the borders, as in
    Pillow's ``Image.resize``. Rows are worked on in chunks; no copy of the whole picture is made in floats.
    """
    check_pixels(pixels)
    if min(height, width) < 1:
        raise ValueError(f"cannot resize to {height}x{width} pixels")
    vertical = _blocks(pixels.shape[0], height, KERNELS[kernel])
    horizontal = _blocks(pixels.shape[1], width, KERNELS[kernel])
    result = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    for first in range(0, len(vertical), _CHUNK_ROWS // _BLOCK):
        blocks = vertical[first : first + _CHUNK_ROWS // _BLOCK]
        top, bottom = blocks[0][0], blocks[-1][0] + blocks[-1][1].shape[1]
        rows = _apply(blocks, to_float(pixels[top:bottom]), top)
        columns = _apply(horizontal, np.ascontiguousarray(rows.transpose(1, 0, 2)), 0)
        start = first * _BLOCK
        result[start : start + len(rows)] = from_float(columns.transpose(1, 0, 2), pixels.dtype)
    return result


def _blocks(source: int, target: int, kernel: Kernel) -> list[tuple[int, NDArray[np.float32]]]:
    """The resampling matrix of one axis, as diagonal blocks: (first source pixel, weights (targets,
    sources)).
    """
    ratio = source / target
    stretch = max(ratio, 1.0)
    blocks = []
    for start in range(0, target, _BLOCK):
        centers = (np.arange(start, min(start + _BLOCK, target)) + 0.5) * ratio
        low = max(int(centers[0] - kernel.support * stretch + 0.5), 0)
        high = min(int(centers[-1] + kernel.support * stretch + 0.5), source)
        positions = np.arange(low, max(high, low + 1)) + 0.5
        weights = kernel.weight((positions - centers[:, None]) * (1 / stretch))
        blocks.append((low, (weights / weights.sum(1, keepdims=True)).astype(np.float32)))
    return blocks


def _apply(
    blocks: list[tuple[int, NDArray[np.float32]]], values: NDArray[np.float32], first: int
) -> NDArray[np.float32]:
    """Resample the first axis of ``values`` (sources, other, channels), whose first row is source
    ``first``.
    """
    flat = values.reshape(len(values), -1)
    result = np.empty((sum(len(weights) for _, weights in blocks), flat.shape[1]), np.float32)
    row = 0
    for low, weights in blocks:
        count, span = weights.shape
        np.matmul(weights, flat[low - first : low - first + span], out=result[row : row + count])
        row += count
    return result.reshape(-1, *values.shape[1:])


class Interpolation:
    """A kernel in the place of a network: a `model.Model` that enlarges by whole numbers, for comparison."""

    residual = False

    def __init__(self, kernel: str, scale: int, channels: int = 3) -> None:
        self.scale, self.channels = scale, channels
        support = KERNELS[kernel].support
        self.halo = int(np.ceil(support - 0.5))
        offsets = np.arange(-self.halo, self.halo + 1)
        phases = (np.arange(scale) + 0.5) / scale - 0.5
        weights = KERNELS[kernel].weight(offsets - phases[:, None])
        self._weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)

    def __call__(self, batch: Batch, /) -> Batch:
        """Enlarge each axis. Every product and sum is rounded by itself: a pixel's place does not change
        it.
        """
        return self._enlarge_axis(self._enlarge_axis(batch, 1), 2)

    def _enlarge_axis(self, batch: Batch, axis: int) -> Batch:
        length = batch.shape[axis]
        around = [(0, 0)] * 4
        around[axis] = (self.halo, self.halo)
        padded = np.moveaxis(np.pad(batch, around, mode="edge"), axis, 0)
        phases = np.zeros((length, self.scale, *padded.shape[1:]), np.float32)
        for phase, weights in enumerate(self._weights):
            for tap in np.flatnonzero(weights):
                phases[:, phase] += padded[tap : tap + length] * weights[tap]
        return np.moveaxis(phases.reshape(length * self.scale, *padded.shape[1:]), 0, axis)
