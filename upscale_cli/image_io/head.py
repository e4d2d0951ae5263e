"""The head of a file changed while an encoder writes it: for what libvips's encoders leave out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

Change = Callable[[bytes], "bytes | None"]
"""Takes the first bytes of a file and returns what takes their place; None as long as they are too few."""


class HeadEditor:
    """A writer that changes the head of what passes through it.

    Args:
        file: where the result goes.
        change: asked with every byte so far until it answers; the rest passes as it is.
    """

    def __init__(self, file: BinaryIO, change: Change) -> None:
        self._file, self._change = file, change
        self._head: bytes | None = b""
        self.error: OSError | None = None

    def __call__(self, data: Any) -> int:
        """Write a piece and return its length, as libvips asks for it; -1 after an error, which is kept."""
        data = bytes(data)
        piece: bytes | None = data
        if self._head is not None:
            self._head += data
            piece = self._change(self._head)
            self._head = self._head if piece is None else None
        try:
            self._file.write(piece or b"")
        except OSError as error:
            self.error = error
            return -1
        return len(data)
