"""Memory shared out among workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class CancelledError(Exception):
    """Raised inside a worker when the run was told to stop."""


class Budget:
    """Bytes that the pictures at work may take together; one that needs more than all of them works alone."""

    def __init__(self, total: int) -> None:
        self.total, self.used = total, 0
        self._change = threading.Condition()
        self._open = True

    @contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Wait until ``amount`` bytes are free, or nothing is in use; give them back at the end of the block.

        Raises `CancelledError` once the budget is closed.
        """
        with self._change:
            self._change.wait_for(lambda: not self._open or not self.used or self.used + amount <= self.total)
            if not self._open:
                raise CancelledError
            self.used += amount
        try:
            yield
        finally:
            with self._change:
                self.used -= amount
                self._change.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._change:
            self._open = False
            self._change.notify_all()
