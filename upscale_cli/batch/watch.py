"""New files in watched folders, once they have settled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator

from upscale_cli.batch.events import Failed, Skip
from upscale_cli.batch.sources import Source

_Stamp = tuple[int, int]


def settled(
    find: Callable[[], Iterable[Source | Skip | Failed]],
    *,
    settle: float = 2.0,
    pause: float = 0.5,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Source]]:
    """Yield, for ever, lists of files that are new or changed and whose size and time stood still.

    ``find`` lists what there is. A file is yielded once for each state it settles in; what cannot be listed
    at the moment is left for a later look. ``settle`` and ``pause`` are in seconds.
    """
    since: dict[str, tuple[_Stamp, float]] = {}
    yielded: dict[str, _Stamp] = {}
    while True:
        ready = []
        for source in find():
            if not isinstance(source, Source) or (stamp := _stamp(source.path)) is None:
                continue
            if yielded.get(source.path) == stamp:
                continue
            known, first = since.setdefault(source.path, (stamp, clock()))
            if known != stamp:
                since[source.path] = (stamp, clock())
            elif clock() - first >= settle:
                del since[source.path]
                yielded[source.path] = stamp
                ready.append(source)
        if ready:
            yield ready
        else:
            sleep(pause)


def _stamp(path: str) -> _Stamp | None:
    """Return what changes when a file does; None for one that is gone."""
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
