"""Can it be done? Format limits and memory, from the header alone."""

from __future__ import annotations

import os

import numpy as np

from upscale_cli.errors import TooLargeError
from upscale_cli.image_io import Picture, check_target
from upscale_cli.image_io.encode import target_format
from upscale_cli.image_io.spool import IN_MEMORY
from upscale_cli.memory import available_memory, fair_share
from upscale_cli.upscaler import Upscaler

#: Bytes that interpreters, tiles and encoders take beside the pictures themselves.
WORKSPACE = 150_000_000
#: Source rows that are in work at a time in bands, with what lies around them.
_ROWS = 640


def check_request(picture: Picture, target: str | os.PathLike[str], upscaler: Upscaler) -> bool:
    """Refuse what cannot be done; return whether memory demands to work in bands.

    Raises `ScaleError` for a size out of reach, `TooLargeError` for more pixels than the target's format
    holds or than there is memory for, `UsageError` for a format that is unknown or holds one frame only.
    """
    settings = upscaler.settings
    size = settings.size.of(picture.width, picture.height)
    upscaler.passes(picture.width, picture.height)
    fmt = target_format(os.fspath(target), picture, settings.save)
    pages = picture.format == "tiff"
    check_target(fmt, *size, frames=picture.frames, pages=pages, source=picture.name)
    whole, bands = memory_whole(picture, size), memory_in_bands(picture, size)
    share = settings.memory or fair_share()
    if whole <= share:
        return False
    possible = os.fspath(target) != "-" and fits_bands(picture, upscaler)
    if possible and bands <= share:
        return True
    budget = settings.memory or available_memory()
    if whole <= budget:
        return False
    raise TooLargeError(
        f"{picture.name}: {picture.width}x{picture.height} to {size[0]}x{size[1]} takes about "
        f"{(min(whole, bands) if possible else whole) / 1e9:.1f} GB of memory; "
        f"{budget / 1e9:.1f} GB are allowed or free",
        hint="enlarge less, or raise --memory",
    )


def fits_bands(picture: Picture, upscaler: Upscaler) -> bool:
    """Whether a picture can be enlarged a few rows at a time: one opaque frame, no downsize afterwards."""
    factor = upscaler.factor ** upscaler.passes(picture.width, picture.height)
    exact = upscaler.settings.size.of(picture.width, picture.height) == (
        picture.width * factor,
        picture.height * factor,
    )
    return exact and factor > 1 and picture.frames == 1 and not picture.has_alpha


def memory_whole(picture: Picture, size: tuple[int, int]) -> int:
    """Return about how many bytes enlarging ``picture`` to ``size`` (width, height) takes at its peak."""
    pixels = picture.width * picture.height + size[0] * size[1]
    return pixels * picture.frames * _depth(picture) + WORKSPACE


def memory_in_bands(picture: Picture, size: tuple[int, int]) -> int:
    """Return the same for work in bands, which collects a large result in a file."""
    rows = _ROWS * (picture.width + size[0] * size[1] // picture.height)
    return rows * _depth(picture) + min(size[0] * size[1] * _depth(picture), IN_MEMORY) + WORKSPACE


def _depth(picture: Picture) -> int:
    return picture.channels * np.dtype(picture.dtype).itemsize
