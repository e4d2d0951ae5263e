"""Pictures too large for memory, read a few rows at a time from top to bottom."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from upscale_cli.image_io import decode, jpeg, libvips
from upscale_cli.image_io.decode import Encoded
from upscale_cli.image_io.spool import IN_MEMORY, spooled
from upscale_cli.pixels import Pixels

ReadRows = Callable[[int, int], Pixels]
"""read(y0, y1): rows y0 to y1 (exclusive), (y1 - y0, W, C), upright; every row once, in order."""

_STRIP = 256


@contextmanager
def open_rows(
    data: Encoded, fmt: str, name: str, orientation: int, folder: Path | None, *, all_frames: bool = False
) -> Iterator[ReadRows]:
    """A function that reads rows, for as long as the block lasts.

    Pictures that are stored turned or upside down are decoded as a whole first; large ones into a file of raw
    samples, which is removed at the end.

    Args:
        folder: where that file may lie; the system's folder for temporary files by default.
        all_frames: read all frames of an animation, one below the other.

    Raises:
        DamagedImageError, UnsupportedImageError: as decode.decode, also from the function.
    """
    read, shape, dtype = _stored_rows(data, fmt, name, -1 if all_frames else 1)
    if orientation < 3:
        yield (lambda y0, y1: decode.upright(read(y0, y1), orientation))
        return
    size = math.prod(shape) * np.dtype(dtype).itemsize
    strips = (read(top, min(top + _STRIP, shape[0])) for top in range(0, shape[0], _STRIP))
    with spooled(strips, shape, dtype, Path(folder or tempfile.gettempdir(), "rows")) as stored:
        if size <= IN_MEMORY:
            turned = decode.upright(stored, orientation)
            yield (lambda y0, y1: turned[y0:y1])
        else:
            view = _turned(stored, orientation)
            yield (lambda y0, y1: np.ascontiguousarray(view[y0:y1]))


def _stored_rows(data: Encoded, fmt: str, name: str, n: int) -> tuple[ReadRows, tuple[int, int, int], Any]:
    """A reader of the rows as they are stored, the shape of all of them, and their type."""
    if fmt in ("bmp", "pnm"):
        pixels = decode.decode(data, fmt, name)
        return (lambda y0, y1: pixels[y0:y1]), pixels.shape, pixels.dtype
    openings = decode.openings(data, fmt, name, n=n)
    image = next(openings).image
    region = libvips.Region.new(image)
    dtype = np.dtype(libvips.DTYPES[image.format])

    def fetch(y0: int, y1: int) -> Any:
        nonlocal image, region
        while True:
            try:
                return region.fetch(0, y0, image.width, y1 - y0)
            except libvips.Error as error:
                following = next(openings, None) if jpeg.harmless(error.detail) else None
                if not following:
                    raise decode.broken(name, fmt, error) from error
                image = following.image
                region = libvips.Region.new(image)

    def read(y0: int, y1: int) -> Pixels:
        samples = np.frombuffer(fetch(y0, y1), dtype)
        pixels: Pixels = samples.reshape(y1 - y0, image.width, image.bands)
        return decode.finished(pixels, image, fmt, name)

    return read, (image.height, image.width, image.bands), dtype


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """As decode.upright, as a view: nothing is read or copied yet."""
    across = pixels.transpose(1, 0, 2) if orientation >= 5 else pixels
    rows, columns = {3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}[orientation]
    return across[::rows, ::columns]
