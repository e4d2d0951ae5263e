"""TIFF structures that libvips leaves alone: the kind of transparency, EXIF, pages of different kinds."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
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
_PLAINLY_PACKED = (1, 5, 8, 32773, 32946)
"""Compression that knows nothing of colour: none, LZW, Deflate, PackBits."""
_BT601, _FULL_RANGE = (0.299, 0.587, 0.114), (0, 255, 128, 255, 128, 255)
_CR2 = b"\x10\0\0\0CR\x02\0"
_OFFSETS = {0x0111, 0x0144}  # StripOffsets, TileOffsets
UNSPECIFIED, PREMULTIPLIED, STRAIGHT = 0, 1, 2
"""Kinds of extra channel (TIFF 6.0, ExtraSamples)."""


def extra_channels(data: Any, page: int = 0) -> tuple[int, ...]:
    """The kinds of a page's channels beyond grey or colour; () if it has none or they are not stated."""
    try:
        where, _, offset = _find(data, page)
        entry = ifd.read(data, where, offset)[0].get(_EXTRA_SAMPLES)
    except ValueError:
        return ()
    return entry.numbers(where.order) if entry else ()


def samples(data: Any, page: int = 0) -> int:
    """How many channels a page stores; 0 if that cannot be read."""
    try:
        where, _, offset = _find(data, page)
        return _stated(ifd.read(data, where, offset)[0], _SAMPLES, where) or 1
    except ValueError:
        return 0


def ycbcr(data: Any, page: int = 0) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """What the numbers of a page mean that stores Y, Cb and Cr for each pixel; None for other pages.

    Those that are subsampled or in JPEG are none: libvips makes RGB of them itself.

    Returns:
        The weights of R, G and B in Y, and for Y, Cb and Cr the numbers for none and full of it.
    """
    try:
        where, _, offset = _find(data, page)
        directory, _ = ifd.read(data, where, offset)
    except ValueError:
        return None
    bits, ratio = directory.get(_BITS), directory.get(_SUBSAMPLING)
    if (
        _stated(directory, _PHOTOMETRIC, where) != _YCBCR
        or (_stated(directory, _COMPRESSION, where) or 1) not in _PLAINLY_PACKED
        or not bits
        or bits.numbers(where.order) != (8, 8, 8)
        or not ratio
        or ratio.numbers(where.order) != (1, 1)
    ):
        return None
    weights = _fractions(directory, _WEIGHTS, where)
    reference = _fractions(directory, _REFERENCE, where)
    if len(weights) != 3 or weights[1] <= 0:
        weights = _BT601
    if len(reference) != 6 or any(a >= b for a, b in zip(reference[::2], reference[1::2], strict=True)):
        reference = _FULL_RANGE
    return weights, reference


def _stated(directory: Ifd, tag: int, where: Layout) -> int:
    """A tag's first number; 0 if it has none."""
    entry = directory.get(tag)
    return next(iter(entry.numbers(where.order)), 0) if entry else 0


def _fractions(directory: Ifd, tag: int, where: Layout) -> tuple[float, ...]:
    """A tag's values, each a numerator and a denominator; () if it has none that make sense."""
    entry = directory.get(tag)
    if not entry or entry.type != 5:
        return ()
    parts = struct.unpack(f"{where.order}{2 * entry.count}I", entry.value)
    return tuple(above / below for above, below in zip(parts[::2], parts[1::2], strict=True) if below)


def tags(data: Any, page: int) -> Exif:
    """All tags of a page, and the directories that it points to.

    Raises:
        ValueError: they make no sense.
    """
    return exif.parse(data, _find(data, page)[2])


def is_raw(data: Any) -> bool:
    """True for a camera's raw file, which is a TIFF whose first page is no more than a preview.

    DNG has a tag for it, Canon's CR2 its mark behind the header; Nikon's NEF and others keep their data in
    directories below a reduced page.
    """
    if bytes(data[4:12]) == _CR2:
        return True
    try:
        where, _, offset = _find(data, 0)
        first, _ = ifd.read(data, where, offset)
    except ValueError:
        return False
    return _DNG_VERSION in first or (_SUB_IFDS in first and _reduced(first, where))


def full_pages(data: Any, count: int) -> tuple[int, ...]:
    """Which of `count` pages are no reduced copies of larger ones before them."""
    copies, width, height = set(), 0, 0
    try:
        where = ifd.layout(data)
        for page, (_, offset) in zip(range(count), _walk(data, where), strict=False):
            directory, _ = ifd.read(data, where, offset)
            wide, high = (sum(directory[tag].numbers(where.order)) for tag in (_WIDTH, _HEIGHT))
            if not _reduced(directory, where):
                width, height = max(width, wide), max(height, high)
            elif wide < width or high < height:
                copies.add(page)
    except (ValueError, KeyError):
        pass  # the rest of the pages makes no sense, which their decoding will say
    return tuple(page for page in range(count) if page not in copies)


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


def _find(data: Any, page: int) -> tuple[Layout, int, int]:
    """The layout of a file, and the offsets of the pointer to a page's directory and of the directory."""
    where = ifd.layout(data)
    link, offset = next(islice(_walk(data, where), page, None), (0, 0))
    if not offset:
        raise ValueError("no such page")
    return where, link, offset


def lab_as_rgb(data: Any, page: int = 0) -> bytes:
    """A copy of a file whose 8-bit Lab page calls itself RGB, which libvips reads; b"" for other pages."""
    try:
        where, _, offset = _find(data, page)
        directory, _ = ifd.read(data, where, offset)
    except ValueError:
        return b""
    kind, bits = directory.get(_PHOTOMETRIC), directory.get(_BITS)
    if not kind or not bits or kind.numbers(where.order) != (_LAB,) or set(bits.numbers(where.order)) != {8}:
        return b""
    entry = struct.pack(where.order + "HH", _PHOTOMETRIC, 3)
    at = bytes(data[offset : ifd.end(data, where, offset)]).find(entry)
    if at < 0:
        return b""
    value = offset + at + where.entry_size - where.inline
    return bytes(data[:value]) + struct.pack(where.order + "H", _RGB) + bytes(data[value + 2 :])


def append_page(path: Path, page: Path) -> None:
    """Put the only page of one TIFF file behind the last page of another of the same layout.

    Raises:
        ValueError: they are no TIFF files of one layout.
        OSError: the file cannot be written.
    """
    added = page.read_bytes()
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            where = ifd.layout(data)
            *_, (link, _) = _walk(data, where)
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


def add_tags(path: Path, block: Exif, page: int = 0) -> None:
    """Put EXIF tags into a finished TIFF file: its end gets a new directory of a page, with the old tags too.

    Raises:
        ValueError: the file is no TIFF.
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        end += end % 2
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            where, link, offset = _find(data, page)
            old, following = ifd.read(data, where, offset)
        added, children = exif.pack_children(exif.in_layout(exif.descriptive(block), where), end)
        merged = {**added, **old}
        file.seek(end)
        file.write(children + ifd.pack(merged, where, end + len(children), following))
        file.seek(link)
        file.write(struct.pack(where.pointer, end + len(children)))
