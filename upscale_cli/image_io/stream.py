"""A picture that libvips reads while it is still being made.

libvips takes pixels from memory that holds all of them, or asks a loader for them, row by row. So the rows
are shown to it as what its quickest loader reads: an uncompressed TIFF file, of which only the header exists
from the beginning. The header says where each strip of rows lies; libvips asks for them in order and waits.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from upscale_cli.image_io import ifd, libvips
from upscale_cli.pixels import Pixels

_AHEAD = 2
"""Bands that may wait to be read."""
_STRIP = 16
"""Rows that libvips reads at a time."""


class RowStream:
    """Passes bands of rows from the thread that makes them to the threads of libvips that want them."""

    def __init__(self, shape: tuple[int, int, int], dtype: npt.DTypeLike) -> None:
        """`shape` is (H, W, C) of the whole picture; `dtype` uint8, uint16 or float32."""
        self._head = _header(shape, np.dtype(dtype))
        self._end = len(self._head) + math.prod(shape) * np.dtype(dtype).itemsize
        self._bands: deque[memoryview] = deque()
        self._top = len(self._head)  # where the first waiting band begins in the pretended file
        self._at = 0  # where libvips reads next
        self._ended = self._closed = False
        self._change = threading.Condition()
        self.begun = False
        """Whether pixels have been read: they cannot be read again."""

    def image(self) -> Any:
        """The picture as libvips.image_of would give it, to be read once from top to bottom."""
        source = libvips.SourceCustom()
        source.on_read(self._read)
        source.on_seek(self._seek)
        return libvips.plain(libvips.load_source("tiffload", source, access="sequential", fail_on="error"))

    def put(self, rows: Pixels) -> bool:
        """Add the next rows (h, W, C), as soon as there is room; False if nobody reads any more."""
        with self._change:
            self._change.wait_for(lambda: self._closed or len(self._bands) < _AHEAD)
            if not self._closed and len(rows):
                self._bands.append(np.ascontiguousarray(rows).data.cast("B"))
                self._change.notify_all()
            return not self._closed

    def end(self) -> None:
        """Say that no more rows will come: a reader that wants more finds the file cut short."""
        with self._change:
            self._ended = True
            self._change.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer, whatever is left: put() returns False, and readers find no more."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _read(self, size: int) -> memoryview | None:
        """At most `size` bytes from where libvips is; None at the end. Called in libvips's threads."""
        if self._at < len(self._head):
            data = memoryview(self._head)[self._at : self._at + size]
            self._at += len(data)
            return data
        with self._change:
            self.begun = True
            self._change.wait_for(lambda: self._closed or self._ended or bool(self._bands))
            start = self._at - self._top
            if self._closed or not self._bands or not 0 <= start < len(self._bands[0]):
                return None
            data = self._bands[0][start : start + size]
            self._at += len(data)
            if self._at == self._top + len(self._bands[0]):
                self._top += len(self._bands.popleft())
                self._change.notify_all()
            return data

    def _seek(self, offset: int, whence: int) -> int:
        self._at = (0, self._at, self._end)[whence] + offset
        return self._at


def save_while_made(
    save: Callable[[RowStream], None],
    bands: Iterable[Pixels],
    shape: tuple[int, int, int],
    dtype: npt.DTypeLike,
) -> None:
    """Let `save` write a picture in a thread of its own while `bands` (h, W, C) are made in this one.

    Raises:
        What `bands` raises, else what `save` raises; both have ended by then.
    """
    stream = RowStream(shape, dtype)
    with ThreadPoolExecutor(1, "save") as pool:
        saving = pool.submit(save, stream)
        saving.add_done_callback(lambda _: stream.close())
        try:
            for band in bands:
                if not stream.put(band):
                    break
            stream.end()
            saving.result()
        except BaseException:
            stream.close()
            raise


def _header(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> bytes:
    """All of an uncompressed BigTIFF file but its samples, which follow."""
    height, width, channels = shape
    where = ifd.Layout("<", big=True)
    rows = [min(_STRIP, height - top) for top in range(0, height, _STRIP)]
    lengths = [count * width * channels * dtype.itemsize for count in rows]
    kind = 3 if dtype == np.float32 else 1
    tags = {
        0x0100: ifd.entry(4, [width], "<"),
        0x0101: ifd.entry(4, [height], "<"),
        0x0102: ifd.entry(3, [dtype.itemsize * 8] * channels, "<"),  # bits per sample
        0x0103: ifd.entry(3, [1], "<"),  # no compression
        0x0106: ifd.entry(3, [2 if channels == 3 else 1], "<"),  # RGB, or grey with black as 0
        0x0111: ifd.entry(16, [0] * len(rows), "<"),  # where the strips are
        0x0115: ifd.entry(3, [channels], "<"),
        0x0116: ifd.entry(4, [_STRIP], "<"),  # rows of a strip
        0x0117: ifd.entry(16, lengths, "<"),  # bytes of each strip
        0x0153: ifd.entry(3, [kind] * channels, "<"),  # whole numbers, or floating point
    }
    start = b"II\x2b\0\x08\0\0\0" + (16).to_bytes(8, "little")
    end = len(start) + len(ifd.pack(tags, where, len(start)))
    offsets = [end + top * width * channels * dtype.itemsize for top in range(0, height, _STRIP)]
    tags[0x0111] = ifd.entry(16, offsets, "<")
    return start + ifd.pack(tags, where, len(start))
