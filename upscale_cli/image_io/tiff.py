"""TIFF structures that libvips leaves alone: the kind of transparency, EXIF, pages of different kinds.

A page is named by where its directory lies: to count up to it would take longer with every page.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from upscale_cli.image_io import exif, ifd
from upscale_cli.image_io.exif import Exif
from upscale_cli.image_io.ifd import Ifd, Layout

_BITS, _PHOTOMETRIC, _EXTRA_SAMPLES = 0x0102, 0x0106, 0x0152
_WIDTH, _HEIGHT, _SAMPLES = 0x0100, 0x0101, 0x0115
_COMPRESSION, _SUBSAMPLING = 0x0103, 0x0212
_WEIGHTS, _REFERENCE = 0x0211, 0x0214
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 0x00FE, 0x014A, 0xC612
_RGB, _YCBCR, _LAB = 2, 6, 8
_GEOTIFF = {33550, 33922, 34264, 34735}
_STRANGE = {
    9: "ICC Lab",
    10: "ITU Lab",
    32803: "the mosaic of a sensor",
    34892: "the raw numbers of a sensor",
}
_PLAINLY_PACKED = ((), (1,), (5,), (8,), (32773,), (32946,))
"""Compression that knows nothing of colour: none, LZW, Deflate, PackBits."""
_BT601, _FULL_RANGE = (0.299, 0.587, 0.114), (0, 255, 128, 255, 128, 255)
_CR2 = b"\x10\0\0\0CR\x02\0"
_OFFSETS = {0x0111, 0x0144}  # StripOffsets, TileOffsets
UNSPECIFIED, PREMULTIPLIED, STRAIGHT = 0, 1, 2
"""Kinds of extra channel (TIFF 6.0, ExtraSamples)."""


@dataclass(frozen=True)
class Page:
    """What a page says of its numbers that libvips passes over or takes for something else."""

    strange: str = ""
    """Words for numbers that libvips would take for grey or RGB, and that are neither."""
    on_map: bool = False
    """It says where on the earth its pixels lie (GeoTIFF)."""
    samples: int = 0
    """How many channels it stores; 0 if that cannot be read."""
    size: int = 0
    """Bytes of all samples, at least one for each; 0 if that cannot be read."""
    extra: tuple[int, ...] = ()
    """The kinds of its channels beyond grey or colour; () if it has none or they are not stated."""
    lab_as_rgb: dict[int, bytes] = field(default_factory=dict)
    """What to change so that 8-bit Lab calls itself RGB, which libvips reads; {} for other pages."""
    ycbcr: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """The weights of R, G and B in Y, and the numbers for none and full of Y, Cb and Cr, where each pixel has
    them; None for other pages, also for subsampled ones and JPEG, of which libvips makes RGB itself."""


def page(data: Any, at: int | None = None) -> Page:
    """What the page says whose directory lies there, the first one for None; nothing if it cannot be read."""
    try:
        where, directory = _directory(data, at)
    except ValueError:
        return Page()

    def stated(tag: int) -> tuple[int, ...]:
        return directory[tag].numbers(where.order) if tag in directory else ()

    kind, bits = directory.get(_PHOTOMETRIC), stated(_BITS)
    lab = kind == ifd.entry(3, [_LAB], where.order) and set(bits) == {8}
    plain = stated(_COMPRESSION)[:1] in _PLAINLY_PACKED and bits == (8, 8, 8)
    ycbcr = stated(_PHOTOMETRIC)[:1] == (_YCBCR,) and plain and stated(_SUBSAMPLING) == (1, 1)
    samples = (*stated(_SAMPLES), 1)[0] or 1
    width, height = ((*stated(tag), 0)[0] for tag in (_WIDTH, _HEIGHT))
    return Page(
        strange=_STRANGE.get((*stated(_PHOTOMETRIC), 0)[0], ""),
        on_map=not _GEOTIFF.isdisjoint(directory),
        samples=samples,
        size=width * height * samples * -(-max(bits, default=1) // 8),
        extra=stated(_EXTRA_SAMPLES),
        lab_as_rgb={kind.at: struct.pack(where.order + "H", _RGB)} if kind and lab else {},
        ycbcr=_meaning(directory, where) if ycbcr else None,
    )


def _meaning(directory: Ifd, where: Layout) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """As Page.ycbcr."""
    weights = _fractions(directory, _WEIGHTS, where)
    reference = _fractions(directory, _REFERENCE, where)
    if len(weights) != 3 or weights[1] <= 0:
        weights = _BT601
    if len(reference) != 6 or any(a >= b for a, b in zip(reference[::2], reference[1::2], strict=True)):
        reference = _FULL_RANGE
    return weights, reference


def _fractions(directory: Ifd, tag: int, where: Layout) -> tuple[float, ...]:
    """A tag's values, each a numerator and a denominator; () if it has none that make sense."""
    entry = directory.get(tag)
    if not entry or entry.type != 5:
        return ()
    parts = struct.unpack(f"{where.order}{2 * entry.count}I", entry.value)
    return tuple(above / below for above, below in zip(parts[::2], parts[1::2], strict=True) if below)


def is_raw(data: Any) -> bool:
    """True for a camera's raw file, which is a TIFF whose first page is no more than a preview.

    DNG has a tag for it, Canon's CR2 its mark behind the header; Nikon's NEF and others keep their data in
    directories below a reduced page.
    """
    if bytes(data[4:12]) == _CR2:
        return True
    try:
        where, first = _directory(data, None)
    except ValueError:
        return False
    return _DNG_VERSION in first or (_SUB_IFDS in first and _reduced(first, where))


def full_pages(data: Any, count: int) -> tuple[int, ...]:
    """Where the directories of `count` pages lie, but for those that are reduced copies of pages before them.

    0 stands for a page that is not there, which its decoding will say.
    """
    places = list[int]()
    copies, width, height = set[int](), 0, 0
    try:
        where = ifd.layout(data)
        for _, offset in islice(_walk(data, where), count):
            places.append(offset)
        for offset in places:
            directory, _ = ifd.read(data, where, offset)
            wide, high = (sum(directory[tag].numbers(where.order)) for tag in (_WIDTH, _HEIGHT))
            if not _reduced(directory, where):
                width, height = max(width, wide), max(height, high)
            elif wide < width or high < height:
                copies.add(offset)
    except (ValueError, KeyError):
        pass  # the rest of the pages makes no sense, which their decoding will say
    places += [0] * (count - len(places))
    return tuple(offset for offset in places if offset not in copies)


def alone(data: Any, at: int) -> dict[int, bytes]:
    """What to change in a file so that a page is its only one: libvips looks at all of them each time."""
    where = ifd.layout(data)
    changes = {where.first: struct.pack(where.pointer, at)}
    with suppress(ValueError):  # where no directory lies, which libvips will say
        changes[ifd.end(data, where, at)] = struct.pack(where.pointer, 0)
    return changes


def _reduced(directory: Ifd, where: Layout) -> bool:
    kind = directory.get(_NEW_SUBFILE_TYPE)
    return bool(kind and sum(kind.numbers(where.order)) & 1)


def _walk(data: Any, where: Layout) -> Iterator[tuple[int, int]]:
    """Offsets of the pointer to each page's directory and of the directory; 0 behind the last page."""
    link, offset = where.first, -1
    while offset:
        (offset,) = ifd.unpack(where.pointer, data, link)
        yield link, offset
        link = ifd.end(data, where, offset) if offset else 0


def _directory(data: Any, at: int | None) -> tuple[Layout, Ifd]:
    """The layout of a file and the directory at a place, that of the first page for None."""
    where = ifd.layout(data)
    offset = ifd.unpack(where.pointer, data, where.first)[0] if at is None else at
    return where, ifd.read(data, where, offset)[0]


def append_page(path: Path, page: Path, link: int = 0) -> int:
    """Put the only page of one TIFF file behind the last page of another of the same layout.

    Args:
        link: what this returned for the page before; 0 for the first one.

    Returns:
        Where the pointer to the new page's directory lies.

    Raises:
        ValueError: they are no TIFF files of one layout.
        OSError: the file cannot be written.
    """
    added = page.read_bytes()
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            where = ifd.layout(data)
            (last,) = ifd.unpack(where.pointer, data, link or where.first)
            link = ifd.end(data, where, last)
        if ifd.layout(added) != where:
            raise ValueError("TIFF files of different layouts")
        directory, _ = ifd.read(added, where, ifd.unpack(where.pointer, added, where.first)[0])
        base = file.seek(0, 2)
        base += -base % 16
        for tag in _OFFSETS & directory.keys():
            moved = [number + base for number in directory[tag].numbers(where.order)]
            directory[tag] = ifd.entry(16 if where.big else 4, moved, where.order)
        at = base + len(added) + len(added) % 2
        file.seek(base)
        file.write(added)
        file.seek(at)
        file.write(ifd.pack(directory, where, at))
        file.seek(link)
        file.write(struct.pack(where.pointer, at))
    return link


def add_tags(path: Path, block: Exif, link: int = 0) -> None:
    """Put EXIF tags into a finished TIFF file: its end gets a new directory of a page, with the old tags too.

    Args:
        link: where the pointer to the page's directory lies; 0 for the first page.

    Raises:
        ValueError: the file is no TIFF.
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        end += end % 2
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            where = ifd.layout(data)
            link = link or where.first
            old, following = ifd.read(data, where, ifd.unpack(where.pointer, data, link)[0])
        added, children = exif.pack_children(exif.in_layout(exif.descriptive(block), where), end)
        merged = {**added, **old}
        file.seek(end)
        file.write(children + ifd.pack(merged, where, end + len(children), following))
        file.seek(link)
        file.write(struct.pack(where.pointer, end + len(children)))
