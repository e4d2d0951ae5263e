"""What is finished in an output folder, and who is working on what.

One file of JSON lines, only ever appended to, one line a finished target. A run that is killed loses at most
a line that was not complete, which readers skip. Runs at work on one folder at the same time claim targets by
locks on single bytes of the same file; the system releases them when a process ends, however it ends.
"""

# ruff: noqa: PTH100, PTH110, PTH116 - a folder may hold a million files, and Path objects take their time
from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from upscale_cli.atomic import cannot_write
from upscale_cli.batch.locks import lock_byte, unlock_byte
from upscale_cli.errors import OutputError

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


def file_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class NotedTargets:
    """The targets in the journal of a folder, if it has one, read on while other runs add to it."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder).absolute()
        self._read_to = 0

    def added(self) -> list[str]:
        """Return the absolute paths of the targets that were noted since the last call."""
        try:
            with (self._folder / NAME).open("rb") as file:
                file.seek(self._read_to)
                data = file.read()
        except OSError:
            return []
        self._read_to += data.rfind(b"\n") + 1
        return [str(self._folder / entry.target) for line in data.splitlines() if (entry := _parsed(line))]


class Journal:
    """The journal of one output folder; safe to use from several threads.

    Raises `OutputError` when the folder cannot be made or written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self._entries: dict[str, Entry] = {}
        self._by_source: dict[str, Entry] = {}
        self._place = os.path.realpath(self.folder)
        self._read_to = 0
        self._guard = threading.RLock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # The only handle on the file: closing a second one would drop this process's locks.
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            place = self.path if os.path.exists(self.path) else self.folder
            raise OutputError(
                f"{place}: cannot be written: {error.strerror}", hint="choose another folder with -o"
            ) from error
        self.refresh()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
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
                    self._take(entry)

    def has_target(self, place: str) -> bool:
        """Whether the file at ``place``, an absolute path without links, is one of the targets noted."""
        inside = os.path.join(self._place, "")  # noqa: PTH118 - asked of a million files
        return place.startswith(inside) and Path(place[len(inside) :]).as_posix() in self._entries

    def last_target(self, source: str) -> str | None:
        """Return the target that was last made from ``source``, below the folder."""
        entry = self._by_source.get(os.path.abspath(source))
        return str(self.folder / entry.target) if entry else None

    def finished(self, source: str, target: str, settings: str) -> bool:
        """Whether ``target`` is in place, made from ``source`` as it is now, with these settings.

        A source whose time changed but whose bytes did not is the same source; the new time is noted, if
        there is room for it.
        """
        entry = self._entries.get(self._key(target))
        if entry is None or entry.settings != settings:
            return False
        try:
            now = os.stat(source)
            if os.stat(target).st_size != entry.written or now.st_size != entry.size:
                return False
            if now.st_mtime_ns == entry.mtime_ns and entry.source == os.path.abspath(source):
                return True
            if file_hash(source) != entry.sha256:
                return False
        except OSError:
            return False
        with suppress(OutputError):
            self.record(source, target, settings, now, entry.sha256, entry.written)
        return True

    def record(
        self, source: str, target: str, settings: str, stat: os.stat_result, sha256: str, written: int
    ) -> None:
        """Note a target that is in place, with the facts of the source that it was made from.

        Raises `OutputError` when the journal cannot grow.
        """
        entry = Entry(
            target=self._key(target),
            source=os.path.abspath(source),
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            sha256=sha256,
            settings=settings,
            written=written,
        )
        line = json.dumps(asdict(entry), separators=(",", ":")) + "\n"
        with self._guard:
            try:
                self._append(line)
            except OSError as error:
                raise cannot_write(self.path, error) from error
            self._take(entry)

    def _append(self, line: str) -> None:
        """Add a line; one that a killed run left unfinished ends before it, so that this one stands alone."""
        if self._file.seek(0, os.SEEK_END):
            self._file.seek(-1, os.SEEK_END)
            if self._file.read(1) != b"\n":
                line = "\n" + line
        data = line.encode()
        while data:  # the last bytes of a disk take a part of it, and then tell
            data = data[self._file.write(data) or 0 :]

    def claim(self, target: str) -> bool:
        """Reserve ``target`` for this run; False when another run is at work on it."""
        return lock_byte(self._file.fileno(), _place(self._key(target)))

    def release(self, target: str) -> None:
        """Give up a claim."""
        unlock_byte(self._file.fileno(), _place(self._key(target)))

    def _key(self, target: str) -> str:
        return Path(os.path.relpath(target, self.folder)).as_posix()

    def _take(self, entry: Entry) -> None:
        self._entries[entry.target] = entry
        self._by_source[entry.source] = entry


def _place(key: str) -> int:
    """Return the byte that stands for a target, far beyond the file's end."""
    digest = hashlib.sha256(os.fsencode(key)).digest()
    return (1 << 40) + int.from_bytes(digest[:7], "big")


_KINDS = {field.name: {"str": str, "int": int}[str(field.type)] for field in fields(Entry)}


def _parsed(line: bytes) -> Entry | None:
    """Return the entry in a line; None for anything else, whoever wrote it."""
    try:
        values = json.loads(line)
        entry = Entry(**{name: values[name] for name in _KINDS})
        sound = all(isinstance(values[name], kind) for name, kind in _KINDS.items())
        return entry if sound and "\0" not in entry.target else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
