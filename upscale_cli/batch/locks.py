"""Locks between processes on single bytes of a file; the system drops them when a process ends."""

from __future__ import annotations

import errno
import sys

if sys.platform == "win32":
    import msvcrt
    import os

    def lock_byte(handle: int, place: int) -> bool:
        """Lock the byte at ``place``, which may lie beyond the end; False when another process holds it."""
        os.lseek(handle, place, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock_byte(handle: int, place: int) -> None:
        """Give the byte back."""
        os.lseek(handle, place, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    _NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
    """What file systems without locks answer."""

    def lock_byte(handle: int, place: int) -> bool:
        """Lock the byte at ``place``, which may lie beyond the end; False when another process holds it."""
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            if error.errno not in _NO_LOCKS:
                raise
        return True

    def unlock_byte(handle: int, place: int) -> None:
        """Give the byte back."""
        try:
            fcntl.lockf(handle, fcntl.LOCK_UN, 1, place)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
