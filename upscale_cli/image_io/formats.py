"""The picture formats: how their bytes begin, what they can hold, and which suffix asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from upscale_cli.errors import TooLargeError, UsageError


@dataclass(frozen=True)
class Format:
    """What a file format can hold; a fact that is False is something that gets lost in it."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    """The first one is given to new files."""
    max_side: int
    """Most pixels along one side that the format or its encoder can store."""
    quality: int = 0
    """Default on the encoder's own scale of 1 to 100; 0 where the format is lossless."""
    lossless: bool = True
    """Can store the pixels unchanged."""
    grey: bool = True
    """Holds grey as one channel, not as a colour."""
    alpha: bool = True
    deep: bool = False
    """Holds 16 bits per channel."""
    frames: bool = False
    """Holds an animation or several pages."""
    profile: bool = False
    exif: bool = False
    xmp: bool = False
    iptc: bool = False
    text: bool = False
    resolution: bool = False


_ALL = (
    Format(
        "jpeg", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), 65_500, 95, lossless=False, alpha=False,
        profile=True, exif=True, xmp=True, iptc=True, resolution=True,
    ),
    Format(
        "png", "PNG", (".png", ".apng"), 1_000_000, deep=True, frames=True,
        profile=True, exif=True, xmp=True, iptc=True, text=True, resolution=True,
    ),
    Format(
        "webp", "WebP", (".webp",), 16_383, 90, grey=False, frames=True,
        profile=True, exif=True, xmp=True,
    ),
    Format(
        "tiff", "TIFF", (".tif", ".tiff"), 2**31 - 1, deep=True, frames=True,
        profile=True, exif=True, xmp=True, iptc=True, resolution=True,
    ),
    Format(
        "avif", "AVIF", (".avif",), 16_384, 80, grey=False, deep=True,
        profile=True, exif=True, xmp=True,
    ),
    Format("gif", "GIF", (".gif",), 65_535, frames=True),
    Format("bmp", "BMP", (".bmp", ".dib"), 32_767, resolution=True),
    Format("pnm", "PNM", (".pnm", ".ppm", ".pgm"), 2**31 - 1, alpha=False, deep=True),
)  # fmt: skip

FORMATS: dict[str, Format] = {fmt.name: fmt for fmt in _ALL}
"""Every format that can be read and written, by name."""

SUFFIXES: dict[str, str] = {suffix: fmt.name for fmt in _ALL for suffix in fmt.suffixes}

READABLE = "JPEG, PNG, WebP, TIFF, AVIF, GIF, BMP and PNM"

_FOREIGN = {
    b"8BPS": "a Photoshop document",
    b"\x00\x00\x01\x00": "an icon (ICO)",
    b"\xff\x0a": "a JPEG XL picture",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL picture",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"%PDF": "a PDF document",
    b"#?RADIANCE": "a Radiance HDR picture",
    b"v/1\x01": "an OpenEXR picture",
    b"qoif": "a QOI picture",
    b"<svg": "an SVG drawing",
    b"FUJIFILM": "a camera's raw file",
    b"PF\n": "a PFM picture",
    b"Pf\n": "a PFM picture",
    b"P7\n": "a PAM picture",
}
"""First bytes of pictures that are recognised but not read."""
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def sniff(head: bytes) -> str:
    """The name of the format that begins with these bytes (64 are enough), or "" if it is none of FORMATS.

    Only the content counts: names lie.
    """
    if head[:2] == b"\xff\xd8":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[4:8] == b"ftyp" and head[8:12] != b"avis" and b"avif" in head[8:64]:
        return "avif"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:2] == b"BM" and len(head) >= 26 and not any(head[6:10]):
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "pnm"
    return ""


def foreign(head: bytes) -> str:
    """Words for a picture format that is recognised but not read ("a JPEG XL picture"), or ""."""
    if head[4:12] == b"ftypavis":
        return "an animated AVIF"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "a HEIC picture"
    return next((words for magic, words in _FOREIGN.items() if head.startswith(magic)), "")


def format_for(target: str | Path) -> Format:
    """The format that a file name ("a/b.JPG"), a suffix (".jpg") or a name ("jpg", "jpeg") asks for.

    Raises:
        UsageError: no format that can be written has that name.
    """
    text = str(target).lower()
    suffix = Path(text).suffix or (text if text.startswith(".") else f".{text}")
    name = text if text in FORMATS else SUFFIXES.get(suffix, "")
    if not name:
        raise UsageError(
            f"{target}: no picture format is called {suffix}",
            hint="use one of " + " ".join(sorted(SUFFIXES)),
        )
    return FORMATS[name]


def check_target(
    fmt: Format,
    width: int,
    height: int,
    *,
    frames: int = 1,
    pages: bool = False,
    source: str = "the picture",
) -> None:
    """Refuse a result that `fmt` cannot hold, before any work is done on it.

    Args:
        width, height: size of the result, in pixels.
        frames: frames or pages of the result.
        pages: they are pages, not an animation.
        source: the name of the picture, for the message.

    Raises:
        TooLargeError: a side is longer than the format allows.
        UsageError: several frames or pages for a format that does not hold them.
    """
    if max(width, height) > fmt.max_side:
        roomy = "PNG or TIFF" if max(width, height) <= FORMATS["png"].max_side else "TIFF"
        raise TooLargeError(
            f"{source}: the result would be {width}x{height} pixels, and {fmt.title} holds at most "
            f"{fmt.max_side} along a side",
            hint=f"write {roomy} instead (--format), or enlarge less",
        )
    if frames > 1 and (fmt.name != "tiff" if pages else not fmt.frames):
        what, instead = ("pages", "TIFF") if pages else ("frames", "WebP, PNG or GIF")
        raise UsageError(
            f"{source}: it has {frames} {what}, which {fmt.title} does not hold",
            hint=f"write {instead} instead (--format)",
        )
