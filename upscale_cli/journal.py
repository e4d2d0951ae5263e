"""What is finished in an output folder, and who is working on what.

One file of JSON lines, only ever appended to, one line a finished target. A run that is killed loses at most
a line that was not complete, which readers skip. Runs at work on one folder at the same time claim targets by
locks on single bytes of the same file; the system releases them when a process ends, however it ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType

from upscale_cli.errors import OutputError
from upscale_cli.locks import lock_byte, unlock_byte

NAME = ".upscale-journal.jsonl"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished target."""

    target: str
    """Path below the output folder, with ``/``."""
    source: str
    """Absolute path of the input."""
    size: int
    """Bytes of the input; with `mtime_ns` and `sha256` this tells whether it changed since."""
    mtime_ns: int
    sha256: str
    """Hash of the input."""
    settings: str
    """Fingerprint of everything else that decides the result's bytes."""
    written: int
    """Bytes of the target: one that was cut or replaced since is made again."""
    width: int
    """Size of the source in pixels."""
    height: int


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Journal:
    """The journal of one output folder; safe to use from several threads.

    Raises `OutputError` when the folder cannot be made or written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self._entries: dict[str, Entry] = {}
        self._read_to = 0
        self._guard = threading.RLock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # The only handle on the file: closing a second one would drop this process's locks.
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise OutputError(
                f"{self.folder}: cannot be written: {error.strerror}", hint="choose another folder with -o"
            ) from error
        self.refresh()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and give up every claim."""
        self._file.close()

    def refresh(self) -> None:
        """Read what was added since the last look, by this run or another."""
        with self._guard:
            self._file.seek(self._read_to)
            data = self._file.read()
            whole = data.rfind(b"\n") + 1
            self._read_to += whole
            for line in data[:whole].splitlines():
                if entry := _parsed(line):
                    self._entries[entry.target] = entry

    def find(self, target: str) -> Entry | None:
        """Return the last entry of ``target``, a path below the folder."""
        return self._entries.get(target)

    def targets(self) -> frozenset[str]:
        """Return every target ever finished here."""
        return frozenset(self._entries)

    def add(self, entry: Entry) -> None:
        """Record a finished target; the file itself must be in place already."""
        text = json.dumps(asdict(entry), separators=(",", ":"))
        with self._guard:
            # A line that a killed run left unfinished ends here, so that this one stands alone.
            if self._file.seek(0, os.SEEK_END):
                self._file.seek(-1, os.SEEK_END)
                if self._file.read(1) != b"\n":
                    text = "\n" + text
            self._file.write(f"{text}\n".encode())
            self._entries[entry.target] = entry

    def claim(self, target: str) -> bool:
        """Reserve ``target`` for this run; False when another run is at work on it."""
        return lock_byte(self._file.fileno(), _place(target))

    def release(self, target: str) -> None:
        """Give up a claim."""
        unlock_byte(self._file.fileno(), _place(target))


def _place(target: str) -> int:
    """Return the byte that stands for ``target``, far beyond the file's end."""
    digest = hashlib.sha256(os.fsencode(target)).digest()
    return (1 << 40) + int.from_bytes(digest[:7], "big")


def _parsed(line: bytes) -> Entry | None:
    try:
        values = json.loads(line)
        return Entry(**{field.name: values[field.name] for field in fields(Entry)})
    except (ValueError, KeyError, TypeError):
        return None
