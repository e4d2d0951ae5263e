"""EXIF blocks (CIPA DC-008) as tables of tags: read, corrected for an enlarged picture, written."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from upscale_cli.image_io import ifd
from upscale_cli.image_io.ifd import Entry, Ifd, Layout

_EXIF, _GPS, _INTEROP = 0x8769, 0x8825, 0xA005
_MAKER_NOTE = 0x927C
_FARTHEST_NOTE = 65_536
"""Where a maker note can lie in a JPEG's EXIF block, whose length is stored in 16 bits."""
ORIENTATION, IPTC = 0x0112, 0x83BB
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_PIXEL_SIDES = (0xA002, 0xA003)
_IN_PIXELS = (0x9214, 0xA214, 0xA20E, 0xA20F, 0xA210)
"""Where the subject is, and pixels per length of the sensor."""
_DESCRIPTIVE = (
    0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0129, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298, IPTC,
    *range(0x9C9B, 0x9CA0), 0x4746, 0x4749,
)  # fmt: skip
"""Tags of a TIFF's first directory that say something about the picture, not how it is stored."""


@dataclass
class Exif:
    """The directories of an EXIF block; thumbnails are not among them."""

    layout: Layout
    main: Ifd
    exif: Ifd = field(default_factory=dict)
    gps: Ifd = field(default_factory=dict)
    interop: Ifd = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.main or self.exif or self.gps)

    @property
    def orientation(self) -> int:
        """1 to 8; 1 if it is missing or nonsense."""
        value = self.main[ORIENTATION].numbers(self.layout.order) if ORIENTATION in self.main else ()
        return value[0] if value and value[0] in range(1, 9) else 1


def parse(data: Any, at: int | None = None) -> Exif:
    """Read a block that begins with a TIFF header (an EXIF block without its "Exif\\0\\0", or a TIFF file).

    Args:
        at: where its main directory is; None for where the header says.

    Raises:
        ValueError: the block makes no sense.
    """
    where = ifd.layout(data)
    first = ifd.unpack(where.pointer, data, where.first)[0] if at is None else at
    found = Exif(where, ifd.read(data, where, first)[0])
    found.exif = _child(data, found.main, where, _EXIF)
    found.gps = _child(data, found.main, where, _GPS)
    found.interop = _child(data, found.exif, where, _INTEROP)
    return found


def _child(data: Any, parent: Ifd, where: Layout, tag: int) -> Ifd:
    """The directory that a tag of `parent` points to; the tag itself is taken out, as its value is stale."""
    pointer = parent.pop(tag).numbers(where.order) if tag in parent else ()
    try:
        return ifd.read(data, where, pointer[0])[0] if pointer else {}
    except ValueError:
        return {}


def descriptive(block: Exif) -> Exif:
    """The block without the tags of its main directory that say how pixels are stored, as in a TIFF file."""
    main = {tag: entry for tag, entry in block.main.items() if tag in _DESCRIPTIVE}
    return replace(block, main=main)


def resolution(block: Exif) -> tuple[float, float] | None:
    """Pixels per millimetre, across and down; None if they are not stated."""
    order = block.layout.order
    sides = []
    for tag in (_X_RESOLUTION, _Y_RESOLUTION):
        entry = block.main.get(tag)
        if entry is None or entry.type != 5 or entry.count != 1:
            return None
        above, below = struct.unpack(f"{order}2I", entry.value)
        sides.append(above / below if below else 0)
    entry = block.main.get(_RESOLUTION_UNIT)
    unit = 10 if entry and entry.numbers(order) == (3,) else 25.4
    return (sides[0] / unit, sides[1] / unit) if min(sides) > 0 else None


def with_resolution(block: Exif, sides: tuple[float, float], unit: str) -> Exif:
    """The block stating `sides`, pixels per millimetre, in `unit` in or cm; its own numbers if they agree."""
    own, order = resolution(block), block.layout.order
    if own and all(map(partial(math.isclose, rel_tol=1e-3), own, sides)):
        return block
    factor, code = (10.0, 3) if unit == "cm" else (25.4, 2)
    hundredths = (min(max(round(side * factor * 100), 1), 2**32 - 1) for side in sides)
    stated = {_RESOLUTION_UNIT: ifd.entry(3, [code], order)}
    for tag, value in zip((_X_RESOLUTION, _Y_RESOLUTION), hundredths, strict=True):
        stated[tag] = Entry(5, struct.pack(order + "2I", value, 100))
    return replace(block, main={**block.main, **stated})


def corrected(exif: Exif, width: int, height: int) -> Exif:
    """The block for an upright picture of a new size: orientation 1, sizes where they were stated.

    Places and lengths in pixels of a picture that had another size, or lay on its side, are left out.
    """
    main, inner = dict(exif.main), dict(exif.exif)
    sides = [inner[tag].numbers(exif.layout.order) for tag in _PIXEL_SIDES if tag in inner]
    if exif.orientation != 1 or sides != [(width,), (height,)]:
        inner = {tag: entry for tag, entry in inner.items() if tag not in _IN_PIXELS}
    if exif.orientation >= 5 and {_X_RESOLUTION, _Y_RESOLUTION} <= main.keys():
        main[_X_RESOLUTION], main[_Y_RESOLUTION] = main[_Y_RESOLUTION], main[_X_RESOLUTION]
    if ORIENTATION in main:
        main[ORIENTATION] = Entry(3, struct.pack(exif.layout.order + "H", 1))
    for tag, side in zip(_PIXEL_SIDES, (width, height), strict=True):
        if tag in inner:
            inner[tag] = Entry(4, struct.pack(exif.layout.order + "I", side))
    for tag, side in ((0x0100, width), (0x0101, height)):
        if tag in main:
            main[tag] = Entry(4, struct.pack(exif.layout.order + "I", side))
    return Exif(exif.layout, main, inner, exif.gps, exif.interop)


def in_layout(exif: Exif, where: Layout) -> Exif:
    """The same block in another byte order and word length."""
    if exif.layout.order == where.order:
        return Exif(where, exif.main, exif.exif, exif.gps, exif.interop)
    parts = (exif.main, exif.exif, exif.gps, exif.interop)
    return Exif(where, *({tag: entry.swapped() for tag, entry in part.items()} for part in parts))


def pack_children(exif: Exif, offset: int, *, note_apart: bool = False) -> tuple[Ifd, bytes]:
    """The main directory with pointers to the others, and those others as stored at `offset` (even).

    With `note_apart` the maker note is not stored again: its entry points to where it lay.
    """
    where, stored = exif.layout, b""
    main, inner = dict(exif.main), dict(exif.exif)
    elsewhere = {_MAKER_NOTE} if note_apart else ()
    for parent, tag, child in ((inner, _INTEROP, exif.interop), (main, _EXIF, inner), (main, _GPS, exif.gps)):
        if child:
            parent[tag] = Entry(16 if where.big else 4, struct.pack(where.pointer, offset + len(stored)))
            stored += ifd.pack(child, where, offset + len(stored), elsewhere=elsewhere)
    return main, stored


def pack(exif: Exif) -> bytes:
    """The block as bytes, beginning with a TIFF header.

    A maker note keeps its offset: in most of them offsets count from that header, and a program that knows
    the maker, as libexif does, can then move it.
    """
    where = Layout(exif.layout.order, big=False)
    block = Exif(where, exif.main, exif.exif, exif.gps, exif.interop)
    note = exif.exif.get(_MAKER_NOTE, Entry(7, b""))
    place, beyond = note.at, note.at + len(note.value) + len(note.value) % 2
    apart = len(note.value) > where.inline and place >= 8 and beyond <= _FARTHEST_NOTE and place % 2 == 0

    def tables(start: int) -> bytes:
        main, children = pack_children(block, start, note_apart=apart)
        mark = b"II*\0" if where.order == "<" else b"MM\0*"
        header = mark + struct.pack(where.pointer, start + len(children))
        return header.ljust(start, b"\0") + children + ifd.pack(main, where, start + len(children))

    stored = tables(8)
    if not apart:
        return stored
    if len(stored) > place:
        stored = tables(beyond)
    stored = stored.ljust(beyond, b"\0")
    return stored[:place] + note.value + stored[place + len(note.value) :]
