"""Encoded bytes in, arrays out: one frame at a time, through libvips."""

from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from upscale_cli import libvips
from upscale_cli.errors import DamagedImageError, UnsupportedImageError

Pixels = npt.NDArray[Any]
Encoded = bytes | os.PathLike[str]

_LOADERS = {
    "jpeg": "jpegload_source", "png": "pngload_source", "webp": "webpload_source",
    "tiff": "tiffload_source", "avif": "heifload_source", "gif": "gifload_source",
}  # fmt: skip


def load(data: Encoded, fmt: str, name: str, *, page: int = 0, n: int = 1) -> Any:
    """The libvips image of frame `page`, decoded from top to bottom when it is asked for pixels.

    Raises:
        DamagedImageError: the header cannot be read.
    """
    options: dict[str, Any] = {"access": "sequential", "fail_on": "error"}
    if fmt in ("webp", "tiff", "gif", "avif"):
        options |= {"page": page, "n": n}
    try:
        return getattr(libvips.Image, _LOADERS[fmt])(libvips.source_of(data), **options)
    except libvips.Error as error:
        raise damaged(name, fmt, error) from error


def damaged(name: str, fmt: str, error: libvips.Error) -> DamagedImageError:
    """libvips's complaint as one line that names the file."""
    cause = libvips.reason(error)
    short = any(word in cause for word in ("premature end", "end of file", "Unexpected end", "read error"))
    what = "is cut short" if short else "is damaged"
    return DamagedImageError(
        f"{name}: the {fmt.upper()} data {what}" + (f" ({cause})" if cause else ""),
        hint="get a whole copy of the file",
    )


def to_array(image: Any, name: str, fmt: str) -> Pixels:
    """All pixels of a libvips image as (H, W, C), C = 1 to 4, uint8, uint16 or float32.

    Raises:
        DamagedImageError: the data end early or are corrupt.
        UnsupportedImageError: the samples are of a kind that Pixels does not have.
    """
    dtype = libvips.DTYPES.get(image.format, image.format)
    if dtype not in ("uint8", "uint16", "float32", "float64"):
        raise UnsupportedImageError(
            f"{name}: it has {dtype} samples",
            hint="convert it to 8 or 16 bits per channel first",
        )
    try:
        memory = image.write_to_memory()
    except libvips.Error as error:
        raise damaged(name, fmt, error) from error
    return np.frombuffer(memory, dtype).reshape(image.height, image.width, image.bands)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels turned and mirrored as EXIF orientation 1 to 8 asks (CIPA DC-008); other values do nothing."""
    if orientation not in range(2, 9):
        return pixels
    out = pixels
    if orientation in (2, 4):
        out = cv2.flip(out, 1 if orientation == 2 else 0)
    elif orientation == 3:
        out = cv2.rotate(out, cv2.ROTATE_180)
    elif orientation == 5:
        out = cv2.transpose(out)
    elif orientation == 6:
        out = cv2.rotate(out, cv2.ROTATE_90_CLOCKWISE)
    elif orientation == 7:
        out = cv2.transpose(cv2.rotate(out, cv2.ROTATE_180))
    else:
        out = cv2.rotate(out, cv2.ROTATE_90_COUNTERCLOCKWISE)
    height, width, channels = pixels.shape
    return out.reshape(width, height, channels) if orientation >= 5 else out.reshape(pixels.shape)
