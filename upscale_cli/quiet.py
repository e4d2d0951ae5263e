"""Keep the messages of native libraries off stderr."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


@contextmanager
def silenced() -> Iterator[None]:
    """Let nothing be written to stderr in the block, not by native code either.

    LiteRT and TensorFlow announce themselves through C++ logging that starts before Python can lower its
    level, so only the file descriptor can be redirected. Other threads' messages are lost for that moment.
    """
    with _lock:
        try:
            saved = os.dup(2)
        except OSError:  # no stderr at all
            yield
            return
        if sys.stderr:  # None in a program that was started without one
            sys.stderr.flush()
        with open(os.devnull, "w") as sink:  # noqa: PTH123
            os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
