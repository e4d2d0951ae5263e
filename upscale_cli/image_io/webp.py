"""WebP's container (RIFF): whether its pictures were stored without loss, its EXIF block, its timing."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

_FRAME_HEADER = 16
_DURATION_AT = 12
_LONGEST = 2**24 - 1
NO_EXIF = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)
"""An EXIF block without tags, for libvips to make a chunk of: what it writes has tags that it knows only, and
the height of all frames together."""
EACH_DELAY = 100
"""Milliseconds that libvips is to write for every frame, so that the file tells how many frames each of its
own stands for: libvips makes 100 of what is 10 or less, and equal frames in a row become one."""


def is_lossless(data: Any) -> bool:
    """True if the first picture or frame of a WebP held in a buffer is stored without loss."""
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in (b"VP8 ", b"VP8L"):
            return bool(kind == b"VP8L")
        at += 8 + (_FRAME_HEADER if kind == b"ANMF" else size + size % 2)
    return False


def put_exif(path: Path, block: bytes) -> None:
    """Put an EXIF block in the place of the one that a finished file has, if it has one.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        for kind, at, size in _chunks(file):
            if kind == b"EXIF":
                file.seek(at + 8 + size + size % 2)
                rest = file.read()
                file.seek(at)
                file.write(struct.pack("<4sI", kind, len(block)) + block + bytes(len(block) % 2) + rest)
                end = file.truncate()
                file.seek(4)
                file.write(struct.pack("<I", end - 8))
                return


def put_delays(path: Path, delays: Sequence[int]) -> None:
    """Put the milliseconds of each frame into a finished animation that has EACH_DELAY for every one.

    Raises:
        OSError: it cannot be written.
    """
    left = iter(delays)
    with path.open("r+b") as file:
        for kind, at, _ in _chunks(file):
            if kind == b"ANMF":
                place = at + 8 + _DURATION_AT
                file.seek(place)
                equal = int.from_bytes(file.read(3), "little") // EACH_DELAY
                file.seek(place)
                file.write(min(sum(islice(left, equal)), _LONGEST).to_bytes(3, "little"))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, length of the content) of each chunk of a file."""
    at = 12
    while len(head := file.read(8) if file.seek(at) else b"") == 8:
        kind, size = struct.unpack("<4sI", head)
        yield kind, at, size
        at += 8 + size + size % 2
