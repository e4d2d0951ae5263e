"""Arrays in, encoded files out: atomically, with what the source carried."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from upscale_cli import libvips
from upscale_cli.atomic import atomic
from upscale_cli.decode import Pixels
from upscale_cli.errors import OutputError
from upscale_cli.formats import FORMATS, Format, check_target, format_for

if TYPE_CHECKING:
    from upscale_cli.image_io import Picture


@dataclass(frozen=True)
class SaveOptions:
    """How a result is written. Fields that a format has no use for are ignored by it."""

    format: str = ""
    """A format's name or suffix; "" takes the target's suffix, or else the source's own format."""
    quality: int = 0
    """The encoder's own 1 to 100; 0 takes the format's default."""
    lossless: bool = False
    """WebP and AVIF without loss."""
    compression: int = 6
    """Effort of PNG and of TIFF's deflate, 0 (none) to 9 (smallest)."""
    background: tuple[int, int, int] = (255, 255, 255)
    """sRGB colour under transparency in formats that have none."""
    strip: bool = False
    """Leave out all metadata but the colour profile."""


def target_format(target: str | Path, like: Picture | None, options: SaveOptions) -> Format:
    """The format that a result will have: options.format, else the target's suffix, else the source's format.

    Raises:
        UsageError: a format that cannot be written was asked for.
    """
    if options.format:
        return format_for(options.format)
    if str(target) != "-" and Path(target).suffix:
        return format_for(target)
    return FORMATS[like.format if like is not None and like.format in FORMATS else "png"]


def write_picture(
    target: str | os.PathLike[str],
    frames: Sequence[Pixels],
    *,
    like: Picture | None = None,
    options: SaveOptions | None = None,
) -> list[str]:
    """Write a picture, atomically; `-` is standard output.

    Args:
        target: the file to appear; its folder is made if missing.
        frames: (H, W, C) arrays, one for each frame or page.
        like: the source, whose metadata, profile, resolution and timing are carried over.
        options: how to write it.

    Returns:
        One line for each thing that the format could not hold.

    Raises:
        OutputError: it cannot be written there.
        TooLargeError, UsageError: as check_target.
    """
    options = options or SaveOptions()
    fmt = target_format(os.fspath(target), like, options)
    if os.fspath(target) == "-":
        data, warnings = encode_picture(frames, fmt=fmt, like=like, options=options)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return warnings
    image, saver, arguments, warnings = _prepared(frames, fmt, like, options)
    with atomic(Path(target)) as temporary:
        try:
            getattr(image, saver)(os.fsencode(temporary), **arguments)
        except libvips.Error as error:
            raise OutputError(
                f"{os.fspath(target)}: cannot be written: {libvips.reason(error)}",
                hint="check the free disk space, or choose another format with --format",
            ) from error
    return warnings


def encode_picture(
    frames: Sequence[Pixels],
    *,
    fmt: Format,
    like: Picture | None = None,
    options: SaveOptions | None = None,
) -> tuple[bytes, list[str]]:
    """The bytes that write_picture would put into a file, and its warnings."""
    image, saver, arguments, warnings = _prepared(frames, fmt, like, options or SaveOptions())
    return getattr(image, f"{saver}_buffer")(**arguments), warnings


def _prepared(
    frames: Sequence[Pixels], fmt: Format, like: Picture | None, options: SaveOptions
) -> tuple[Any, str, dict[str, Any], list[str]]:
    height, width = frames[0].shape[:2]
    check_target(fmt, width, height, frames=len(frames), source=like.name if like else "the picture")
    pixels = np.ascontiguousarray(frames[0])
    bands = pixels.shape[2]
    image = libvips.Image.new_from_memory(
        pixels.data, width, height, bands, libvips.BAND_FORMATS[pixels.dtype.name]
    )
    deep = pixels.dtype == np.uint16
    kind = ("grey16" if deep else "b-w") if bands <= 2 else ("rgb16" if deep else "srgb")
    image = image.copy(interpretation=kind)
    quality = options.quality or fmt.quality
    arguments: dict[str, Any] = {}
    if fmt.name == "jpeg":
        arguments = {"Q": quality, "subsample_mode": "off", "background": list(options.background)}
    elif fmt.name == "png":
        arguments = {"compression": options.compression}
    elif fmt.name == "webp":
        arguments = {"Q": quality, "lossless": options.lossless}
    elif fmt.name == "tiff":
        arguments = {"compression": "deflate", "predictor": "horizontal"}
    elif fmt.name == "avif":
        arguments = {"Q": quality, "lossless": options.lossless, "compression": "av1"}
    saver = {"avif": "heifsave"}.get(fmt.name, f"{fmt.name}save")
    return image, saver, arguments, []
