"""A result that grows from top to bottom: in memory while it is small, in a file of raw samples if not."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from upscale_cli.atomic import cannot_write, needs_room, new_temporary
from upscale_cli.pixels import Pixels

IN_MEMORY = 512 * 2**20
"""Bytes up to which a result is collected in memory."""


@contextmanager
def raw_file(target: Path, size: int) -> Iterator[Path]:
    """An empty file in the folder of `target`, which is removed at the end of the block.

    Raises:
        OutputError: the disk has no room for `size` bytes, or the file cannot be made.
    """
    try:
        needs_room(target, size)
        handle, name = new_temporary(target, ".raw")
        os.close(handle)
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        yield Path(name)
    finally:
        Path(name).unlink()


@contextmanager
def spooled(
    bands: Iterable[Pixels],
    shape: tuple[int, int, int],
    dtype: npt.DTypeLike,
    target: Path,
) -> Iterator[Pixels]:
    """Bands (h, W, C) one below the other as one array; its file is gone at the end of the block.

    The pages of a file-backed array are the operating system's: they take no memory that others need.

    Args:
        shape: (H, W, C) of the whole; the h of the bands add up to H.
        target: the picture that it is for; a file lies in the same folder.

    Raises:
        OutputError: the disk has no room for the file, or it cannot be written.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        whole, top = np.empty(shape, dtype), 0
        for band in bands:
            whole[top : top + len(band)] = band
            top += len(band)
        yield whole
        return
    with raw_file(target, size) as path:
        with path.open("wb") as file:
            for band in bands:
                file.write(np.ascontiguousarray(band).data)
        yield np.memmap(path, dtype, "r", shape=shape)
