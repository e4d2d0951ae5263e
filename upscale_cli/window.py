"""What happens inside one window: cut it out, show its luma to the network, add the answer to the enlarged
colours.

Every step gives a pixel the same bits wherever it lies in a window. numpy rounds each product and sum by
itself; OpenCV may fuse a product into a sum in the vectorised part of a row and not in the rest of it, so
here it only adds, copies and converts, and enlarges (`resample.double`) with `SKIP_MARGIN` spare pixels
around, which are cropped.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from upscale_cli.color import luma
from upscale_cli.errors import ResultError
from upscale_cli.geometry import Region
from upscale_cli.model import Model
from upscale_cli.pixels import Batch, Pixels, from_float, peak
from upscale_cli.resample import double, enlarge_batch

SKIP_MARGIN = 4
"""Input pixels beyond a core that the bicubic enlargement needs, at any scale: 2 + 1 + ½ + …"""

_STRIP_ROWS = 32
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


class Composer:
    """Runs ``model`` on windows of pictures with ``channels`` (1 or 3) of ``dtype``."""

    def __init__(self, model: Model, channels: int, dtype: DTypeLike) -> None:
        self.model, self.channels = model, channels
        self.white = np.float32(peak(dtype))
        luma_of_colour = model.channels == 1 and channels == 3
        self.residual = model.residual or luma_of_colour
        self._to_residual = luma_of_colour and not model.residual
        if self.residual and model.scale & (model.scale - 1):
            raise ValueError(f"a luma model of scale {model.scale}: the scale must be a power of two")

    def answers(self, windows: list[Pixels], batch: int) -> Batch:
        """The network's answers (batch, H, W, 1 or channels) to ``windows``, of which there may be fewer."""
        inputs = np.zeros((batch, *windows[0].shape[:2], self.model.channels), np.float32)
        for place, window in zip(inputs, windows, strict=False):
            self._show(window, place)
        answers = self.model(inputs)
        expected = (batch, *(self.model.scale * n for n in inputs.shape[1:3]), self.model.channels)
        if answers.shape != expected:
            raise ResultError(
                f"the network answers {inputs.shape} values with {answers.shape}, not {expected}"
            )
        if not np.isfinite(np.add.reduce(answers, axis=None)):
            raise ResultError(
                "the network's answer holds values that are no numbers",
                hint="the weights are not usable; try another model (`upscale models` lists them)",
            )
        if self._to_residual:
            answers = answers - enlarge_batch(inputs, self.model.scale)
        return luma(answers) if self.model.channels > self.channels else answers

    def _show(self, window: Pixels, place: NDArray[np.float32]) -> None:
        """Write ``window`` as the network wants to see it."""
        values = window.astype(np.float32)
        if self.model.channels == 1 and self.channels == 3:
            values = luma(values)
        np.multiply(values, np.float32(1) / self.white, out=place)

    def compose(self, window: Pixels, answer: NDArray[np.float32], area: Region, out: Pixels) -> None:
        """Write ``area`` of the enlarged window to ``out``, rounding once; float ``out`` is not clipped."""
        scale = self.model.scale
        for y in range(area.y, area.bottom, _STRIP_ROWS):
            strip = Region(y, area.x, min(_STRIP_ROWS, area.bottom - y), area.width)
            place = out[(y - area.y) * scale : (y - area.y + strip.height) * scale]
            detail: Any = answer[strip.scaled(scale).slices] * self.white
            if not self.residual:
                place[:] = detail if out.dtype == np.float32 else from_float(detail / self.white, out.dtype)
                continue
            if detail.shape[2] < self.channels:
                detail = cv2.merge((detail, detail, detail))
            cv2.add(self._enlarged(window, strip), detail, dst=place, dtype=_DEPTHS[out.dtype])

    def _enlarged(self, window: Pixels, strip: Region) -> NDArray[np.float32]:
        """``strip`` of the bicubic enlargement of ``window``."""
        top = max(strip.y - SKIP_MARGIN, 0)
        values = window[top : strip.bottom + SKIP_MARGIN].astype(np.float32)
        scale = 1
        while scale < self.model.scale:
            values, scale = double(values), scale * 2
        return values[Region(strip.y - top, strip.x, strip.height, strip.width).scaled(scale).slices]


_DEPTHS = {
    np.dtype(np.uint8): cv2.CV_8U,
    np.dtype(np.uint16): cv2.CV_16U,
    np.dtype(np.float32): cv2.CV_32F,
}
