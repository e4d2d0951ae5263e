"""GIF's structure (GIF89a specification, 1990): whether a file is whole."""

from __future__ import annotations

from typing import Any

_EXTENSION, _IMAGE = 0x21, 0x2C


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


def _table(flags: int) -> int:
    """Bytes of the table of colours that flags speak of."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind_blocks(data: Any, at: int) -> int:
    """The place behind a row of sub-blocks. Raises IndexError where the data end before that."""
    while data[at]:
        at += 1 + data[at]
    return at + 1
