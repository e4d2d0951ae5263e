"""Which files a request names: files, folders, lists. Looks at names and folders only, opens no picture."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from upscale_cli.batch.events import Failed, Skip
from upscale_cli.batch.journal import NotedTargets
from upscale_cli.batch.places import Places
from upscale_cli.errors import InputError, MissingInputError, UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """A file to enlarge."""

    path: str
    folder: str = ""
    """Folder of the result below the output folder."""
    named: bool = True
    """The user named this very file, so that it must be a picture; else it was found in a folder."""


@dataclass(frozen=True)
class Selection:
    """Which files of a folder are taken.

    Patterns are shell patterns. One with a ``/`` is matched against the path below the folder, one without
    against the file's name. A file is taken when any of ``include`` matches, or there are none, and none of
    ``exclude`` does.
    """

    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Whether the file at ``path`` (relative to the folder searched, with ``/``) is taken."""
        if self.include and not any(_matches(path, pattern) for pattern in self.include):
            return False
        return not any(_matches(path, pattern) for pattern in self.exclude)


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path if "/" in pattern else path.rpartition("/")[2], pattern)


def find_sources(
    inputs: Sequence[str], selection: Selection, *, listed: Sequence[str] = (), leave_out: str = ""
) -> Iterator[Source | Skip | Failed]:
    """Yield the files that ``inputs`` name, folders searched in the order of names, then those of a list.

    Each file comes once, whatever the paths that lead to it. The folder ``leave_out`` (the output folder) is
    not searched, and what a journal knows as made by this program is yielded as a skip. What cannot be read
    is yielded as an error: one bad folder does not stop the rest.
    """
    places = Places()
    seen: set[str] = set()
    named = (_named(name, selection, leave_out, places) for name in inputs)
    for source in chain(chain.from_iterable(named), listed_sources(listed)):
        if isinstance(source, Source):
            place = places(source.path)
            if place in seen:
                continue
            seen.add(place)
        yield source


def _named(
    name: str, selection: Selection, leave_out: str, places: Places
) -> Iterator[Source | Skip | Failed]:
    """Yield what one input stands for."""
    mode = _mode(name)
    if isinstance(mode, InputError):
        mode.hint = mode.hint or _nearby(name)
        yield Failed(name, mode)
    elif stat.S_ISDIR(mode):
        yield from _search(name, selection, os.path.realpath(leave_out) if leave_out else "", places)
    else:
        yield Source(name)


def _mode(name: str) -> int | InputError:
    """Return the mode of a file or folder, as `os.stat` tells it, or why the name stands for neither."""
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116 - a list may name a million files
    except (FileNotFoundError, NotADirectoryError):
        return MissingInputError(f"{name}: no such file or folder")
    except OSError as error:
        return MissingInputError(
            f"{name}: cannot be read: {error.strerror}", hint="check the path and the file's permissions"
        )
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # files are opened twice, for the plan and the work
        return InputError(
            f"{name}: is no file but a pipe or a device", hint=f"pipe it in: upscale - < {name} > FILE"
        )
    return mode


def _search(
    top: str, selection: Selection, leave_out: str, places: Places
) -> Iterator[Source | Skip | Failed]:
    """Walk without following links to folders, so that a loop of links cannot trap the walk."""
    waiting: list[tuple[str, str, tuple[NotedTargets, ...]]] = [(top, "", ())]
    own: set[str] = set()
    while waiting:
        folder, below, journals = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listing = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            denied = InputError(f"{folder}: cannot be listed: {error.strerror}", hint="check its permissions")
            yield Failed(folder, denied)
            continue
        folders = []
        # Another run may be at work here: what it had made when the folder was listed is in a journal by now.
        journals = (*journals, NotedTargets(folder))
        for journal in journals:
            own.update(map(places, journal.added()))
        for entry in listing:
            if entry.name.startswith("."):
                continue
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                if selection.recursive and os.path.realpath(entry.path) != leave_out:
                    folders.append((entry.path, path, journals))
            elif selection.takes(path) and _is_file(entry):
                name = str(Path(entry.path))
                if own and places(name) in own:
                    yield Skip(name, "own-output")
                else:
                    yield Source(name, folder=below, named=False)
        waiting.extend(reversed(folders))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _nearby(name: str) -> str:
    """Return a hint for a name that does not exist: the closest name in its folder."""
    from difflib import get_close_matches

    path = Path(name)
    try:
        names = [other.name for other in path.parent.iterdir()]
    except OSError:
        return f"there is no folder {path.parent}"
    close = get_close_matches(path.name, names, n=1)
    return f"did you mean {path.with_name(close[0])}?" if close else "check the spelling"


def read_list(stream: BinaryIO, *, ended_by_nul: bool = False) -> list[str]:
    """Return the names in a list, one a line, or each ended by a NUL byte. Names may hold any bytes.

    Marks that Windows puts in front of text are no part of the first name; PowerShell's UTF-16 is understood.
    """
    data = stream.read()
    if not ended_by_nul:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data.decode("utf-16", "replace").encode()
        data = data.removeprefix(codecs.BOM_UTF8)
    if not ended_by_nul and b"\0" in data:
        raise UsageError("the list of files holds NUL bytes", hint="add -0 for a list made by `find -print0`")
    names = data.split(b"\0") if ended_by_nul else data.splitlines()
    return [os.fsdecode(name) for name in names if name]


def listed_sources(names: Sequence[str]) -> Iterator[Source | Failed]:
    """Yield the files of a list; relative names keep their folders below the output folder."""
    for name in dict.fromkeys(names):
        mode = _mode(name)
        if isinstance(mode, InputError):
            mode.hint = mode.hint or "a list names files as seen from the current folder, one a line"
            yield Failed(name, mode)
        elif stat.S_ISDIR(mode):
            hint = "a list names files; give folders as inputs"
            yield Failed(name, InputError(f"{name}: is a folder", hint=hint))
        else:
            path = Path(os.path.normpath(name))
            outside = path.is_absolute() or path.parts[0] == os.pardir or len(path.parts) == 1
            yield Source(name, folder="" if outside else str(path.parent))
