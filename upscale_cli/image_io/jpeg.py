"""JPEG structure that libjpeg does not report (ITU-T T.81, annex B): stray bytes, further pictures."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

_SOS, _APP2 = 0xDA, 0xE2
APP0, APP1, COMMENT = 0xE0, 0xE1, 0xFE
XMP, EXTENDED_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
"""How the content of a segment of XMP begins (XMP specification, part 3)."""
_HARMLESS = re.compile(r"extraneous bytes before marker|JFIF|Adobe|ICC|Invalid SOS parameters", re.IGNORECASE)


def segments(data: Any) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment after SOI up to and with SOS; stray bytes are passed over."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0x01 or 0xD0 <= marker <= 0xD9:  # these stand alone
            yield marker, at, at + 2
            at += 2
            continue
        end = at + 2 + max(struct.unpack_from(">H", data, at + 2)[0], 2)
        yield marker, at, end
        if marker == _SOS:
            return
        at = end


def contents(data: Any, marker: int, start: bytes = b"") -> list[bytes]:
    """What segments of one kind hold that begin with `start`, without that beginning."""
    found = (bytes(data[at + 4 : end]) for kind, at, end in segments(data) if kind == marker)
    return [content.removeprefix(start) for content in found if content.startswith(start)]


def tidied(data: bytes) -> bytes:
    """The same file without stray bytes between the segments before the first scan."""
    out, last = [data[:2]], 2
    for marker, start, end in segments(data):
        out.append(data[start:end] if marker != _SOS else data[start:])
        last = end if marker != _SOS else len(data)
    return b"".join(out) + data[last:]


def segment(marker: int, content: bytes) -> bytes:
    """A segment of at most 65,533 bytes of content."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(head: bytes, add: bytes) -> bytes | None:
    """The beginning of a JPEG with further segments at its start; None for less than SOI."""
    return head[:2] + add + head[2:] if len(head) >= 2 else None


def jfif(resolution: tuple[float, float] | None, unit: str) -> bytes:
    """A JFIF segment (ITU-T T.871) that states a resolution, pixels per millimetre, in `unit` in or cm."""
    kind, factor = (2, 10.0) if unit == "cm" else (1, 25.4)
    density = [min(max(round(side * factor), 1), 65535) for side in resolution or ()]
    return b"JFIF\0" + struct.pack(">HBHHBB", 0x0102, *((kind, *density) if density else (0, 1, 1)), 0, 0)


def pictures(data: Any) -> int:
    """How many pictures the file holds by its multi-picture index (CIPA DC-007); 1 without one."""
    for marker, start, end in segments(data):
        if marker == _APP2 and bytes(data[start + 4 : start + 8]) == b"MPF\0":
            block = bytes(data[start + 8 : end])
            order = ">" if block[:2] == b"MM" else "<"
            at = block.find(struct.pack(order + "HHI", 0xB001, 4, 1))  # the entry NumberOfImages
            whole = 0 <= at <= len(block) - 12
            return max(struct.unpack_from(order + "I", block, at + 8)[0], 1) if whole else 1
    return 1


def following(data: bytes) -> int:
    """How many pictures lie behind the first one, as frames of a video come out of a pipe."""
    count = at = 0
    while True:
        scan = max((end for _, _, end in segments(memoryview(data)[at:])), default=0)
        end = data.find(b"\xff\xd9", at + scan)
        if end < 0 or data[end + 2 : end + 5] != b"\xff\xd8\xff":
            return count
        count, at = count + 1, end + 2


def harmless(complaint: str) -> bool:
    """True if libjpeg's complaints concern nothing that shows: stray bytes, odd application segments."""
    lines = [line for line in complaint.splitlines() if "VipsJpeg" in line]
    return bool(lines) and all(_HARMLESS.search(line) for line in lines)
