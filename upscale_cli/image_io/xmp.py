"""XMP packets: what an enlarged picture has to change in them. They are edited as text, never re-written."""

from __future__ import annotations

import re

_ORIENTATION = re.compile(rb'(tiff:Orientation(?:\s*=\s*["\']|>))\s*([1-8])')
_SIDES = (
    (re.compile(rb'((?:tiff:ImageWidth|exif:PixelXDimension)(?:\s*=\s*["\']|>))\s*\d+'), 0),
    (re.compile(rb'((?:tiff:ImageLength|exif:PixelYDimension)(?:\s*=\s*["\']|>))\s*\d+'), 1),
)
_PANORAMA = re.compile(rb'(GPano:(\w*?(Width|Left|Height|Top)(?:Pixels)?)(?:\s*=\s*["\']|>))\s*(\d+)')
_OWN_SIDES = {b"CroppedAreaImageWidthPixels": 0, b"CroppedAreaImageHeightPixels": 1}
"""What a panorama (Google's Photo Sphere XMP) calls the picture's own width and height."""
_VIDEO = re.compile(rb'GCamera:(?:MicroVideo|MotionPhoto)(?:\s*=\s*["\']|>)\s*1')
_STALE = re.compile(
    rb"<xmp:Thumbnails>.*?</xmp:Thumbnails>"
    rb"|<Container:Directory>.*?</Container:Directory>"
    rb"|\s(?:hdrgm:Version|GCamera:MicroVideo\w*|GCamera:MotionPhoto\w*"
    rb'|xmpNote:HasExtendedXMP)\s*=\s*"[^"]*"',
    re.DOTALL,
)
"""Thumbnails of the small picture, and pointers to gain maps, videos and further XMP that are left behind."""


def orientation(packet: bytes) -> int:
    """tiff:Orientation, 1 to 8; 1 if it is missing."""
    match = _ORIENTATION.search(packet)
    return int(match[2]) if match else 1


def has_video(packet: bytes) -> bool:
    """Whether a short video lies behind the picture (Google's Motion Photo)."""
    return bool(_VIDEO.search(packet))


def corrected(packet: bytes, width: int, height: int) -> bytes:
    """The packet for an upright picture of a new size, without stale thumbnails."""
    packet = _ORIENTATION.sub(rb"\g<1>1", packet)
    for pattern, side in _SIDES:
        packet = pattern.sub(rb"\g<1>%d" % (width, height)[side], packet)
    return _STALE.sub(b"", _scaled_panorama(packet, (width, height)))


def _scaled_panorama(packet: bytes, size: tuple[int, int]) -> bytes:
    """The packet with a panorama's sizes and places, in pixels, for a picture of a new (width, height)."""
    own = {_OWN_SIDES[m[2]]: int(m[4]) for m in _PANORAMA.finditer(packet) if m[2] in _OWN_SIDES}

    def scaled(match: re.Match[bytes]) -> bytes:
        side = 0 if match[3] in (b"Width", b"Left") else 1
        value = int(match[4])
        return match[1] + b"%d" % (round(value * size[side] / own[side]) if own.get(side) else value)

    return _PANORAMA.sub(scaled, packet)
