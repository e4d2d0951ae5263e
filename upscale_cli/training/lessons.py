"""A teacher's answers, kept beside the run: they take minutes to hours, which no run should spend twice."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from upscale_cli.atomic import cannot_write
from upscale_cli.training.data import UNITS, Enlarger, Plane

LESSONS = "lessons.bin"
_KEY_BYTES = 32


class Lessons:
    """A ``teacher``, luma (H, W) to its enlargement, whose answers are kept in the file ``path``.

    The file holds ``key``, a hash of all that decides what is asked and in which order, then the answers, in
    int16 as a pool has them. Answers in the file are read back; from the first missing or incomplete one on,
    the teacher is asked. A file with another key is begun anew. Use it in a ``with`` block.
    """

    def __init__(self, teacher: Enlarger, scale: int, path: Path, key: bytes) -> None:
        self._teacher, self._scale, self._path = teacher, scale, path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if path.exists() else "w+b")
        if self._file.read(_KEY_BYTES) != key:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(key)

    def __call__(self, low: Plane) -> Plane:
        """Return the answer to the next question, (scale*H, scale*W) float32."""
        shape = self._scale * low.shape[0], self._scale * low.shape[1]
        place, size = self._file.tell(), 2 * shape[0] * shape[1]
        content = self._file.read(size)
        if len(content) < size:
            content = np.rint(self._teacher(low) * UNITS).astype("<i2").tobytes()
            self._file.seek(place)
            self._file.truncate()
            try:
                self._file.write(content)
                self._file.flush()
            except OSError as error:
                raise cannot_write(self._path, error) from error
        answer: Plane = np.frombuffer(content, "<i2").reshape(shape).astype(np.float32) / np.float32(UNITS)
        return answer

    def __enter__(self) -> Lessons:
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # of a full disk, which has been told
            self._file.close()
