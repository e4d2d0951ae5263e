"""AVIF's boxes (ISO/IEC 14496-12, 23008-12) that libvips passes over: what the numbers mean as colours."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_PATH = (b"meta", b"iprp", b"ipco")
_VERSION = {b"meta": 4}
"""Bytes before the boxes inside."""


def colours(data: Any) -> tuple[int, int] | None:
    """Colour primaries and transfer characteristics (ITU-T H.273) of the first picture, if stated."""
    start, end = 0, len(data)
    for wanted in _PATH:
        found = next(((a, b) for kind, a, b in _boxes(data, start, end) if kind == wanted), None)
        if not found:
            return None
        start, end = found[0] + _VERSION.get(wanted, 0), found[1]
    for kind, at, close in _boxes(data, start, end):
        if kind == b"colr" and bytes(data[at : at + 4]) == b"nclx" and close - at >= 8:
            primaries, transfer = struct.unpack_from(">HH", data, at + 4)
            return (primaries, transfer) if max(primaries, transfer) < 256 else None
    return None


def _boxes(data: Any, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the content of each box; ends quietly where they make no sense."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            (size,), head = struct.unpack_from(">Q", data, at + 8), 16
        close = at + size if size else end
        if not at + head <= close <= end:
            return
        yield kind, at + head, close
        at = close
