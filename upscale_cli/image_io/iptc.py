"""IPTC blocks: JPEG and PNG wrap them in Photoshop resources, TIFF stores them bare.

Of the Photoshop resources only the IPTC block itself is carried over: the others hold thumbnails, print
settings and guides of the small picture.
"""

from __future__ import annotations

import struct

_SIGNATURE = b"Photoshop 3.0\0"
_IPTC = 0x0404


def bare(data: bytes) -> bytes:
    """The IPTC records of a JPEG's APP13 segment, of resources alone or of a bare block; b"" without any."""
    if data[:1] == b"\x1c":
        return data
    at = len(_SIGNATURE) if data.startswith(_SIGNATURE) else 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (kind,) = struct.unpack_from(">H", data, at + 4)
        start = at + 6 + (data[at + 6] + 2) // 2 * 2  # a name, padded to an even length
        if start + 4 > len(data):
            break
        (length,) = struct.unpack_from(">I", data, start)
        if kind == _IPTC:
            return data[start + 4 : start + 4 + length]
        at = start + 4 + length + length % 2
    return b""


def wrapped(records: bytes) -> bytes:
    """Bare records as the content of a JPEG's APP13 segment."""
    return _SIGNATURE + resource(records)


def resource(records: bytes) -> bytes:
    """Bare records as a Photoshop resource."""
    return b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(records)) + records + b"\0" * (len(records) % 2)
