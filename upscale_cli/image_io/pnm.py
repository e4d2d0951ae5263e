"""The Netpbm formats PBM, PGM and PPM, plain and raw (P1 to P6): read into arrays, written from them."""

from __future__ import annotations

import re

import numpy as np

from upscale_cli.errors import DamagedImageError
from upscale_cli.pixels import Pixels

_GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"  # white space and comments, as the specification puts them between numbers
_BITMAP = re.compile(rb"P([14])" + _GAP + rb"(\d{1,10})" + _GAP + rb"(\d{1,10})\s")
_MAP = re.compile(rb"P([2356])" + (_GAP + rb"(\d{1,10})") * 3 + rb"\s")


def size(data: bytes | memoryview, name: str) -> tuple[int, int, int, int, int]:
    """(width, height, channels, maximum, offset of the samples) from the header.

    Raises:
        DamagedImageError: the header makes no sense.
    """
    head = bytes(data[:4096])
    match = _BITMAP.match(head) or _MAP.match(head)
    if not match:
        raise DamagedImageError(f"{name}: the PNM header is damaged", hint="get a whole copy of the file")
    kind, *numbers = map(int, match.groups())
    width, height, maximum = (*numbers, 1)[:3]
    if not (width and height and 0 < maximum < 65536):
        raise DamagedImageError(
            f"{name}: the PNM header asks for {width}x{height} pixels of 0 to {maximum}",
            hint="get a whole copy of the file",
        )
    return width, height, 3 if kind in (3, 6) else 1, maximum, match.end()


def pictures(data: bytes | memoryview, name: str) -> int:
    """How many raw pictures the file holds, one behind the other, as frames of a video come out of a pipe."""
    count = at = 0
    while data[at + 1 : at + 2] in (b"4", b"5", b"6"):
        try:
            width, height, channels, maximum, offset = size(data[at : at + 4096], name)
        except DamagedImageError:
            break
        bits = 1 if data[at + 1 : at + 2] == b"4" else 8 if maximum < 256 else 16
        at += offset + height * -(-width * channels * bits // 8)
        count += 1
    return max(count, 1)


def decode(data: bytes | memoryview, name: str) -> Pixels:
    """(H, W, 1|3) uint8, or uint16 where the file's maximum is above 255, stretched to the full range.

    Raises:
        DamagedImageError: the header makes no sense, or the samples end early.
    """
    width, height, channels, maximum, offset = size(data, name)
    kind, count = bytes(data[1:2]), width * height * channels
    body = data[offset:]
    samples: Pixels
    if kind == b"1":
        text = re.sub(rb"#[^\n\r]*|\s", b"", bytes(body))[:count]
        samples = np.frombuffer(text, np.uint8) - ord("0")
    elif kind in b"23":
        words = re.sub(rb"#[^\n\r]*", b"", bytes(body)).split(maxsplit=count)[:count]
        if not all(word.isdigit() and len(word) < 6 for word in words):
            raise DamagedImageError(f"{name}: the PNM samples are no numbers", hint="get a whole copy")
        samples = np.array(words, dtype=np.int64)
    elif kind == b"4":
        packed = np.frombuffer(body, np.uint8)[: height * -(-width // 8)]
        if packed.size == height * -(-width // 8):
            samples = np.unpackbits(packed.reshape(height, -1), axis=1)[:, :width].ravel()
        else:
            samples = packed[:0]
    else:
        kind_of = np.dtype(np.uint8 if maximum < 256 else ">u2")
        samples = np.frombuffer(body, kind_of, count=min(count, len(body) // kind_of.itemsize))
    if samples.size < count:
        raise DamagedImageError(f"{name}: the PNM data is cut short", hint="get a whole copy of the file")
    if samples.max() > maximum:
        raise DamagedImageError(f"{name}: PNM samples above the stated {maximum}", hint="get a whole copy")
    full = 255 if maximum < 256 else 65535
    if kind in b"14":
        samples = 1 - samples  # in bitmaps 1 is black
    if maximum != full:
        samples = (samples.astype(np.uint32) * full + maximum // 2) // maximum
    dtype = np.uint8 if full == 255 else np.uint16
    return samples.astype(dtype, copy=False).reshape(height, width, channels)


def encode(pixels: Pixels) -> list[bytes | memoryview]:
    """A raw PGM or PPM of (H, W, 1|3) uint8 or uint16, in pieces."""
    height, width, channels = pixels.shape
    deep = pixels.dtype == np.uint16
    header = f"P{6 if channels == 3 else 5}\n{width} {height}\n{65535 if deep else 255}\n"
    body = np.ascontiguousarray(pixels.astype(">u2") if deep else pixels)
    return [header.encode(), body.reshape(-1).view(np.uint8).data]
