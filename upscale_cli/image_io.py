"""Read and write pictures: `open_picture`, `Picture`, `write_picture`, `encode_picture`.

picture = open_picture("photo.jpg")          # reads the header only
pixels = picture.pixels()                    # (H, W, C), the right way up
warnings = write_picture("big.jpg", [enlarged], like=picture)
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from upscale_cli import decode, libvips
from upscale_cli.decode import Encoded, Pixels
from upscale_cli.encode import SaveOptions, encode_picture, write_picture
from upscale_cli.errors import (
    InputError,
    MissingInputError,
    NotAnImageError,
    TooLargeError,
    UnsupportedImageError,
)
from upscale_cli.formats import FORMATS, READABLE, Format, check_target, foreign, format_for, sniff

__all__ = [
    "MAX_PIXELS",
    "Format",
    "Picture",
    "Pixels",
    "SaveOptions",
    "check_target",
    "encode_picture",
    "format_for",
    "open_picture",
    "write_picture",
]

MAX_PIXELS = 500_000_000
"""Pixels of one source, all frames together, above which it is refused unless the caller asks for more."""


@dataclass(frozen=True)
class Picture:
    """A source whose header has been read and whose pixels have not."""

    name: str
    format: str
    width: int
    """Upright, as are the pixels."""
    height: int
    channels: int
    """1 grey, 2 grey and alpha, 3 RGB, 4 RGBA: what pixels() gives, not what the file stores."""
    dtype: str
    """'uint8', 'uint16' or 'float32'."""
    frames: int
    orientation: int
    """EXIF orientation of the stored pixels, already applied to width, height and pixels()."""
    data: Encoded = field(repr=False)
    header: Any = field(repr=False)
    """libvips image that carries the metadata."""

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    def pixels(self, frame: int = 0) -> Pixels:
        """Decode one frame: (height, width, channels) of `dtype`, upright.

        Raises:
            DamagedImageError: the data end early or are corrupt.
        """
        image = decode.load(self.data, self.format, self.name, page=frame)
        return decode.upright(decode.to_array(image, self.name, self.format), self.orientation)


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
    header = decode.load(data, fmt, name)
    orientation = header.get("orientation") if header.get_typeof("orientation") else 1
    frames = header.get_n_pages() if FORMATS[fmt].frames else 1
    width, height = header.width, header.height
    if width * height * frames > max_pixels:
        count = f"{width}x{height}" + (f" x {frames} frames" if frames > 1 else "")
        raise TooLargeError(
            f"{name}: {count} is more than the {max_pixels / 1e6:g} megapixels allowed",
            hint="raise the limit with --max-pixels if the file is to be trusted",
        )
    if orientation >= 5:
        width, height = height, width
    return Picture(
        name=name,
        format=fmt,
        width=width,
        height=height,
        channels=header.bands,
        dtype=libvips.DTYPES.get(header.format, header.format),
        frames=frames,
        orientation=orientation,
        data=data,
        header=header,
    )


def _open_file(path: Path, name: str) -> tuple[Encoded, bytes]:
    """What to decode from, and its first bytes; a pipe or device is read into memory."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return path, head
            return (head + file.read() if sniff(head) else head), head
    except IsADirectoryError:
        raise NotAnImageError(
            f"{name}: is a folder, not a picture",
            hint="give the pictures in it, or add --recursive",
        ) from None
    except FileNotFoundError:
        raise MissingInputError(f"{name}: no such file", hint="check the spelling of the path") from None
    except OSError as error:
        raise MissingInputError(
            f"{name}: cannot be read: {error.strerror or error}", hint="check the file's permissions"
        ) from error


def _not_read(name: str, head: bytes) -> InputError:
    words = foreign(head)
    if words:
        return UnsupportedImageError(
            f"{name}: {words} is not supported", hint="convert it to PNG or TIFF first"
        )
    return NotAnImageError(f"{name}: is not a picture in a known format", hint=f"readable are {READABLE}")
