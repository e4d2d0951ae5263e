"""Room for a result: memory while it is small, a file of raw samples beside the target once it is not."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from upscale_cli.atomic import cannot_write, needs_room, new_temporary
from upscale_cli.pixels import Pixels

IN_MEMORY = 512 * 2**20
"""Bytes up to which a result is collected in memory."""


@contextmanager
def canvas(
    shape: tuple[int, int, int], dtype: npt.DTypeLike, target: Path, *, in_memory: int = IN_MEMORY
) -> Iterator[Pixels]:
    """An array to be filled, which is gone with its file at the end of the block.

    The operating system writes the pages of a file-backed array to the disk as it sees fit, so that the array
    takes no memory that anything else needs.

    Args:
        target: the picture that it is for; the file lies in the same folder.
        in_memory: arrays of more bytes than this lie in a file.

    Raises:
        OutputError: the disk has no room for the file, or it cannot be made.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= in_memory:
        yield np.empty(shape, dtype)
        return
    needs_room(target, size)
    try:
        handle, name = new_temporary(target, ".raw")
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(
                    handle, 0, size
                )  # a full disk is an error here and a crash in mapped memory
            else:
                os.ftruncate(handle, size)
            mapped = mmap.mmap(handle, size)
        except OSError as error:
            raise cannot_write(target, error) from error
        yield np.frombuffer(mapped, dtype).reshape(shape)
    finally:
        os.close(handle)
        Path(name).unlink()
