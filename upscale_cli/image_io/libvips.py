"""The one place that loads libvips, and what its complaints mean."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

# libvips's warnings go to Python's log "pyvips". Those that come while Python shuts down would go to stderr:
# this keeps them quiet, and has to be said before libvips starts.
os.environ.setdefault("VIPS_WARNING", "0")

import pyvips

from upscale_cli.pixels import Pixels

# Every picture is opened once: remembering operations would only keep files and memory in use.
pyvips.cache_set_max(0)

Image, Region = pyvips.Image, pyvips.Region
Error = pyvips.Error
SourceCustom, TargetCustom = pyvips.SourceCustom, pyvips.TargetCustom
BLOB, TEXT = pyvips.GValue.blob_type, pyvips.GValue.gstr_type
INT, INTS = pyvips.GValue.gint_type, pyvips.GValue.array_int_type
DTYPES = {
    "uchar": "uint8", "char": "int8", "ushort": "uint16", "short": "int16", "uint": "uint32", "int": "int32",
    "float": "float32", "double": "float64",
}  # fmt: skip
"""numpy's name for each of libvips's band formats; complex ones are absent."""
BAND_FORMATS = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}
"""libvips's name for each dtype that Pixels may have."""


def image_of(pixels: Pixels) -> Any:
    """A libvips image on the memory of (H, W, C) pixels, which it keeps alive; nothing is copied."""
    height, width, bands = pixels.shape
    return plain(Image.new_from_memory(pixels.data, width, height, bands, BAND_FORMATS[pixels.dtype.name]))


def plain(image: Any) -> Any:
    """The pixels of an image and nothing else: what its loader says of it is taken away."""
    grey, colour = {"uchar": ("b-w", "srgb"), "ushort": ("grey16", "rgb16")}.get(
        image.format, ("b-w", "scrgb")
    )
    image = image.copy(interpretation=grey if image.bands <= 2 else colour)
    for name in {"n-pages", "bits-per-sample", "orientation", "vips-loader"}.intersection(image.get_fields()):
        image.remove(name)
    return image


def load(loader: str, data: bytes | os.PathLike[str], **options: Any) -> Any:
    """The image that a loader ("jpegload") makes of encoded bytes or of a file, not decoded yet.

    Through a source, because file names would be searched for [options]. Raises Error.
    """
    pyvips.vips_lib.vips_error_clear()  # errors of earlier pictures must not be told of this one
    return load_source(loader, _source(data), **options)


def load_source(loader: str, source: Any, **options: Any) -> Any:
    """The same of a source that is open already."""
    image = getattr(Image, f"{loader}_source")(source, **options)
    # As Image.new_from_source does: the bytes must live as long as the image.
    image._references.append(source)
    return image


def _source(data: bytes | os.PathLike[str]) -> Any:
    if isinstance(data, bytes):
        return pyvips.Source.new_from_memory(data)
    name = os.fsencode(data)
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:  # pyvips turns names into text when it reports errors, and dies of these
        return pyvips.Source.new_from_memory(Path(data).read_bytes())
    return pyvips.Source.new_from_file(name)


def reason(error: pyvips.Error) -> str:
    """The first useful line of a libvips error, without its prefix ("VipsJpeg: premature end …")."""
    lines = [line.strip() for line in str(error.detail or "").splitlines() if line.strip()]
    line = next((line for line in lines if "unable to" not in line), "")
    return line.split(": ", 1)[-1].rstrip(".") if line else ""


def full_disk(error: pyvips.Error) -> OSError | None:
    """The system's own error, if a libvips error comes from a full disk or an exceeded quota."""
    told = {number: os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT)}
    return next((OSError(*item) for item in told.items() if item[1] in str(error.detail or "")), None)
