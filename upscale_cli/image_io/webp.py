"""WebP's container (RIFF): whether the pictures in it were stored without loss, and its EXIF block."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

_FRAME_HEADER = 16
NO_EXIF = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)
"""An EXIF block without tags, for libvips to make a chunk of: what it writes has tags that it knows only, and
the height of all frames together."""


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
        at = 12
        while len(head := file.read(8) if file.seek(at) else b"") == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind == b"EXIF":
                file.seek(at + 8 + size + size % 2)
                rest = file.read()
                file.seek(at)
                file.write(struct.pack("<4sI", kind, len(block)) + block + bytes(len(block) % 2) + rest)
                end = file.truncate()
                file.seek(4)
                file.write(struct.pack("<I", end - 8))
                return
            at += 8 + size + size % 2
