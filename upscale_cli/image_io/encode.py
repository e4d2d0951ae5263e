"""Arrays in, encoded files out: whole or not at all, with what the source carried."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from upscale_cli.atomic import atomic
from upscale_cli.errors import OutputError
from upscale_cli.image_io import libvips
from upscale_cli.image_io.formats import FORMATS, Format, check_target, format_for
from upscale_cli.image_io.reduce import Reduction
from upscale_cli.image_io.savers import STREAMED, SaveOptions, Saver
from upscale_cli.image_io.spool import spooled
from upscale_cli.image_io.stream import save_while_made
from upscale_cli.pixels import Pixels

if TYPE_CHECKING:
    from upscale_cli.image_io.picture import Picture

__all__ = ["SaveOptions", "encode_picture", "target_format", "write_bands", "write_picture"]


def target_format(target: str | Path, like: Picture | None, options: SaveOptions) -> Format:
    """The format that a result will have: options.format, else the target's suffix, else the source's format.

    Raises:
        UsageError: a format that cannot be written was asked for.
    """
    if options.format:
        return format_for(options.format)
    if str(target) != "-" and Path(target).suffix:
        return format_for(target)
    return FORMATS[like.format if like is not None else "png"]


def write_picture(
    target: str | os.PathLike[str],
    frames: Iterable[Pixels],
    *,
    like: Picture | None = None,
    options: SaveOptions | None = None,
) -> list[str]:
    """Write a picture, atomically; `-` is standard output.

    Args:
        target: the file to appear; its folder is made if missing.
        frames: (H, W, C) arrays, as many as `like` has frames or pages; they are taken one at a time.
        like: the source, whose metadata, profile, resolution and timing are carried over.
        options: how to write it.

    Returns:
        One line for each thing of the source that is not in the result.

    Raises:
        OutputError: it cannot be written there.
        TooLargeError, UsageError: as check_target.
    """
    options = options or SaveOptions()
    fmt = target_format(os.fspath(target), like, options)
    if os.fspath(target) == "-":
        with _standard_output() as path:
            options = replace(options, format=fmt.name)
            return write_picture(path, frames, like=like, options=options)
    count = like.frames if like else 1
    reduction = Reduction(fmt, like, options.background)
    saver = Saver(fmt, like, options)
    rest = map(reduction, frames)
    first = next(rest)
    height, width, channels = first.shape
    pages = like is not None and like.format == "tiff"
    check_target(fmt, width, height, frames=count, pages=pages, source=reduction.name)
    reduced = itertools.chain([first], rest)
    with _result(Path(target)) as temporary:
        if count == 1:
            saver.save(first, temporary)
        elif fmt.name == "tiff":
            saver.save_pages(reduced, count, temporary)
        elif fmt.name == "png":
            saver.save_moving(reduced, count, temporary)
        else:
            with spooled(reduced, (height * count, width, channels), first.dtype, temporary) as roll:
                saver.save(roll, temporary, frames=count)
    return [*(like.notes if like else ()), *reduction.warnings, *saver.warnings]


def write_bands(
    target: str | os.PathLike[str],
    bands: Iterable[Pixels],
    height: int,
    *,
    like: Picture | None = None,
    options: SaveOptions | None = None,
) -> list[str]:
    """As write_picture, for one picture that comes in full-width bands from top to bottom.

    It is encoded while the bands are made, where the format's encoder takes row after row. Others wait for
    the whole, a large one in a file of raw samples beside the target, not in memory.

    Args:
        bands: (h, W, C) arrays whose h add up to `height`.
    """
    options = options or SaveOptions()
    fmt = target_format(os.fspath(target), like, options)
    if os.fspath(target) == "-":
        with _standard_output() as path:
            options = replace(options, format=fmt.name)
            return write_bands(path, bands, height, like=like, options=options)
    reduction = Reduction(fmt, like, options.background)
    saver = Saver(fmt, like, options)
    rest = map(reduction, bands)
    first = next(rest)
    width, channels = first.shape[1:]
    check_target(fmt, width, height, source=reduction.name)
    reduced = itertools.chain([first], rest)
    shape = height, width, channels
    with _result(Path(target)) as temporary:
        if fmt.name in STREAMED:
            save_while_made(partial(saver.save_stream, path=temporary), reduced, shape, first.dtype)
        else:
            with spooled(reduced, shape, first.dtype, temporary) as whole:
                saver.save(whole, temporary)
    return [*(like.notes if like else ()), *reduction.warnings, *saver.warnings]


def encode_picture(
    frames: Iterable[Pixels],
    *,
    fmt: Format,
    like: Picture | None = None,
    options: SaveOptions | None = None,
) -> tuple[bytes, list[str]]:
    """The bytes that write_picture would put into a file, and what it would return."""
    options = replace(options or SaveOptions(), format=fmt.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture")
        warnings = write_picture(path, frames, like=like, options=options)
        return path.read_bytes(), warnings


@contextmanager
def _standard_output() -> Iterator[Path]:
    """A temporary file whose content goes to standard output at the end of the block."""
    try:
        temporary = tempfile.TemporaryDirectory()
    except OSError as error:
        raise OutputError(
            f"standard output: there is no folder for temporary files: {error.strerror}",
            hint="let the variable TMPDIR name a folder that can be written",
        ) from error
    with temporary as folder:
        path = Path(folder, "picture")
        try:
            yield path
        except OutputError as error:
            if "--output" in error.hint:
                error.hint = "free some space, or let the variable TMPDIR name another folder"
            raise
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@contextmanager
def _result(target: Path) -> Iterator[Path]:
    """The temporary file of atomic(), with libvips's complaints as OutputError."""
    with atomic(target) as temporary:
        try:
            yield temporary
        except libvips.Error as error:
            if full := libvips.full_disk(error):
                raise full from error
            cause = libvips.reason(error) or "the encoder gave up"
            raise OutputError(
                f"{target}: cannot be written: {cause}",
                hint="check the free space on the disk, or choose another format with --format",
            ) from error
