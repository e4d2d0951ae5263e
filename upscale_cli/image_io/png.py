"""PNG chunks that libvips does not report: what the numbers mean as colours, and whether the picture moves.

Names and meanings as in the PNG specification, third edition (W3C, 2025).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from upscale_cli.pixels import Pixels, peak

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HDR = (b"cICP", b"mDCV", b"cLLI")
_COLOUR = (b"gAMA", b"cHRM", b"sRGB", *_HDR)
_READ = {
    b"acTL": 8, b"iCCP": 1, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8,
    b"pHYs": 9,
}  # fmt: skip
"""The chunks that matter here, and how long they are at least."""
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
XMP, RAW = b"XML:com.adobe.xmp", b"Raw profile type "
"""Keywords of text that holds XMP, or another block of metadata as hexadecimal digits."""
_MOST_TEXT = 2**23  # about what libpng itself takes
_SRGB_CODES = (1, 2), (1, 2, 6, 13)
_SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


@dataclass(frozen=True)
class PngFacts:
    """What the chunks around the pixels say."""

    frames: int = 1
    colour: bytes = b""
    """The chunks that give the numbers their meaning, whole, but a profile; empty if they are sRGB."""
    gamma: float = 0.0
    """Exponent that the numbers were encoded with, 1 for linear light; 0 if nothing differs from sRGB."""
    wide: bool = False
    """The primaries, or the transfer curve, are others than sRGB's and no profile says so."""
    text: bytes = b""
    """The text chunks, whole, but for those that hold XMP, EXIF or IPTC."""
    resolution: bool = False
    """A resolution is stated, not merely the ratio of a pixel's sides."""


def chunks(data: Any) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk of a PNG in a buffer; ends quietly where they make no sense."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return
        yield kind, at, at + 12 + length
        at += 12 + length


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def exif(data: Any) -> bytes:
    """The EXIF block of a PNG in a buffer, before or behind the pixels; b"" without one."""
    found = (bytes(data[start + 8 : end - 4]) for kind, start, end in chunks(data) if kind == b"eXIf")
    return next(found, b"")


def texts(data: Any) -> Iterator[tuple[bytes, bytes]]:
    """(keyword, words) of each text chunk, unpacked; those that cannot be unpacked are left out."""
    for kind, start, end in chunks(data):
        if kind not in _TEXT or end - start > _MOST_TEXT:
            continue
        key, _, words = bytes(data[start + 8 : end - 4]).partition(b"\0")
        packed = kind == b"zTXt" or (kind == b"iTXt" and words[:1] == b"\1")
        if kind == b"iTXt":  # a flag, a method, a language, a translated keyword
            words = words[2:].split(b"\0", 2)[-1]
        elif packed:
            words = words[1:]
        try:
            yield key, zlib.decompressobj().decompress(words, _MOST_TEXT) if packed else words
        except zlib.error:
            continue


def facts(data: Any) -> PngFacts:
    """What a PNG in a buffer says besides its pixels."""
    found: dict[bytes, bytes] = {}
    text: list[bytes] = []
    for kind, start, end in chunks(data):
        if kind in _TEXT and end - start <= _MOST_TEXT and len(text) < 1000:
            whole = bytes(data[start:end])
            if not whole[8:].startswith((XMP + b"\0", RAW)):
                text.append(whole)
        elif kind in _READ and end - start - 12 >= _READ[kind]:
            found.setdefault(kind, bytes(data[start : min(end, start + 1024)]))
    frames = struct.unpack_from(">I", found[b"acTL"], 8)[0] if b"acTL" in found else 1
    metres = found.get(b"pHYs", b"")[16:17] == b"\1"
    plain = PngFacts(frames=max(frames, 1), text=b"".join(text), resolution=metres)
    if b"cICP" in found:  # goes before a profile, which is for readers that do not know it
        kinds = _HDR if b"iCCP" in found else _COLOUR
        wide = b"iCCP" not in found and _is_wide(*found[b"cICP"][8:10])
        return replace(plain, colour=b"".join(found[kind] for kind in kinds if kind in found), wide=wide)
    if b"iCCP" in found or b"sRGB" in found:
        return plain
    colour = b"".join(found[kind] for kind in _COLOUR if kind in found)
    gamma = struct.unpack_from(">I", found[b"gAMA"], 8)[0] / 100_000 if b"gAMA" in found else 0.0
    primaries = struct.unpack_from(">8I", found[b"cHRM"], 8) if b"cHRM" in found else _SRGB_PRIMARIES
    wide = any(abs(a - b) > 500 for a, b in zip(primaries, _SRGB_PRIMARIES, strict=True))
    if not 0.01 < gamma < 10 or abs(gamma - 1 / 2.2) < 0.01:
        gamma = 0.0
    return replace(plain, colour=colour, gamma=gamma, wide=wide)


def stated(exif: bytes, xmp: bytes, iptc: bytes) -> bytes:
    """Chunks for an EXIF block, an XMP packet (XMP specification, part 3) and IPTC; none for empty ones.

    Args:
        iptc: as a Photoshop resource, which goes into text as ImageMagick, ExifTool and Exiv2 have it.
    """
    chunks = chunk(b"eXIf", exif) if exif else b""
    chunks += chunk(b"iTXt", XMP + bytes(5) + xmp) if xmp else b""
    words = b"\niptc\n%8d\n%s\n" % (len(iptc), iptc.hex("\n", -36).encode())
    return chunks + (chunk(b"zTXt", RAW + b"iptc\0\0" + zlib.compress(words)) if iptc else b"")


def comment(words: bytes) -> bytes:
    """A text chunk for a JPEG's comment, whose encoding is not stated."""
    words = words.replace(b"\0", b"")
    try:
        words.decode("utf-8")
    except UnicodeDecodeError:
        return chunk(b"tEXt", b"Comment\0" + words)  # Latin-1
    return chunk(b"iTXt", b"Comment" + bytes(5) + words)


def coded(primaries: int, transfer: int) -> PngFacts:
    """What a PNG has to say of RGB with those colour primaries and transfer characteristics (ITU-T H.273)."""
    if not _is_wide(primaries, transfer):
        return PngFacts()
    return PngFacts(colour=chunk(b"cICP", bytes((primaries, transfer, 0, 1))), wide=True)


def _is_wide(primaries: int, transfer: int) -> bool:
    """False for sRGB's and for what means its like: BT.709's, BT.601's curve, unspecified."""
    return primaries not in _SRGB_CODES[0] or transfer not in _SRGB_CODES[1]


def with_chunks(head: bytes, add: bytes, drop: tuple[bytes, ...]) -> bytes | None:
    """The beginning of a PNG with `add` behind its header and without the chunks of the kinds in `drop`.

    None if `head` does not reach the pixels.
    """
    at, parts = len(SIGNATURE), [head[: len(SIGNATURE)]]
    while at + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        if kind == b"IDAT":
            return b"".join([*parts, head[at:]])
        if kind not in drop:
            parts.append(head[at : at + 12 + length])
        if kind == b"IHDR":
            parts.append(add)
        at += 12 + length
    return None


def to_srgb(pixels: Pixels, gamma: float) -> Pixels:
    """Channels encoded with an exponent as with sRGB's curve (IEC 61966-2-1); alpha is left alone."""
    white = peak(pixels.dtype)
    steps = np.linspace(0, 1, int(white) + 1) ** (1 / gamma)
    curve = np.where(steps <= 0.0031308, steps * 12.92, 1.055 * steps ** (1 / 2.4) - 0.055)
    table = np.rint(curve * white).astype(pixels.dtype)
    out = table[pixels]
    if pixels.shape[2] in (2, 4):
        out[:, :, -1] = pixels[:, :, -1]
    return out
