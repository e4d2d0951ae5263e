"""Can it be done? Format limits and memory, from the header alone."""

from __future__ import annotations

import os

from upscale_cli.errors import TooLargeError
from upscale_cli.image_io import Picture, check_target
from upscale_cli.image_io.encode import target_format
from upscale_cli.image_io.formats import Format
from upscale_cli.image_io.savers import STREAMED
from upscale_cli.image_io.spool import IN_MEMORY
from upscale_cli.memory import available_memory
from upscale_cli.upscaler import Upscaler

WORKSPACE = 150_000_000
"""Bytes that interpreters, tiles and encoders take beside the pictures themselves."""
_BANDS = 6
"""Rows of tiles that are on their way at a time, from the one being read to the one being encoded."""
_ROWS = 256
"""The most source rows that a row of tiles has, unless a tile size was asked for."""
_DECODED_WHOLE = ("webp", "avif", "gif", "bmp", "pnm")
"""Formats that are always decoded as a whole, even where a few rows are wanted."""


def check_request(picture: Picture, target: str | os.PathLike[str], upscaler: Upscaler) -> int:
    """Refuse what cannot be done; return about how many bytes of memory the rest takes.

    Raises `ScaleError` for a size out of reach, `TooLargeError` for more pixels than the target's format
    holds or than there is memory for, `UsageError` for a format that is unknown or holds one frame only.
    """
    settings = upscaler.settings
    size = settings.size.of(picture.width, picture.height)
    upscaler.passes(picture.width, picture.height)
    fmt = target_format(os.fspath(target), picture, settings.save)
    pages = picture.format == "tiff"
    check_target(fmt, *size, frames=picture.frames, pages=pages, source=picture.name)
    need, budget = memory_needed(picture, fmt, upscaler), settings.memory or available_memory()
    if need > budget:
        raise TooLargeError(
            f"{picture.name}: {picture.width}x{picture.height} to {size[0]}x{size[1]} takes about "
            f"{need / 1e9:.1f} GB of memory; {budget / 1e9:.1f} GB are allowed or free",
            hint="enlarge less, or raise --memory",
        )
    return need


def fits_bands(picture: Picture, upscaler: Upscaler) -> bool:
    """Whether a picture can be enlarged a few rows at a time: one opaque frame, no downsize afterwards."""
    factor = upscaler.factor ** upscaler.passes(picture.width, picture.height)
    exact = upscaler.settings.size.of(picture.width, picture.height) == (
        picture.width * factor,
        picture.height * factor,
    )
    return exact and factor > 1 and picture.frames == 1 and not picture.has_alpha


def memory_needed(picture: Picture, fmt: Format, upscaler: Upscaler) -> int:
    """Return about how many bytes a picture takes at its peak on its way into a file of ``fmt``."""
    width, height = upscaler.settings.size.of(picture.width, picture.height)
    source, result = picture.width * picture.height * picture.depth, width * height * picture.depth
    if not fits_bands(picture, upscaler):
        enlarged: int = source * (upscaler.factor ** upscaler.passes(picture.width, picture.height)) ** 2
        return (source + result) * picture.frames + max(enlarged - result, 0) + WORKSPACE
    rows = min(_BANDS * (upscaler.settings.tiling.tile or _ROWS), picture.height)
    need = WORKSPACE + rows * (source + result) // picture.height
    if fmt.name not in STREAMED:  # then all of it is collected, a large one in a file
        need += min(result, IN_MEMORY)
    if picture.orientation >= 3:  # so are the rows of a picture that is stored turned
        need += 2 * min(source, IN_MEMORY)
    elif picture.format in _DECODED_WHOLE:
        need += source
    return need
