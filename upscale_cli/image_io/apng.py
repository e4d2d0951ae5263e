"""Animated PNG (PNG specification, third edition, sections 4.9 and 11.3.6): frames out of it, and into it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from upscale_cli.errors import DamagedImageError
from upscale_cli.image_io import libvips, png
from upscale_cli.image_io.png import chunk
from upscale_cli.pixels import Pixels, peak

_TO_BACKGROUND, _TO_PREVIOUS = 1, 2  # what becomes of a frame's area after it was shown
_OVER = 1  # a frame is blended over what is there, not put in its place
_MOST = 65535
"""What a delay can be counted up to, in parts of a second that the frame itself tells."""
_SHARED = (b"PLTE", b"tRNS")
END = chunk(b"IEND", b"")


@dataclass
class Frame:
    """One frame as stored: the area that it changes, how, for how long, and where its data are."""

    width: int
    height: int
    left: int
    top: int
    delay: int
    """Milliseconds."""
    dispose: int
    blend: int
    data: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Animation:
    """What the chunks of an animated PNG say. `loop` is how often it plays, 0 for ever."""

    width: int
    height: int
    header: bytes
    shared: bytes
    frames: tuple[Frame, ...]
    loop: int

    @property
    def transparent(self) -> bool:
        """Some pixel of some frame may be transparent, or never be drawn."""
        first = self.frames[0]
        whole = (first.width, first.height) == (self.width, self.height)
        cleared = any(frame.dispose == _TO_BACKGROUND for frame in self.frames)
        return self.header[9] in (4, 6) or b"tRNS" in self.shared or cleared or not whole


def parse(data: Any, name: str) -> Animation:
    """Read the chunks of an animated PNG held in a buffer.

    Raises:
        DamagedImageError: frames are missing, or reach beyond the picture.
    """
    width = height = promised = loop = 0
    header, shared, frames = b"", b"", list[Frame]()
    for kind, start, end in png.chunks(data):
        body = start + 8
        if kind == b"IHDR":
            header = bytes(data[body : end - 4])
            width, height = struct.unpack_from(">II", header)
        elif kind == b"acTL" and end - start >= 20:
            promised, loop = struct.unpack_from(">II", data, body)
        elif kind in _SHARED:
            shared += bytes(data[start:end])
        elif kind == b"fcTL" and end - start >= 38:
            _, wide, high, left, top, number, base, dispose, blend = struct.unpack_from(">5I2H2B", data, body)
            delay = round(1000 * number / (base or 100))
            frames.append(Frame(wide, high, left, top, delay, dispose, blend))
        elif kind == b"IDAT" and frames:
            frames[-1].data.append((body, end - 4))
        elif kind == b"fdAT" and frames and end - start >= 16:
            frames[-1].data.append((body + 4, end - 4))
    inside = all(
        0 < f.width <= width - f.left and 0 < f.height <= height - f.top and f.data for f in frames[:promised]
    )
    if not inside or len(frames) < promised or not promised:
        raise DamagedImageError(
            f"{name}: the animated PNG is damaged: {promised} frames announced, "
            f"{sum(bool(frame.data) for frame in frames)} found",
            hint="get a whole copy of the file",
        )
    return Animation(width, height, header, shared, tuple(frames[:promised]), loop)


def decode(data: Any, animation: Animation) -> Iterator[Pixels]:
    """The frames as they are shown, one after the other, each of the animation's whole size.

    Raises:
        libvips.Error: a frame's data are damaged.
    """
    canvas: Pixels | None = None
    for frame in animation.frames:
        piece = _piece(data, animation, frame)
        if canvas is None:
            canvas = np.zeros((animation.height, animation.width, piece.shape[2]), piece.dtype)
        rows, columns = (
            slice(frame.top, frame.top + frame.height),
            slice(frame.left, frame.left + frame.width),
        )
        before = canvas[rows, columns].copy()
        canvas[rows, columns] = _over(piece, before) if frame.blend == _OVER else piece
        yield canvas.copy()
        if frame.dispose == _TO_BACKGROUND or (
            frame.dispose == _TO_PREVIOUS and frame is animation.frames[0]
        ):
            canvas[rows, columns] = 0
        elif frame.dispose == _TO_PREVIOUS:
            canvas[rows, columns] = before


def _piece(data: Any, animation: Animation, frame: Frame) -> Pixels:
    """A frame's own area, with alpha if the animation needs it, decoded as a PNG of its own."""
    header = struct.pack(">II", frame.width, frame.height) + animation.header[8:]
    stored = b"".join(bytes(data[start:end]) for start, end in frame.data)
    single = png.SIGNATURE + chunk(b"IHDR", header) + animation.shared
    single += chunk(b"IDAT", stored) + END
    image = libvips.load("pngload", single, access="sequential", fail_on="error")
    dtype = libvips.DTYPES[image.format]
    if animation.transparent and not image.hasalpha():
        image = image.bandjoin(int(peak(dtype)))
    samples: Pixels = np.frombuffer(image.write_to_memory(), dtype)
    return samples.reshape(frame.height, frame.width, image.bands)


def _over(above: Pixels, below: Pixels) -> Pixels:
    """Straight-alpha compositing (Porter and Duff, 1984); grey or RGB without alpha covers what is below."""
    if above.shape[2] in (1, 3):
        return above
    white = np.float32(peak(above.dtype))
    upper, lower = above[:, :, -1:] / white, below[:, :, -1:] / white
    rest = lower * (1 - upper)
    alpha = upper + rest
    colour = (above[:, :, :-1] * upper + below[:, :, :-1] * rest) / np.maximum(alpha, np.float32(1e-6))
    mixed: Pixels = np.rint(np.concatenate([colour, alpha * white], axis=2)).astype(above.dtype)
    return mixed


def opening(frames: int, loop: int) -> bytes:
    """The chunk that announces an animation."""
    return chunk(b"acTL", struct.pack(">II", frames, loop))


def control(number: int, width: int, height: int, delay: int) -> bytes:
    """The chunk before a frame that replaces the whole picture for `delay` milliseconds."""
    sequence = 2 * number - 1 if number else 0
    base = next((base for base in (1000, 100, 10) if delay * base <= _MOST * 1000), 1)
    count = min(round(delay * base / 1000), _MOST)
    return chunk(b"fcTL", struct.pack(">5I2H2B", sequence, width, height, 0, 0, count, base, 0, 0))


def following(number: int, encoded: bytes) -> bytes:
    """A PNG's pixels as the data of frame `number`, the second or a later one."""
    stored = b"".join(
        encoded[start + 8 : end - 4] for kind, start, end in png.chunks(encoded) if kind == b"IDAT"
    )
    return chunk(b"fdAT", struct.pack(">I", 2 * number) + stored)
