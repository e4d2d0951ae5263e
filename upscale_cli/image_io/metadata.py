"""What a picture says about itself besides its pixels: read from the source, corrected, put on the result.

libvips carries metadata as fields of its images. Here they are copied field by field, so that each can be
corrected or left out, and so that one that cannot be carried costs a warning and not the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from upscale_cli.image_io import colourspace, decode, exif, gif, iptc, jpeg, libvips, png, xmp
from upscale_cli.image_io.formats import Format
from upscale_cli.image_io.ifd import Entry, Layout

_DEFAULT = 72 / 25.4  # pixels per millimetre, where TIFF or EXIF demand a resolution
_MOST_EXIF = 65_527  # what a JPEG segment holds besides its own length and "Exif\0\0"
_MOST_IN_JPEG = {"XMP": 60_000, "IPTC": 65_533}
"""Bytes up to which libvips writes a block; it leaves out larger ones without an error."""
_EXIF = b"Exif\0\0"
"""What comes before the block in a JPEG."""
_AS_IT_IS = {"jpeg": _EXIF, "png": b"", "webp": b""}
"""Formats whose EXIF block is written here, not by libvips, and what comes before it."""


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
    resolution: tuple[float, float] | None = None
    """Pixels per millimetre, across and down."""
    unit: str = "in"
    """What resolutions are counted in when written: 'in' or 'cm'."""
    comments: tuple[bytes, ...] = ()
    """Of a JPEG."""


def read(image: Any, fmt: str, data: decode.Encoded, at: int | None = None) -> Metadata:
    """Everything that the header of a source carries, or that of a page of a TIFF.

    Args:
        image: as decode.load gives it.
        data: the source itself, for what libvips does not report.
        at: where the directory of a TIFF's page lies; None for the first page.
    """
    blobs = {name: _get(image, f"{name}-data", b"") for name in ("icc-profile", "exif", "xmp", "iptc")}
    if fmt == "png":  # libvips sees what comes before the pixels only
        blobs |= _of_png(decode.buffer(data))
    block = blobs["exif"].removeprefix(_EXIF)
    if fmt == "gif":
        blobs["xmp"] = gif.xmp(decode.buffer(data))
    comments: list[bytes] = []
    if fmt == "jpeg":  # libvips takes any block of XMP that comes first
        blobs["xmp"] = next(iter(jpeg.contents(decode.buffer(data), jpeg.APP1, jpeg.XMP)), blobs["xmp"])
        comments = jpeg.contents(decode.buffer(data), jpeg.COMMENT)
    records = iptc.bare(blobs["iptc"])
    if fmt == "tiff":
        block, records = _of_tiff(data, at)
    unit = _get(image, "resolution-unit", "")  # set where a JPEG or TIFF states more than a ratio
    known = unit and fmt in ("jpeg", "tiff") and image.xres > 0 and image.yres > 0
    stated = _parsed(block)
    return Metadata(
        profile=blobs["icc-profile"],
        exif=block,
        xmp=blobs["xmp"],
        iptc=records,
        resolution=(image.xres, image.yres) if known else exif.resolution(stated) if stated else None,
        unit="cm" if unit == "cm" else "in",
        comments=tuple(comments),
    )


def _get(image: Any, field: str, default: Any) -> Any:
    """A field's value; the default also for text that is no UTF-8."""
    try:
        return image.get(field) if image.get_typeof(field) else default
    except (libvips.Error, UnicodeDecodeError):
        return default


def _of_png(data: Any) -> dict[str, bytes]:
    """EXIF, XMP and IPTC in chunks of their own, or as ImageMagick and others hide them in text."""
    found: dict[str, bytes] = {}
    hidden: dict[str, bytes] = {}
    for key, words in png.texts(data):
        if key == png.XMP:
            found["xmp"] = words
        if not key.startswith(png.RAW):
            continue
        try:  # a name, a length, hexadecimal digits
            content = bytes.fromhex(b"".join(words.split()[2:]).decode("ascii"))
        except ValueError:
            continue
        if content.startswith((_EXIF, b"II", b"MM")):
            hidden["exif"] = content
        elif content.startswith((jpeg.XMP, b"<")):
            hidden["xmp"] = content.removeprefix(jpeg.XMP)
        elif iptc.bare(content):
            hidden["iptc"] = content
    if block := png.exif(data):
        found["exif"] = block
    return hidden | found


def _of_tiff(data: decode.Encoded, at: int | None) -> tuple[bytes, bytes]:
    """EXIF, which libvips does not read from a TIFF, and IPTC, which it cuts short."""
    try:
        found = exif.parse(decode.buffer(data), at)
    except ValueError:
        return b"", b""
    found = exif.descriptive(found)
    records = found.main.pop(exif.IPTC, None)
    return exif.pack(found) if found else b"", records.value if records else b""


def _parsed(block: Any) -> exif.Exif | None:
    """An EXIF block, or None if it makes no sense."""
    try:
        return exif.parse(block)
    except ValueError:
        return None


def orientation(meta: Metadata) -> int:
    """EXIF orientation, else XMP's, else 1."""
    block = _parsed(meta.exif)
    return block.orientation if block and exif.ORIENTATION in block.main else xmp.orientation(meta.xmp)


def corrected_exif(meta: Metadata, width: int, height: int) -> exif.Exif | None:
    """The EXIF block for a result of a new size; None if there is none or it makes no sense."""
    block = _parsed(meta.exif)
    return exif.corrected(block, width, height) if block else None


def _empty() -> exif.Exif:
    """A block that says nothing yet."""
    return exif.Exif(Layout("<", big=False), {})


def tiff_tags(meta: Metadata, width: int, height: int) -> exif.Exif | None:
    """What a TIFF file of that size is to say of EXIF and IPTC; None for nothing."""
    block = corrected_exif(meta, width, height) or _empty()
    if meta.iptc:
        block.main[exif.IPTC] = Entry(7, meta.iptc)
    return block or None


def attach(image: Any, meta: Metadata, fmt: Format, *, strip: bool) -> tuple[Any, list[str]]:
    """`image` with the metadata that `fmt` holds, and the names of what was lost on the way."""
    lost: list[str] = []
    image = image.copy()
    if meta.profile and fmt.profile:
        space = meta.profile[16:20]
        grey = space == b"GRAY"
        if space not in (b"GRAY", b"RGB "):
            lost.append("profile, which is not for these colours,")
        elif grey and image.bands > 2:
            lost.append("profile for grey")
        elif not grey and fmt.grey and image.bands <= 2:  # no encoder takes it, no viewer would use it
            lost += ["profile for colour"] * (not colourspace.is_srgb(meta.profile, greys=True))
        elif fmt.grey or not grey:  # else the numbers are sRGB's already: reduce.py
            image.set_type(libvips.BLOB, "icc-profile-data", meta.profile)
    resolution = meta.resolution
    if resolution is None and (fmt.name == "tiff" or (fmt.exif and meta.exif)):
        resolution = (_DEFAULT, _DEFAULT)
    if resolution:
        image = image.copy(xres=resolution[0], yres=resolution[1])
        image.set_type(libvips.TEXT, "resolution-unit", meta.unit)
    if strip:
        return image, lost
    wanted = meta.exif or (meta.resolution and not fmt.resolution)
    if wanted and fmt.exif and fmt.name != "tiff" and not _attach_exif(image, meta, fmt):
        lost.append("EXIF")
    blobs = {}
    if meta.xmp and fmt.xmp:
        blobs["XMP"] = xmp.corrected(meta.xmp, image.width, image.get_page_height())
    if meta.iptc and fmt.name in ("jpeg", "png"):  # libvips cuts a TIFF's short: tiff_tags
        blobs["IPTC"] = (iptc.wrapped if fmt.name == "jpeg" else iptc.resource)(meta.iptc)
    for name, blob in blobs.items():
        if fmt.name == "jpeg" and len(blob) > _MOST_IN_JPEG[name]:
            lost.append(name)
        else:
            image.set_type(libvips.BLOB, f"{name.lower()}-data", blob)
    return image, lost


def _attach_exif(image: Any, meta: Metadata, fmt: Format) -> bool:
    """Set the corrected block: alone where it is written as it is, else as all of libvips's EXIF fields.

    The latter by letting libvips read a tiny JPEG with the block. It leaves out tags that it does not know.
    """
    block = corrected_exif(meta, image.width, image.get_page_height()) if meta.exif else _empty()
    if block is None:
        return False
    stored = exif.pack(exif.with_resolution(block, (image.xres, image.yres), meta.unit))
    if fmt.name != "png" and len(stored) > _MOST_EXIF:
        return False
    if fmt.name in _AS_IT_IS:
        image.set_type(libvips.BLOB, "exif-data", _AS_IT_IS[fmt.name] + stored)
        return True
    tiny = libvips.Image.black(1, 1).jpegsave_buffer(keep="none")
    tiny = jpeg.with_segments(tiny, jpeg.segment(jpeg.APP1, _EXIF + stored))
    try:
        carrier = libvips.Image.jpegload_buffer(tiny)
        for name in carrier.get_fields():
            if name == "exif-data" or name.startswith("exif-ifd"):
                value = carrier.get(name)
                image.set_type(libvips.BLOB if name == "exif-data" else libvips.TEXT, name, value)
    except (libvips.Error, UnicodeDecodeError):
        return False
    image.set_type(libvips.INT, "orientation", 1)
    return True
