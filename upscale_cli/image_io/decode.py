"""Encoded bytes in, libvips images and arrays out, one frame at a time."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from upscale_cli.errors import DamagedImageError, TooLargeError, UnsupportedImageError
from upscale_cli.image_io import apng, bmp, colourspace, jpeg, libvips, pnm, tiff
from upscale_cli.image_io.formats import FORMATS
from upscale_cli.image_io.overlay import Overlay
from upscale_cli.pixels import Pixels

Encoded = bytes | os.PathLike[str]

_LOADERS = {
    "jpeg": "jpegload", "png": "pngload", "webp": "webpload",
    "tiff": "tiffload", "avif": "heifload", "gif": "gifload",
}  # fmt: skip
_PAGED = ("webp", "tiff", "gif", "avif")
_NOT_DECODED = (
    "not a whole number of bytes",
    "bad labq",
    "not supported",
    "nsupported",
    "not configured",
    "out of range",
)
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""How EXIF orientations mirror, from 5 on after transposing: 0 top to bottom, 1 left to right, -1 both."""


@dataclass(frozen=True)
class Stored:
    """One frame as the file stores it: not yet upright, no pixels decoded yet."""

    image: Any
    """The libvips image as grey or RGB."""
    notes: tuple[str, ...] = ()
    """What was given up to get there."""


def buffer(data: Encoded) -> Any:
    """The encoded bytes as a buffer; those of a file stay on the disk until they are looked at."""
    if isinstance(data, bytes):
        return data
    with Path(data).open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def load(
    data: Encoded,
    fmt: str,
    name: str,
    *,
    page: int = 0,
    n: int = 1,
    at: int | None = None,
    fail_on: str = "error",
) -> Stored:
    """Frame `page` as an image that is decoded from top to bottom once it is asked for pixels.

    Args:
        n: frames from there on, one below the other; -1 for all.
        at: where the directory of a TIFF's page lies, instead of `page`; None for the first page.

    Raises:
        DamagedImageError: the header cannot be read.
        UnsupportedImageError: the picture is of a kind that is not read.
    """
    options: dict[str, Any] = {"access": "sequential", "fail_on": fail_on}
    if fmt in _PAGED:
        options |= {"page": page, "n": n}
    stated = tiff.Page()
    try:
        if fmt == "tiff":
            image, stated = _load_page(buffer(data), at, data, name, options)
        else:
            image = libvips.load(_LOADERS[fmt], data, **options)
        image, notes = colourspace.to_rgb(image, name, extra=stated.extra)
    except libvips.Error as error:
        raise broken(name, fmt, error) from error
    notes += ["the place on the earth (GeoTIFF) left out"] * stated.on_map
    return Stored(image, tuple(notes))


def _load_page(
    held: Any, at: int | None, data: Encoded, name: str, options: dict[str, Any]
) -> tuple[Any, tiff.Page]:
    """A page of a TIFF that is held in a buffer, too, and what it says of its numbers."""
    page = tiff.page(held, at)
    if page.strange:
        raise UnsupportedImageError(
            f"{name}: a TIFF of {page.strange} is not supported", hint="convert it to RGB first"
        )
    changes = page.lab_as_rgb | (tiff.alone(held, at) if at is not None else {})
    if changes:
        image = libvips.load_source("tiffload", Overlay(held, changes).source(), **options)
    else:
        image = libvips.load("tiffload", data, **options)
    image = _without_made_up_alpha(image, page.samples)
    if page.lab_as_rgb:
        image = colourspace.of_lab_bytes(image)
    elif page.ycbcr:
        image = colourspace.of_ycbcr(image, *page.ycbcr)
    return image, page


def _without_made_up_alpha(image: Any, samples: int) -> Any:
    """libtiff makes RGBA of what libvips leaves to it, such as subsampled YCbCr, whatever the file stores."""
    return image.extract_band(0, n=3) if image.bands == 4 and samples in (1, 3) else image


def broken(name: str, fmt: str, error: libvips.Error) -> DamagedImageError | UnsupportedImageError:
    """libvips's complaint as one line that names the file."""
    cause, title = libvips.reason(error), FORMATS[fmt].title
    if any(words in cause for words in _NOT_DECODED):
        return UnsupportedImageError(
            f"{name}: this kind of {title} is not supported ({cause})",
            hint="convert it to 8 or 16 bits per channel RGB first",
        )
    short = any(words in cause for words in ("premature end", "end of", "read error", "not enough"))
    return DamagedImageError(
        f"{name}: the {title} data {'is cut short' if short else 'is damaged'}" + f" ({cause})" * bool(cause),
        hint="get a whole copy of the file",
    )


def decode_page(data: Encoded, name: str, at: int, max_pixels: int) -> tuple[Pixels, Stored]:
    """One page of a TIFF, upright: pages differ in size, kind and orientation. Raises as decode.

    Args:
        at: where its directory lies.
    """
    stored = load(data, "tiff", name, at=at)
    image = stored.image
    check_size(image.width, image.height, name, max_pixels)
    try:
        pixels = finished(to_array(image), image, "tiff", name)
    except libvips.Error as error:
        raise broken(name, "tiff", error) from error
    return upright(pixels, image.get("orientation")), stored


def decode(data: Encoded, fmt: str, name: str, frame: int = 0) -> Pixels:
    """All pixels of one frame as stored: (H, W, C), C = 1 to 4, uint8, uint16 or float32.

    Raises:
        DamagedImageError: the data end early or are corrupt.
        UnsupportedImageError: floating-point samples outside 0 to 1.
    """
    if fmt == "bmp":
        return bmp.decode(buffer(data), name)
    if fmt == "pnm":
        return pnm.decode(buffer(data), name)
    for stored in openings(data, fmt, name, page=frame):
        try:
            return finished(to_array(stored.image), stored.image, fmt, name)
        except libvips.Error as error:
            complaint = error
            if not jpeg.harmless(error.detail):
                break
    raise broken(name, fmt, complaint) from complaint


def decode_moving_png(data: Encoded, name: str) -> Iterator[Pixels]:
    """The frames of an animated PNG as stored. Raises as decode."""
    moving = apng.parse(buffer(data), name)
    try:
        yield from apng.decode(buffer(data), moving)
    except libvips.Error as error:
        raise broken(name, "png", error) from error


def openings(data: Encoded, fmt: str, name: str, *, page: int = 0, n: int = 1) -> Iterator[Stored]:
    """The same frame opened once more after each complaint that `jpeg.harmless` lets pass.

    libjpeg patches damage over and only warns: here that is an error, unless the pixels are not affected.
    Raises as load.
    """
    if fmt != "jpeg":
        yield load(data, fmt, name, page=page, n=n)
        return
    yield load(data, fmt, name, fail_on="warning")
    yield load(jpeg.tidied(bytes(buffer(data))), fmt, name, fail_on="warning")
    yield load(data, fmt, name)


def check_size(width: int, height: int, name: str, max_pixels: int, frames: int = 1) -> None:
    """Raises TooLargeError if all frames together have more than `max_pixels`."""
    if width * height * frames > max_pixels:
        count = f"{width}x{height}" + f" x {frames} frames" * (frames > 1)
        raise TooLargeError(
            f"{name}: {count} is more than the {max_pixels / 1e6:g} megapixels allowed",
            hint="raise the limit with --max-pixels if the file is to be trusted",
        )


def to_array(image: Any) -> Pixels:
    """All pixels of a libvips image, (H, W, C), without a copy. Raises libvips.Error."""
    samples = np.frombuffer(image.write_to_memory(), libvips.DTYPES[image.format])
    pixels: Pixels = samples.reshape(image.height, image.width, image.bands)
    return pixels


def finished(pixels: Pixels, image: Any, fmt: str, name: str) -> Pixels:
    """Samples over the full range of their type: AVIF's 10 and 12 bits stretched, floats checked."""
    if fmt == "avif" and pixels.dtype == np.uint16:
        bits = int(image.get("bits-per-sample"))
        top = (1 << bits) - 1
        return (((pixels >> (16 - bits)).astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)
    if pixels.dtype == np.float32 and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise UnsupportedImageError(
            f"{name}: its floating-point samples leave the range of 0 to 1",
            hint="tone-map it to 8 or 16 bits per channel first",
        )
    return pixels


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Pixels turned and mirrored as EXIF orientation 1 to 8 asks (CIPA DC-008); other values do nothing."""
    if orientation not in range(2, 9):
        return pixels
    out = cv2.transpose(pixels) if orientation >= 5 else pixels
    if orientation in _FLIPS:
        out = cv2.flip(out, _FLIPS[orientation])
    height, width, channels = pixels.shape
    return out.reshape(width, height, channels) if orientation >= 5 else out.reshape(pixels.shape)
