"""What a picture says about itself besides its pixels: read from the source, corrected, put on the result.

libvips carries metadata as fields of its images. Here they are copied field by field, so that each can be
corrected or left out, and so that one that cannot be carried costs a warning and not the picture.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from upscale_cli import decode, exif, iptc, libvips, xmp
from upscale_cli.formats import Format

_TIFF_DEFAULT = 72 / 25.4  # TIFF demands a resolution; pixels per millimetre
_MOST_EXIF = 65_527  # what a JPEG segment holds besides its own length and "Exif\0\0"


@dataclass(frozen=True)
class Metadata:
    """What a source carries. Blocks are empty where there is none."""

    profile: bytes = b""
    """ICC profile."""
    exif: bytes = b""
    """Beginning with its TIFF header."""
    xmp: bytes = b""
    iptc: bytes = b""
    """Bare records."""
    text: tuple[tuple[str, str], ...] = ()
    """PNG's (keyword, text) pairs."""
    resolution: tuple[float, float] | None = None
    """Pixels per millimetre, across and down."""
    unit: str = "in"
    """What resolutions are counted in when written: 'in' or 'cm'."""


def read(image: Any, fmt: str, data: decode.Encoded) -> Metadata:
    """Everything that the header of a source carries.

    Args:
        image: as decode.load gives it.
        data: the source itself, for what libvips does not report.
    """
    blobs = {name: _get(image, f"{name}-data", b"") for name in ("icc-profile", "exif", "xmp", "iptc")}
    text = []
    block = blobs["exif"]
    block = block[6:] if block.startswith(b"Exif\0\0") else block
    for name in image.get_fields():
        if name.startswith("png-comment-"):
            keyword, words = name.split("-", 3)[3], _get(image, name, "")
            if keyword.startswith("Raw profile type "):
                if keyword.endswith((" exif", " APP1")) and not block:
                    block = _raw_profile(words)
            else:
                text.append((keyword, words))
    if fmt == "tiff":
        block = _exif_of_tiff(data)
    known = image.xres > 0 and image.yres > 0 and (image.xres, image.yres) != (1.0, 1.0)
    return Metadata(
        profile=blobs["icc-profile"],
        exif=block,
        xmp=blobs["xmp"],
        iptc=iptc.bare(blobs["iptc"]),
        text=tuple(text),
        resolution=(image.xres, image.yres) if known else None,
        unit="cm" if _get(image, "resolution-unit", "in") == "cm" else "in",
    )


def _get(image: Any, field: str, default: Any) -> Any:
    """A field's value; the default also for text that is no UTF-8."""
    try:
        return image.get(field) if image.get_typeof(field) else default
    except (libvips.Error, UnicodeDecodeError):
        return default


def _raw_profile(words: str) -> bytes:
    """An EXIF block as ImageMagick hides it in PNG text: a name, a length, hexadecimal digits."""
    try:
        block = bytes.fromhex("".join(words.split()[2:]))
    except ValueError:
        return b""
    return block[6:] if block.startswith(b"Exif\0\0") else block


def _exif_of_tiff(data: decode.Encoded) -> bytes:
    try:
        found = exif.descriptive(exif.parse(decode.buffer(data)))
        return exif.pack(found) if found else b""
    except (ValueError, struct.error):
        return b""


def orientation(meta: Metadata) -> int:
    """EXIF orientation, else XMP's, else 1."""
    try:
        block = exif.parse(meta.exif)
        if exif.ORIENTATION in block.main:
            return block.orientation
    except (ValueError, struct.error):
        pass
    return xmp.orientation(meta.xmp)


def corrected_exif(meta: Metadata, width: int, height: int) -> exif.Exif | None:
    """The EXIF block for a result of a new size; None if there is none or it makes no sense."""
    try:
        block = exif.corrected(exif.parse(meta.exif), width, height)
    except (ValueError, struct.error):
        return None
    return block or None


def attach(image: Any, meta: Metadata, fmt: Format, *, strip: bool) -> tuple[Any, list[str]]:
    """`image` with the metadata that `fmt` holds, and the names of what was lost on the way."""
    lost: list[str] = []
    image = image.copy()
    if meta.profile and fmt.profile:
        image.set_type(libvips.BLOB, "icc-profile-data", meta.profile)
    resolution = meta.resolution or ((_TIFF_DEFAULT, _TIFF_DEFAULT) if fmt.name == "tiff" else None)
    if resolution and fmt.resolution:
        image = image.copy(xres=resolution[0], yres=resolution[1])
        image.set_type(libvips.TEXT, "resolution-unit", meta.unit)
    if strip:
        return image, lost
    if meta.exif and fmt.exif and fmt.name != "tiff" and not _attach_exif(image, meta):
        lost.append("EXIF")
    if meta.xmp and fmt.xmp:
        image.set_type(
            libvips.BLOB, "xmp-data", xmp.corrected(meta.xmp, image.width, image.get_page_height())
        )
    if meta.iptc and fmt.iptc:
        image.set_type(
            libvips.BLOB, "iptc-data", iptc.wrapped(meta.iptc) if fmt.name == "jpeg" else meta.iptc
        )
    if fmt.text:
        for number, (keyword, words) in enumerate(meta.text):
            image.set_type(libvips.TEXT, f"png-comment-{number}-{keyword}", words)
    return image, lost


def _attach_exif(image: Any, meta: Metadata) -> bool:
    """Set libvips's EXIF fields, by letting it read a tiny JPEG that carries the corrected block."""
    block = corrected_exif(meta, image.width, image.get_page_height())
    stored = exif.pack(block) if block else b""
    if not 0 < len(stored) <= _MOST_EXIF:
        return False
    tiny = libvips.Image.black(1, 1).jpegsave_buffer(keep="none")
    segment = b"\xff\xe1" + struct.pack(">H", len(stored) + 8) + b"Exif\0\0" + stored
    try:
        carrier = libvips.Image.jpegload_buffer(tiny[:2] + segment + tiny[2:])
        for name in carrier.get_fields():
            if name == "exif-data" or name.startswith("exif-ifd"):
                value = carrier.get(name)
                image.set_type(libvips.BLOB if name == "exif-data" else libvips.TEXT, name, value)
    except (libvips.Error, UnicodeDecodeError):
        return False
    image.set_type(libvips.INT, "orientation", 1)
    return True
