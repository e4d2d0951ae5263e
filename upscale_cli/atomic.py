"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from upscale_cli.errors import OutputError

_HINTS = {
    errno.EACCES: "choose another place with --output, or change the folder's permissions",
    errno.EPERM: "choose another place with --output, or change the folder's permissions",
    errno.EROFS: "choose another place with --output",
    errno.ENOSPC: "free some space, or choose another disk with --output",
    errno.EDQUOT: "free some space, or choose another disk with --output",
    errno.ENAMETOOLONG: "give a shorter name with --output",
    errno.ENOTDIR: "a part of the path is a file; choose another place with --output",
    errno.EEXIST: "a part of the path is a file; choose another place with --output",
    errno.EISDIR: "there is a folder of that name; choose another name with --output",
}


_asking = threading.Lock()
_TEMPORARY = re.compile(r"\..*-([0-9a-f]{6})-(\d+)-\w{8}\.(?:part|raw|page)", re.DOTALL)


def cannot_write(target: Path, error: OSError) -> OutputError:
    """`error` as an OutputError that names the target and the next step."""
    cause = error.strerror or str(error)
    return OutputError(
        f"{target}: cannot be written: {cause}",
        hint=_HINTS.get(error.errno or 0, "choose another place with --output"),
    )


def needs_room(target: Path, size: int) -> None:
    """Raises OutputError if the disk of `target`'s folder has not `size` bytes left."""
    free = shutil.disk_usage(target.parent).free
    if size > free:
        raise OutputError(
            f"{target}: needs {size / 1e9:.1f} GB on the disk, and {free / 1e9:.1f} GB are free",
            hint=_HINTS[errno.ENOSPC],
        )


def new_temporary(target: Path, suffix: str) -> tuple[int, str]:
    """Make an empty, hidden file beside `target` whose name tells whose it is; return its handle and name."""
    prefix = f".{target.stem[:40]}-{_machine()}-{os.getpid()}-"
    return tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=target.parent)


def sweep(folder: Path) -> None:
    """Remove the temporary files in `folder` that killed processes of this machine left behind."""
    with suppress(OSError):
        for path in folder.iterdir():
            found = _TEMPORARY.match(path.name)
            if found and found[1] == _machine() and not _alive(int(found[2])):
                path.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return a short name of the machine or container that process ids count in; host names may be shared."""
    facts = [socket.gethostname()]
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        with suppress(OSError):
            facts.append(Path(path).read_text("ascii", "replace"))
            break
    with suppress(OSError):
        facts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 - it leads to no file
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:6]


def _alive(process: int) -> bool:
    if os.name == "nt":  # signal 0 would end the process there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


@contextmanager
def atomic(target: Path) -> Iterator[Path]:
    """A new, empty, unique file beside `target` that becomes `target` if the block ends without error.

    The folder is made if missing. After an error nothing is left behind and an older `target` is untouched.

    Raises:
        OutputError: the folder cannot be made or written, the disk is full, or the name does not fit.
    """
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not the target's own suffix: nothing must mistake the file for a finished picture.
        handle, name = new_temporary(target, ".part")
        os.close(handle)
    except OSError as error:
        raise cannot_write(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        with suppress(OSError):  # a shared folder or a stick may give permissions of its own, and take none
            temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        temporary.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _umask() -> int:
    """The permissions that new files do not get; there is no way to ask without setting it."""
    with _asking:  # a second thread would take what the first one sets for what was there, and leave that
        mask = os.umask(0o022)
        os.umask(mask)
    return mask
