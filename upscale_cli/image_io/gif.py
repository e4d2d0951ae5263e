"""GIF (GIF89a specification, 1990): whether a file is whole, and how long its frames can stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_EXTENSION, _IMAGE = 0x21, 0x2C
_XMP, _BEHIND_XMP = b"\x21\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_NOT_SHOWN, _SHORTEST, _LONGEST = 10, 20, 655_350
"""Milliseconds: viewers show frames of up to the first as if they stayed for 100, in other formats, too."""


def delays(milliseconds: Iterable[int]) -> list[int]:
    """An animation's delays in whole hundredths of a second; what is rounded off goes to the next frame."""
    whole, left = list[int](), 0
    for delay in milliseconds:
        if delay > _NOT_SHOWN:
            wanted = delay + left
            delay = min(max(round(wanted / 10) * 10, _SHORTEST), _LONGEST)
            rest = wanted - delay
            left = rest if abs(rest) <= 5 else 0  # what a bound takes is not for others to make up for
        whole.append(delay)
    return whole


def is_cut_short(data: Any) -> bool:
    """True if a GIF held in a buffer ends within a block; a missing end mark alone is no harm.

    Decoders take such a file for one with fewer frames.
    """
    try:
        at = 13 + _table(data[10])
        while at < len(data):
            kind = data[at]
            if kind == _EXTENSION:
                at = _behind_blocks(data, at + 2)
            elif kind == _IMAGE:
                at = _behind_blocks(data, at + 11 + _table(data[at + 9]))
            else:  # the end mark, or what no decoder reads on from
                return False
    except IndexError:
        return True
    return at > len(data)


def xmp(data: Any) -> bytes:
    """The XMP packet of a GIF in a buffer (XMP specification, part 3); b"" without one."""
    at = data.find(_XMP)
    end = data.find(_BEHIND_XMP, at)
    return bytes(data[at + len(_XMP) : end]) if 0 <= at < end else b""


def _table(flags: int) -> int:
    """Bytes of the table of colours that flags speak of."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind_blocks(data: Any, at: int) -> int:
    """The place behind a row of sub-blocks. Raises IndexError where the data end before that."""
    while data[at]:
        at += 1 + data[at]
    return at + 1
