"""A file that libvips sees with a few bytes changed: nothing is copied, and the file stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from upscale_cli.image_io import libvips


class Overlay:
    """Reads from a buffer with other bytes in some places.

    Args:
        data: the file.
        changes: what is to be read at which place instead.
    """

    def __init__(self, data: Any, changes: Mapping[int, bytes]) -> None:
        self._data, self._changes, self._at = data, changes, 0

    def source(self) -> Any:
        """A libvips source of the changed file."""
        source = libvips.SourceCustom()
        source.on_read(self.read)
        source.on_seek(self.seek)
        return source

    def read(self, size: int) -> bytes | None:
        """At most `size` bytes from the current place; None at the end."""
        piece = bytearray(self._data[self._at : self._at + size])
        for place, changed in self._changes.items():
            for at, byte in enumerate(changed, place - self._at):
                if 0 <= at < len(piece):
                    piece[at] = byte
        self._at += len(piece)
        return bytes(piece) or None

    def seek(self, offset: int, whence: int) -> int:
        self._at = (0, self._at, len(self._data))[whence] + offset
        return self._at
