"""What happens inside one window: cut it out, show its luma to the network, add the answer to the enlarged
colours.

Every step gives a pixel the same bits wherever it lies in a window. numpy rounds each product and sum by
itself; OpenCV may fuse a product into a sum in the vectorised part of a row and not in the rest of it, so
here it only adds, copies and converts, and enlarges (`resample.double`) with `SKIP_MARGIN` spare pixels
around, which are cropped.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from upscale_cli.color import luma, luma_in_thousandths, slopes
from upscale_cli.errors import ResultError
from upscale_cli.geometry import Region
from upscale_cli.model import Model, inner
from upscale_cli.native import compiled
from upscale_cli.pixels import Batch, Pixels, from_float, peak, to_float
from upscale_cli.resample import double, enlarge_batch

SKIP_MARGIN = 4
"""Input pixels beyond a core that the bicubic enlargement needs, at any scale: 2 + 1 + ½ + …"""

_STRIP_ROWS = 128
"""Rows of a window that are enlarged at a time, so that their floats stay in the CPU's second-level cache."""


def cut(rows: Pixels, top: int, height: int, region: Region, margin: int) -> Pixels:
    """The pixels of ``region`` of a picture, of which ``rows`` are the rows from ``top`` on.

    Inside the picture this is a view. Beyond the borders of the picture, which is ``height`` rows high,
    pixels are mirrored (without repeating the border pixel), or repeated along an axis no longer than
    ``margin``.
    """
    width = rows.shape[1]
    y0, y1 = max(region.y, 0), min(region.bottom, height)
    x0, x1 = max(region.x, 0), min(region.right, width)
    window = rows[y0 - top : y1 - top, x0:x1]
    window = _extend(window, y0 - region.y, region.bottom - y1, 0, 0, mirror=height > margin)
    return _extend(window, 0, 0, x0 - region.x, region.right - x1, mirror=width > margin)


def _extend(window: Pixels, above: int, below: int, left: int, right: int, *, mirror: bool) -> Pixels:
    if not (above or below or left or right):
        return window
    kind = cv2.BORDER_REFLECT_101 if mirror else cv2.BORDER_REPLICATE
    extended: Pixels = cv2.copyMakeBorder(window, above, below, left, right, kind)
    return extended if extended.ndim == 3 else extended[..., None]


def _around(window: Pixels, strip: Region) -> tuple[Pixels, Region]:
    """The rows of ``window`` that ``strip``, enlarged, is made of, and where it is in them."""
    top = max(strip.y - SKIP_MARGIN, 0)
    inside = Region(strip.y - top, strip.x, strip.height, strip.width)
    return window[top : strip.bottom + SKIP_MARGIN], inside


def _inside(area: Region, window: Pixels) -> bool:
    """Whether the window has all pixels that the bicubic enlargement of ``area`` needs."""
    height, width = (n - SKIP_MARGIN for n in window.shape[:2])
    return min(area.y, area.x) >= SKIP_MARGIN and area.bottom <= height and area.right <= width


class Composer:
    """Runs ``model`` on windows of pictures with ``channels`` (1 or 3) of ``dtype``."""

    def __init__(self, model: Model, channels: int, dtype: DTypeLike) -> None:
        self.model, self.channels = model, channels
        self.white = np.float32(peak(dtype))
        luma_of_colour = model.channels == 1 and channels == 3
        self.residual = model.residual or luma_of_colour
        self._to_residual = luma_of_colour and not model.residual
        fits = luma_of_colour and model.scale in (2, 4) and np.dtype(dtype) == np.uint8
        self._compiled = compiled if fits else None
        self._buffers = threading.local()
        if self.residual and model.scale & (model.scale - 1):
            raise ValueError(f"a luma model of scale {model.scale}: the scale must be a power of two")

    def answers(self, windows: list[Pixels], batch: int, spare: int = 0) -> Batch:
        """The network's answers to ``windows``, of which there may be fewer than ``batch``.

        (batch, scale*(H - 2*spare), scale*(W - 2*spare), 1 or channels), where ``spare`` are the pixels on
        each side of the windows whose answers will not be used.
        """
        inputs = self._scratch("inputs", batch, *windows[0].shape[:2], self.model.channels)
        inputs[len(windows) :] = 0
        for place, window in zip(inputs, windows, strict=False):
            self._show(window, place)
        answers = self.model(inputs, spare=spare)
        expected = (
            batch,
            *(self.model.scale * (n - 2 * spare) for n in inputs.shape[1:3]),
            self.model.channels,
        )
        if answers.shape != expected:
            raise ResultError(
                f"the network answers {inputs.shape} values with {answers.shape}, not {expected}"
            )
        if not all(math.isfinite(sum(cv2.sumElems(answer))) for answer in answers):
            raise ResultError(
                "the network's answer holds values that are no numbers",
                hint="the weights are not usable; try another model (`upscale models` lists them)",
            )
        if self._to_residual:
            answers = answers - inner(enlarge_batch(inputs, self.model.scale), self.model.scale * spare)
        return luma(answers) if self.model.channels > self.channels else answers

    def _show(self, window: Pixels, place: NDArray[np.float32]) -> None:
        """Write ``window`` to ``place`` as float32 in [0, 1], and as luma for a network that takes luma."""
        if self._compiled:
            self._compiled.luma(window, place[..., 0])
            return
        values: Any = self._scratch("values", *window.shape)
        np.copyto(values, window)
        unit = self.white
        if self.model.channels == 1 and self.channels == 3:
            if unit == 255:
                values = luma_in_thousandths(values)
                unit = unit * 1000
            else:
                values = luma(values)
        np.multiply(values, 1 / unit, out=place)

    def compose(
        self, window: Pixels, answer: NDArray[np.float32], area: Region, out: Pixels, spare: int = 0
    ) -> None:
        """Write ``area`` of the enlarged window to ``out``, rounding once; float ``out`` is not clipped.

        ``answer``, ``spare``: as in `answers`.
        """
        scale = self.model.scale
        answered = Region(spare, spare, *(n - 2 * spare for n in window.shape[:2]))
        if self._compiled and out.dtype == np.uint8 and _inside(area, window):
            part = answer[area.relative_to(answered).scaled(scale).slices]
            self._compiled.add_detail(window, area.y, area.x, scale, part[..., 0], out)
            return
        for y in range(0, area.height, _STRIP_ROWS):
            strip = Region(area.y + y, area.x, min(_STRIP_ROWS, area.height - y), area.width)
            big = strip.scaled(scale)
            place = out[y * scale : y * scale + big.height]
            part = answer[strip.relative_to(answered).scaled(scale).slices]
            if not self.residual:
                place[:] = part * self.white if out.dtype == np.float32 else from_float(part, out.dtype)
                continue
            detail: Any = self._scratch("detail", *part.shape)
            np.multiply(part, self.white, out=detail)
            if part.shape[2] < self.channels:
                details = self._scratch("details", *part.shape[:2], 3)
                detail = cv2.cvtColor(detail, cv2.COLOR_GRAY2RGB, dst=details)
                np.multiply(detail, self._slopes(window, strip), out=detail)
            cv2.add(self._enlarged(window, strip), detail, dst=place, dtype=_DEPTHS[out.dtype])

    def _slopes(self, window: Pixels, strip: Region) -> NDArray[np.float32]:
        """Shares of R, G and B in a change of luma, for ``strip`` of the enlarged ``window``."""
        rows, inside = _around(window, strip)
        if rows.dtype != np.uint8:
            rows = from_float(to_float(rows), np.uint8)
        (height, width), scale = rows.shape[:2], self.model.scale
        big = self._scratch("shares", scale * height, scale * width, 3)
        cv2.resize(slopes(rows), (scale * width, scale * height), dst=big, interpolation=cv2.INTER_LINEAR)
        return big[inside.scaled(scale).slices]

    def _enlarged(self, window: Pixels, strip: Region) -> NDArray[np.float32]:
        """``strip`` of the bicubic enlargement of ``window``, in memory that the next call reuses."""
        rows, inside = _around(window, strip)
        values = self._scratch("values", *rows.shape)
        np.copyto(values, rows)
        scale = 1
        while scale < self.model.scale:
            height, width, channels = values.shape
            values = double(values, self._scratch(f"x{scale}", 2 * height, 2 * width, channels))
            scale *= 2
        return values[inside.scaled(scale).slices]

    def _scratch(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Memory of this thread, kept: fresh pages from the system cost as much as the arithmetic."""
        size = math.prod(shape)
        buffer: NDArray[np.float32] | None = getattr(self._buffers, name, None)
        if buffer is None or buffer.size < size:
            buffer = np.empty(size, np.float32)
            setattr(self._buffers, name, buffer)
        return buffer[:size].reshape(shape)


_DEPTHS = {
    np.dtype(np.uint8): cv2.CV_8U,
    np.dtype(np.uint16): cv2.CV_16U,
    np.dtype(np.float32): cv2.CV_32F,
}
