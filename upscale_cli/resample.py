"""Resizing without a network: the fixed enlargement under every residual, and antialiased resampling to any
size.

Two cubic kernels are at work, after R. Keys, "Cubic convolution interpolation for digital image
processing", IEEE Trans. ASSP 29 (1981): `double` has a = -0.75, as OpenCV's ``INTER_CUBIC``, because that
is the enlargement which the networks were trained to correct; everything else has a = -0.5, as Pillow and
MATLAB, because that is what papers mean by "bicubic".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from upscale_cli.pixels import Batch, Pixels, check_pixels, peak

DOUBLE_HALO = 2
"""Input pixels that one pixel of `double` depends on, on either side."""

SHRINK_HALO = 2
"""How far one pixel of `shrink_batch` sees, on either side, in output pixels."""

_Floats = NDArray[np.floating[Any]]
_Block: TypeAlias = tuple[int, NDArray[np.float32]]
_BLOCK = 16
"""Output rows per matrix product: few enough that the band of weights is mostly not zero."""
_CHUNK_VALUES = 4_000_000
"""Source values that are in memory as floats at a time."""
_PRODUCT = 2**18
"""Multiplications up to which OpenBLAS works in the calling thread."""
_ROW_END = 16
"""Pixels at the end of a row that may be left over by the longest vector registers of any CPU."""


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
    result = np.asarray(cv2.resize(values, size, dst=out, interpolation=cv2.INTER_CUBIC), np.float32)
    return result if result.ndim == values.ndim else result[..., None]


def enlarge_batch(batch: Batch, scale: int) -> Batch:
    """A batch (N, H, W, C), enlarged by `double` as often as ``scale``, a power of two, asks."""
    if scale < 1 or scale & (scale - 1):
        raise ValueError(f"scale {scale} is no power of two")
    while scale > 1:
        batch, scale = np.stack([double(values) for values in batch]), scale // 2
    return batch


def shrink_batch(batch: Batch, scale: int) -> Batch:
    """A batch (N, H, W, C), shrunk by an even ``scale`` as `resize` does it, but with its edges repeated."""
    kernel = KERNELS["bicubic"]
    rim = int((kernel.support - 0.5) * scale)
    weights = kernel.weight((np.arange(scale + 2 * rim) + 0.5) / scale - kernel.support)
    for axis in (1, 2):
        length = batch.shape[axis]
        rims = [(rim, rim) if number == axis else (0, 0) for number in range(4)]
        taps = np.moveaxis(np.pad(batch, rims, mode="edge"), axis, 0)
        # value by value, so that no bit depends on where in the batch a pixel is
        total = sum(
            np.float32(weight) * taps[k : k + length : scale]
            for k, weight in enumerate(weights / weights.sum())
        )
        batch = np.moveaxis(np.asarray(total), 0, axis)
    return batch


def resize(pixels: Pixels, height: int, width: int, kernel: str = "bicubic") -> Pixels:
    """``pixels`` (H, W, C) resampled to (height, width, C) in the same number type.

    Shrinking is antialiased: the kernel widens with the ratio, and is renormalised at the borders, as in
    Pillow's ``Image.resize``. Rows are worked on in chunks; no copy of the whole picture is made in floats.
    Channels are worked on one by one, so that equal ones stay equal to the last bit.
    """
    check_pixels(pixels)
    if min(height, width) < 1:
        raise ValueError(f"cannot resize to {height}x{width} pixels")
    channels, white = pixels.shape[2], peak(pixels.dtype)
    vertical = _blocks(pixels.shape[0], height, KERNELS[kernel])
    horizontal = _blocks(pixels.shape[1], width, KERNELS[kernel])
    result = np.empty((height, width, channels), pixels.dtype)
    at_once = max(1, _CHUNK_VALUES // (vertical[0][1].shape[1] * pixels.shape[1] * channels))
    for first in range(0, len(vertical), at_once):
        blocks = vertical[first : first + at_once]
        top, bottom = blocks[0][0], blocks[-1][0] + blocks[-1][1].shape[1]
        near = [(low - top, weights) for low, weights in blocks]
        start = first * _BLOCK
        for channel in range(channels):
            rows = _apply(near, pixels[top:bottom, :, channel].astype(np.float32))
            values = _apply(horizontal, rows.T).T
            np.clip(values, 0, white, out=values)
            if white > 1:
                values += 0.5  # the cast to integers then rounds halves up, as Pillow does
            result[start : start + len(values), :, channel] = values
    return result


def _apply(blocks: list[_Block], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Resample the first axis of ``values`` (sources, others); the result has the same memory layout."""
    rows, others = sum(len(weights) for _, weights in blocks), values.shape[1]
    result = np.empty((rows, others), np.float32, order="C" if values.flags.c_contiguous else "F")
    row = 0
    for low, weights in blocks:
        count, span = weights.shape
        # In pieces so small that the library does not call for threads: waiting for those is slow.
        step = max(1, _PRODUCT // weights.size)
        for start in range(0, others, step):
            part = values[low : low + span, start : start + step]
            np.matmul(weights, part, out=result[row : row + count, start : start + step])
        row += count
    return result


def _blocks(source: int, target: int, kernel: Kernel) -> list[_Block]:
    """The resampling matrix of one axis, as diagonal blocks: (first source pixel, (targets, sources))."""
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

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Enlarge every picture of the batch; see `model.Model`."""
        height, width = (self.scale * n for n in batch.shape[1:3])
        rim = self.scale * spare
        return np.stack([self._enlarge(values)[rim : height - rim, rim : width - rim] for values in batch])

    def _enlarge(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """One convolution per phase and axis; the phases, side by side, are the enlarged picture."""
        height, width, channels = values.shape
        # OpenCV's loops may round the last few values of a row differently: let none of ours be among them.
        padded: Any = cv2.copyMakeBorder(values, 0, 0, 0, _ROW_END, cv2.BORDER_REPLICATE)
        columns = [_convolve(padded, weights[None]).reshape(padded.shape) for weights in self._weights]
        wide = np.stack(columns, axis=2).reshape(height, -1, channels)
        result = np.empty((height, self.scale, *wide.shape[1:]), np.float32)
        for phase, weights in enumerate(self._weights):
            result[:, phase] = _convolve(wide, weights[:, None]).reshape(wide.shape)
        return result.reshape(-1, *wide.shape[1:])[:, : self.scale * width]


def _convolve(values: NDArray[np.float32], kernel: NDArray[np.float32]) -> Any:
    return cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
