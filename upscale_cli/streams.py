"""Standard streams as the command line needs them: always there, and an output that tells why it failed."""

from __future__ import annotations

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(FileIO):
    """Standard output. Raises `OutputError` when it cannot be written, unless nobody reads it any more."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as a file does."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            from upscale_cli.atomic import cannot_write

            raise cannot_write(Path("standard output"), error) from error


def make_ready() -> None:
    """Open the null device in the place of closed streams, and let standard output raise `OutputError`.

    Without the null device the next file to be opened, a picture perhaps, would take the stream's place.
    Characters of a name that the output's encoding lacks are escaped, as Python does on standard error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if not sys.stdout.isatty():
        sys.stdout = TextIOWrapper(
            BufferedWriter(_Output(1, "wb", closefd=False)),
            encoding=sys.stdout.encoding,
            errors=sys.stdout.errors,
        )
