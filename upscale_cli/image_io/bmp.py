"""Windows bitmaps (BMP): read into arrays, written from them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from upscale_cli.errors import DamagedImageError, UnsupportedImageError
from upscale_cli.pixels import Pixels

_VERSION_5, _EMBEDDED = 124, b"DEBM"
_RGB, _RLE8, _RLE4, _BITFIELDS, _ALPHABITFIELDS = 0, 1, 2, 3, 6
_RARE = ((64, _RGB), (1, _BITFIELDS))
"""Bits and compression of numbers in linear light, and of OS/2's facsimile."""


@dataclass(frozen=True)
class Header:
    """What a BMP declares about itself."""

    width: int
    height: int
    downward: bool
    """The first row stored is the top one; usually it is the bottom one."""
    bits: int
    compression: int
    masks: tuple[int, int, int, int]
    """Which bits of a pixel are red, green, blue and alpha (16 and 32 bits only)."""
    palette: Pixels
    """(n, 3) uint8 RGB; empty above 8 bits."""
    offset: int
    resolution: tuple[float, float] | None
    """Pixels per millimetre, across and down; None if it is not stated."""
    profile: bytes
    """ICC profile (version 5 only)."""

    @property
    def channels(self) -> int:
        if self.masks[3]:
            return 4
        return 1 if len(self.palette) and bool((self.palette == self.palette[:, :1]).all()) else 3


def header(data: bytes | memoryview, name: str) -> Header:
    """Read the headers and the palette.

    Raises:
        DamagedImageError: they contradict themselves.
        UnsupportedImageError: a JPEG or PNG inside a BMP, or another rare compression.
    """
    head = bytes(data[:2048])
    try:
        offset, length = struct.unpack_from("<II", head, 10)
        if length == 12:
            width, height, planes, bits = struct.unpack_from("<HHHH", head, 18)
            compression = colours = 0
            sides = [0, 0]
        else:
            info = head[18 : 14 + length].ljust(120, b"\0")  # what a short header leaves out is 0
            width, height, planes, bits, compression, _, *sides, colours = struct.unpack_from(
                "<iiHHIIiiI", info
            )
        if len(head) < 14 + length:
            raise struct.error
        masks = _masks(head, length, bits, compression)
    except struct.error:
        raise _damaged(name, "the header is cut short") from None
    known = compression in (_RGB, _RLE8, _RLE4, _BITFIELDS, _ALPHABITFIELDS)
    if not known or (bits, compression) in _RARE:
        raise UnsupportedImageError(
            f"{name}: BMP compression {compression} of {bits} bits is not supported",
            hint="convert it to PNG first",
        )
    fits = {_RLE8: (8,), _RLE4: (4,), _RGB: (1, 2, 4, 8, 16, 24, 32)}.get(compression, (16, 32))
    if bits not in fits or width <= 0 or height == 0 or planes != 1:
        raise _damaged(name, f"the header asks for {width}x{height} pixels of {bits} bits")
    if offset < 14 + length:
        raise _damaged(name, "the pixels lie within the header")
    palette = np.zeros((0, 3), np.uint8)
    if bits <= 8:
        entry = 3 if length == 12 else 4
        if colours > 2**bits:
            raise _damaged(name, f"a palette of {colours} colours for {bits} bits")
        count = min(colours or 2**bits, (offset - 14 - length) // entry)
        table = np.frombuffer(head, np.uint8)[14 + length : 14 + length + max(count, 0) * entry]
        if count < 1 or table.size < count * entry:
            raise _damaged(name, "the palette is missing")
        palette = table.reshape(count, entry)[:, 2::-1]
    resolution = (sides[0] / 1000, sides[1] / 1000) if min(sides) > 0 else None
    profile = _profile(data, head, length)
    return Header(
        width, abs(height), height < 0, bits, compression, masks, palette, offset, resolution, profile
    )


def _profile(data: bytes | memoryview, head: bytes, length: int) -> bytes:
    if length < _VERSION_5 or head[70:74] != _EMBEDDED:
        return b""
    at, size = struct.unpack_from("<II", head, 126)
    return bytes(data[14 + at : 14 + at + size])


def _masks(head: bytes, length: int, bits: int, compression: int) -> tuple[int, int, int, int]:
    if compression in (_BITFIELDS, _ALPHABITFIELDS):
        red, green, blue = struct.unpack_from("<III", head, 54)
        has_alpha = length >= 56 or compression == _ALPHABITFIELDS
        return red, green, blue, struct.unpack_from("<I", head, 66)[0] if has_alpha else 0
    return (0x7C00, 0x3E0, 0x1F, 0) if bits == 16 else (0xFF0000, 0xFF00, 0xFF, 0)


def decode(data: bytes | memoryview, name: str) -> Pixels:
    """(H, W, 1|3|4) uint8, top row first.

    Raises:
        DamagedImageError, UnsupportedImageError: as header(); also if the pixels end early.
    """
    facts = header(data, name)
    body = np.frombuffer(data, np.uint8)[facts.offset :]
    if facts.compression in (_RLE8, _RLE4):
        out = facts.palette[_run_lengths(body.tobytes(), facts, name)]
    else:
        stride = (facts.width * facts.bits + 31) // 32 * 4
        if body.size < stride * facts.height - (stride - -(-facts.width * facts.bits // 8)):
            raise _damaged(name, "the pixels are cut short")
        whole = np.zeros(stride * facts.height, np.uint8)
        whole[: body.size] = body[: whole.size]
        out = _unpack(whole.reshape(facts.height, stride), facts, name)
    return np.ascontiguousarray((out if facts.downward else out[::-1])[:, :, : facts.channels])


def _unpack(rows: Pixels, facts: Header, name: str) -> Pixels:
    if facts.bits <= 8:
        bits = np.unpackbits(rows, axis=1).reshape(facts.height, -1, facts.bits)
        index = np.packbits(bits, axis=2)[:, : facts.width, 0] >> (8 - facts.bits)
        return facts.palette[_within(index, facts, name)]
    if facts.bits == 24:
        return rows[:, : facts.width * 3].reshape(facts.height, facts.width, 3)[:, :, ::-1]
    words = rows.view("<u2" if facts.bits == 16 else "<u4")[:, : facts.width].astype(np.uint32)
    planes = []
    for mask in facts.masks[: 3 + bool(facts.masks[3])]:
        shift = (mask & -mask).bit_length() - 1 if mask else 0
        full = max(mask >> shift, 1)
        value = (words & mask) >> shift
        planes.append((value.astype(np.float64) * (255 / full) + 0.5).astype(np.uint8))
    return np.stack(planes, axis=2)


def _run_lengths(body: bytes, facts: Header, name: str) -> Pixels:
    """(H, W) palette indices from RLE4 or RLE8; pixels that the code skips are 0."""
    out = np.zeros((facts.height, facts.width), np.uint8)
    x = y = at = 0
    nibbles = facts.compression == _RLE4
    while at + 1 < len(body):
        count, value = body[at], body[at + 1]
        at += 2
        if count == 0 and value == 0:
            x, y = 0, y + 1
        elif count == 0 and value == 1:
            return _within(out, facts, name)
        elif count == 0 and value == 2:
            if at + 1 >= len(body):
                break
            x, y, at = x + body[at], y + body[at + 1], at + 2
        else:
            raw = bytes([value])
            if count == 0:
                count = value
                size = -(-count // 2) if nibbles else count
                raw = body[at : at + size]
                at += size + size % 2
            codes = np.frombuffer(raw, np.uint8)
            if nibbles:
                codes = np.stack([codes >> 4, codes & 15], axis=1).ravel()
            run = np.resize(codes, count) if len(codes) else codes
            if y >= facts.height or x + len(run) > facts.width or not len(run):
                raise _damaged(name, "a run of pixels goes beyond the picture")
            out[y, x : x + count] = run
            x += count
    if y < facts.height - 1:
        raise _damaged(name, "the pixels are cut short")
    return _within(out, facts, name)


def _within(index: Pixels, facts: Header, name: str) -> Pixels:
    if index.max() >= len(facts.palette):
        raise _damaged(name, f"pixels of colour {index.max()} in a palette of {len(facts.palette)}")
    return index


def _damaged(name: str, cause: str) -> DamagedImageError:
    return DamagedImageError(
        f"{name}: the BMP data is damaged ({cause})", hint="get a whole copy of the file"
    )


def encode(pixels: Pixels, resolution: tuple[float, float] | None = None) -> list[bytes | memoryview]:
    """A BMP of (H, W, 1 to 4) uint8, in pieces: 8-bit grey, 24-bit colour, 32-bit with alpha (version 4).

    Args:
        resolution: pixels per millimetre, across and down, if they are to be stated.
    """
    if pixels.shape[2] == 2:  # there is no grey with alpha
        pixels = pixels[:, :, [0, 0, 0, 1]]
    height, width, channels = pixels.shape
    bits = channels * 8
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256)) if channels == 1 else b""
    stride = (width * channels + 3) // 4 * 4
    length = 108 if channels == 4 else 40
    offset = 14 + length + len(palette)
    size = stride * height
    kind = _BITFIELDS if channels == 4 else _RGB
    sides = [min(round(side * 1000), 2**31 - 1) for side in resolution or (0, 0)]
    info = struct.pack("<IiiHHIIiiII", length, width, height, 1, bits, kind, size, *sides, 0, 0)
    if channels == 4:
        info += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    rows = np.zeros((height, stride), np.uint8)
    order = [2, 1, 0, 3][:channels] if channels > 1 else [0]
    rows[:, : width * channels] = pixels[::-1, :, order].reshape(height, -1)
    head = b"BM" + struct.pack("<IHHI", min(offset + size, 2**32 - 1), 0, 0, offset)
    return [head + info + palette, rows.reshape(-1).data]
