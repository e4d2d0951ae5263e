"""Image file directories: the tables of tags that TIFF files are made of and that EXIF borrows from them.

Both the classic form (TIFF 6.0, section 2) and BigTIFF. Values are kept as the bytes that were stored.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

ORDERS = {b"II": "<", b"MM": ">"}
SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
"""Bytes of one value of each TIFF field type."""
_SWAPPED = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Entry:
    """One tag: its field type, and its values as stored."""

    type: int
    value: bytes
    at: int = field(default=0, compare=False)
    """Where the value lay; 0 where that is not known."""

    @property
    def count(self) -> int:
        return len(self.value) // SIZES[self.type]

    def numbers(self, order: str) -> tuple[int, ...]:
        """The values of an unsigned whole-number type; empty for other types."""
        kind = _NUMBERS.get(self.type, "")
        return struct.unpack(f"{order}{self.count}{kind}", self.value) if kind else ()

    def swapped(self) -> Entry:
        """The same values in the other byte order."""
        size = _SWAPPED.get(self.type)
        if size is None:
            return self
        return replace(self, value=np.frombuffer(self.value, f"u{size}").byteswap().tobytes())


Ifd = dict[int, Entry]


@dataclass(frozen=True)
class Layout:
    """Byte order and word length of a TIFF structure, read from its first bytes."""

    order: str
    big: bool

    @property
    def pointer(self) -> str:
        return f"{self.order}{'Q' if self.big else 'I'}"

    @property
    def first(self) -> int:
        """Where the pointer to the first directory is."""
        return 8 if self.big else 4

    @property
    def entry_size(self) -> int:
        return 20 if self.big else 12

    @property
    def inline(self) -> int:
        """Values of up to this many bytes are stored in the entry itself."""
        return 8 if self.big else 4


def layout(data: Any) -> Layout:
    """The layout of the TIFF structure at the start of a buffer.

    Raises:
        ValueError: it does not begin like one.
    """
    order = ORDERS.get(bytes(data[:2]))
    version = int.from_bytes(data[2:4], "little" if order == "<" else "big")
    if order is None or version not in (42, 43):
        raise ValueError("no TIFF header")
    return Layout(order, version == 43)


def read(data: Any, where: Layout, offset: int) -> tuple[Ifd, int]:
    """The directory at `offset`, and the offset of the next (0 after the last).

    Entries that point outside the buffer, or are of an unknown type, are left out.

    Raises:
        ValueError: the directory itself lies outside the buffer.
    """
    number, small = ("Q", 8) if where.big else ("H", 2)
    (count,) = unpack(where.order + number, data, offset)
    if not 0 < count < 4096:
        raise ValueError("an absurd number of tags")
    ifd: Ifd = {}
    for at in range(offset + small, offset + small + count * where.entry_size, where.entry_size):
        tag, kind, values = unpack(where.order + ("HHQ" if where.big else "HHI"), data, at)
        length = SIZES.get(kind, 0) * values
        start = at + where.entry_size - where.inline
        if length > where.inline:
            (start,) = unpack(where.pointer, data, start)
        if 0 < length <= _MOST_BYTES and start + length <= len(data):
            ifd[tag] = Entry(kind, bytes(data[start : start + length]), start)
    end = offset + small + count * where.entry_size
    return ifd, unpack(where.pointer, data, end)[0] if end + where.inline <= len(data) else 0


def unpack(kinds: str, data: Any, at: int) -> tuple[int, ...]:
    """Whole numbers at a place in a buffer, as struct tells their kinds.

    Raises:
        ValueError: the place lies outside.
    """
    try:
        return struct.unpack_from(kinds, data, at)
    except (struct.error, OverflowError):
        raise ValueError("cut short") from None


def entry(kind: int, numbers: Sequence[int], order: str) -> Entry:
    """An entry of an unsigned whole-number type."""
    return Entry(kind, struct.pack(f"{order}{len(numbers)}{_NUMBERS[kind]}", *numbers))


def end(data: Any, where: Layout, offset: int) -> int:
    """Where the directory at `offset` has its pointer to the next one."""
    number, small = ("Q", 8) if where.big else ("H", 2)
    (count,) = unpack(where.order + number, data, offset)
    return offset + small + count * where.entry_size


def pack(
    ifd: Ifd, where: Layout, offset: int, following: int = 0, *, elsewhere: Collection[int] = ()
) -> bytes:
    """The directory as it is stored at `offset` (an even number), its longer values right behind it.

    Values of the tags `elsewhere` are not stored again: their entries point to where they lay.
    """
    number, small = ("Q", 8) if where.big else ("H", 2)
    values_at = offset + small + len(ifd) * where.entry_size + where.inline
    table = struct.pack(where.order + number, len(ifd))
    values = b""
    for tag, entry in sorted(ifd.items()):
        table += struct.pack(where.order + ("HHQ" if where.big else "HHI"), tag, entry.type, entry.count)
        if len(entry.value) <= where.inline:
            table += entry.value.ljust(where.inline, b"\0")
        elif tag in elsewhere:
            table += struct.pack(where.pointer, entry.at)
        else:
            table += struct.pack(where.pointer, values_at + len(values))
            values += entry.value + b"\0" * (len(entry.value) % 2)
    return table + struct.pack(where.pointer, following) + values
