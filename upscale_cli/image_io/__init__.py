"""Read and write pictures: `open_picture`, `Picture`, `write_picture`, `encode_picture`.

picture = open_picture("photo.jpg")          # reads the header only
pixels = picture.pixels()                    # (H, W, C), the right way up
warnings = write_picture("big.jpg", [enlarged], like=picture)
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from upscale_cli.errors import (
    DamagedImageError,
    InputError,
    MissingInputError,
    NotAnImageError,
    UnsupportedImageError,
)
from upscale_cli.image_io import (
    apng,
    avif,
    bmp,
    decode,
    gif,
    jpeg,
    libvips,
    metadata,
    png,
    pnm,
    tiff,
    webp,
    xmp,
)
from upscale_cli.image_io.decode import Encoded
from upscale_cli.image_io.encode import SaveOptions, encode_picture, write_bands, write_picture
from upscale_cli.image_io.formats import FORMATS, READABLE, Format, check_target, foreign, format_for, sniff
from upscale_cli.image_io.metadata import Metadata
from upscale_cli.image_io.picture import Picture, turned
from upscale_cli.image_io.png import PngFacts

__all__ = [
    "MAX_PIXELS",
    "Format",
    "Picture",
    "SaveOptions",
    "check_target",
    "encode_picture",
    "format_for",
    "open_picture",
    "write_bands",
    "write_picture",
]

MAX_PIXELS = 500_000_000
"""Pixels of one source, all frames together, above which it is refused unless the caller asks for more."""


def open_picture(
    source: str | os.PathLike[str] | bytes, *, name: str = "", max_pixels: int = MAX_PIXELS
) -> Picture:
    """Read a picture's header.

    Args:
        source: a path, or the encoded bytes themselves.
        name: what errors call it; the path by default.
        max_pixels: most pixels that are accepted, all frames together.

    Raises:
        MissingInputError: there is no such file, or it cannot be read.
        NotAnImageError: a folder, an empty file, or no picture.
        UnsupportedImageError: a picture of a kind that is not read.
        DamagedImageError: the header is corrupt.
        TooLargeError: more pixels than `max_pixels`.
    """
    name = name or ("<bytes>" if isinstance(source, bytes) else os.fspath(source))
    data, head = (source, source[:64]) if isinstance(source, bytes) else _open_file(Path(source), name)
    if not head:
        raise NotAnImageError(f"{name}: the file is empty", hint="get a whole copy of the file")
    fmt = sniff(head)
    if not fmt:
        raise _not_read(name, head)
    if fmt in ("bmp", "pnm"):
        return _open_plain(data, fmt, name, max_pixels)
    return _open_vips(data, fmt, name, max_pixels)


def _open_vips(data: Encoded, fmt: str, name: str, max_pixels: int) -> Picture:
    if fmt == "tiff" and tiff.is_raw(decode.buffer(data)):
        raise _not_supported(name, "a camera's raw file")
    if fmt == "gif" and gif.is_cut_short(decode.buffer(data)):
        raise DamagedImageError(f"{name}: the GIF data is cut short", hint="get a whole copy of the file")
    stored = decode.load(data, fmt, name)
    image, notes = stored.image, list(stored.notes)
    frames = image.get_n_pages() if FORMATS[fmt].frames else 1
    pages: tuple[int, ...] = ()
    if fmt == "tiff":
        pages = tiff.full_pages(decode.buffer(data), frames)
        if len(pages) < frames:
            notes.append(f"{_counted(frames - len(pages), 'reduced copy', 'reduced copies')} left out")
        frames = len(pages)
    decode.check_size(image.width, image.height, name, max_pixels, frames)
    meta = metadata.read(image, fmt, data)
    facts = png.facts(decode.buffer(data)) if fmt == "png" else PngFacts()
    delays = tuple(image.get("delay")) if frames > 1 and image.get_typeof("delay") else ()
    loop = image.get("loop") if image.get_typeof("loop") else 0
    channels = image.bands
    if facts.frames > 1:
        moving = apng.parse(decode.buffer(data), name)
        frames, loop = len(moving.frames), moving.loop
        decode.check_size(image.width, image.height, name, max_pixels, frames)
        delays = tuple(frame.delay for frame in moving.frames)
        channels += moving.transparent and channels in (1, 3)
    notes += _left_out(data, fmt, image, meta)
    if fmt == "avif":
        stated = avif.colours(decode.buffer(data))
        facts = png.coded(*stated) if stated and not meta.profile else facts
    turn = _orientation(image, fmt, meta)
    width, height = image.width, image.height
    if facts.resolution and not meta.resolution:
        meta = replace(meta, resolution=(image.xres, image.yres))
    if turn >= 5:
        width, height = height, width
    meta = turned(meta, turn)
    return Picture(
        name,
        fmt,
        data,
        max_pixels,
        width,
        height,
        channels,
        libvips.DTYPES[image.format],
        bits=image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8,
        frames=frames,
        delays=delays,
        loop=loop,
        orientation=turn,
        pages=pages,
        lossless=fmt == "webp" and webp.is_lossless(decode.buffer(data)),
        notes=tuple(f"{name}: {note}" for note in notes),
        metadata=meta,
        png=facts,
    )


def _left_out(data: Encoded, fmt: str, image: Any, meta: Metadata) -> list[str]:
    """What a JPEG or AVIF holds that is neither its picture nor said of it."""
    if fmt == "avif":
        return _further(image.get_n_pages() - 1)
    if fmt != "jpeg":
        return []
    held = decode.buffer(data)
    behind = jpeg.following(data) if isinstance(data, bytes) else 0  # files are not read to their ends here
    notes = _further(max(jpeg.pictures(held) - 1, behind))
    if jpeg.contents(held, jpeg.APP1, jpeg.EXTENDED_XMP):
        notes.append("extended XMP left out")
    if xmp.has_video(meta.xmp):
        notes.append("the video in the file left out")
    return notes


def _further(others: int) -> list[str]:
    words = _counted(others, "further picture", "further pictures")
    return [f"{words} in the file left out"] if others > 0 else []


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _orientation(image: Any, fmt: str, meta: Metadata) -> int:
    if fmt == "avif":  # decoding applies its own transforms; EXIF's is to be ignored (HEIF, 6.5.10)
        return 1
    value = image.get("orientation") if image.get_typeof("orientation") else 0
    return value if value in range(1, 9) else metadata.orientation(meta)


def _open_plain(data: Encoded, fmt: str, name: str, max_pixels: int) -> Picture:
    """BMP and PNM, which are read without libvips."""
    dtype, meta, others = "uint8", Metadata(), 0
    if fmt == "bmp":
        header = bmp.header(decode.buffer(data), name)
        width, height, channels = header.width, header.height, header.channels
        meta = Metadata(profile=header.profile, resolution=header.resolution)
    else:
        width, height, channels, maximum, _ = pnm.size(decode.buffer(data), name)
        dtype = "uint8" if maximum < 256 else "uint16"
        others = pnm.pictures(decode.buffer(data), name) - 1
    decode.check_size(width, height, name, max_pixels)
    notes = tuple(f"{name}: {note}" for note in _further(others))
    return Picture(name, fmt, data, max_pixels, width, height, channels, dtype, notes=notes, metadata=meta)


def _open_file(path: Path, name: str) -> tuple[Encoded, bytes]:
    """What to decode from, and its first bytes; a pipe or device is read into memory."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return path, head
            whole = head + file.read() if sniff(head) else head
            return whole, head
    except IsADirectoryError:
        raise NotAnImageError(
            f"{name}: is a folder, not a picture", hint="name one of the pictures in it"
        ) from None
    except FileNotFoundError:
        raise MissingInputError(f"{name}: no such file", hint="check the spelling of the path") from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", "") or error
        raise MissingInputError(
            f"{name}: cannot be read: {cause}", hint="check the path and the file's permissions"
        ) from error


def _not_read(name: str, head: bytes) -> InputError:
    words = foreign(head)
    if b"PNG" in head[:8]:
        return DamagedImageError(
            f"{name}: the PNG data is damaged at its very beginning, as by a transfer as text",
            hint="get a whole copy of the file, as binary data",
        )
    if words:
        return _not_supported(name, words)
    return NotAnImageError(f"{name}: is not a picture in a known format", hint=f"readable are {READABLE}")


def _not_supported(name: str, words: str) -> UnsupportedImageError:
    return UnsupportedImageError(f"{name}: {words} is not supported", hint="convert it to PNG first")
