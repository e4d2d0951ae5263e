"""WebP's container (RIFF): whether the pictures in it were stored without loss."""

from __future__ import annotations

import struct
from typing import Any

_FRAME_HEADER = 16


def is_lossless(data: Any) -> bool:
    """True if the first picture or frame of a WebP held in a buffer is stored without loss."""
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in (b"VP8 ", b"VP8L"):
            return bool(kind == b"VP8L")
        at += 8 + (_FRAME_HEADER if kind == b"ANMF" else size + size % 2)
    return False
