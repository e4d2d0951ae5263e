"""Many pictures: decoding, network and encoding of several at a time, within a memory budget.

Each worker takes a whole picture through all its stages, so that all cores are busy whatever stage is slow.
The last picture is shared by all cores.
"""

from __future__ import annotations

import errno
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from upscale_cli.atomic import sweep
from upscale_cli.batch.budget import Budget, CancelledError
from upscale_cli.batch.events import DiskFull, Event, Failed, Finished, Job, Progress, Skip, Start
from upscale_cli.batch.journal import Journal, file_hash
from upscale_cli.errors import InputError, MissingInputError, OutputError, UpscaleError, unexpected
from upscale_cli.machine import available_cpus
from upscale_cli.memory import fair_share
from upscale_cli.pipeline import Upscaler, upscale_file
from upscale_cli.request import WORKSPACE

PATIENCE = 0.2
"""Seconds between looks at a target that another run is at work on, and between reports on one picture."""
GRACE = 1.5
"""Seconds that an interrupted run waits for its workers."""


class Batch:
    """One run over a list of jobs.

    ``with Batch(…) as batch: for event in batch: …``. Leaving the block early, also by Ctrl-C, stops the
    workers within a tile's time; what is finished stays, what is not leaves no file.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        upscaler: Upscaler,
        journal: Journal | None = None,
        *,
        force: bool = False,
        hashes: bool = False,
    ) -> None:
        """With a journal, what another run has finished meanwhile is skipped, unless ``force`` is set.

        ``hashes`` asks for the hashes of the targets.
        """
        self.upscaler, self.journal, self.force, self.hashes = upscaler, journal, force, hashes
        self.cpus = upscaler.settings.threads or available_cpus()
        self._waiting = deque(jobs)
        self._claimed_elsewhere: deque[Job] = deque()
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._events: queue.Queue[Event | BaseException | None] = queue.Queue(maxsize=256)
        self._budget = Budget(upscaler.settings.memory or fair_share())
        # one more than CPUs, for the moments in which a picture waits for the disk or for its own end
        at_once = upscaler.settings.threads or self.cpus + 1
        self._workers = [
            threading.Thread(target=self._work, daemon=True, name=f"picture-{number}")
            for number in range(min(at_once, len(jobs)))
        ]

    def __enter__(self) -> Batch:
        for folder in {Path(job.target).parent for job in self._waiting}:
            sweep(folder)
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._budget.close()
        until = time.monotonic() + GRACE
        for worker in self._workers:
            while worker.is_alive() and time.monotonic() < until:
                self._drain()
                worker.join(0.02)

    def __iter__(self) -> Iterator[Event]:
        """Yield what happens, until every job is done, skipped or failed."""
        running = len(self._workers)
        while running:
            try:
                event = self._events.get(timeout=1)  # so that Ctrl-C gets through on every system
            except queue.Empty:
                continue
            if event is None:
                running -= 1
            elif isinstance(event, BaseException):
                raise event
            else:
                yield event

    def _drain(self) -> None:
        try:
            while True:
                self._events.get_nowait()
        except queue.Empty:
            pass

    def _work(self) -> None:
        """Take jobs until there are none; the life of one worker."""
        try:
            while not self._stop.is_set() and (job := self._next()):
                event = self._do(job)
                self._events.put(event)
                if isinstance(event, Failed) and _disk_full(event.error):
                    self._stop_for_disk()
        except CancelledError:
            pass
        except BaseException as error:
            self._events.put(error)
        self._events.put(None)

    def _next(self) -> Job | None:
        """Return a job that no other run is at work on, claimed; None when all are done."""
        while not self._stop.is_set():
            with self._guard:
                if self._waiting:
                    job = self._waiting.popleft()
                elif self._claimed_elsewhere:
                    job = self._claimed_elsewhere.popleft()
                else:
                    return None
                if not self.journal or self.journal.claim(job.target):
                    return job
                self._claimed_elsewhere.append(job)
                wait = not self._waiting
            if wait:
                self._stop.wait(PATIENCE)
        return None

    def _do(self, job: Job) -> Event:
        """Take one picture through all stages and record it."""
        try:
            if self.journal and not self.force:
                self.journal.refresh()
                if self.journal.finished(job.source, job.target, self.upscaler.fingerprint):
                    return Skip(job.source, "finished", job.target, job)
            with self._budget.take(job_memory(job)):
                return self._enlarge(job)
        except UpscaleError as error:
            return Failed(job.source, error, job)
        except MemoryError:
            hint = "use --memory or --threads 1, or enlarge less"
            return Failed(job.source, InputError(f"{job.source}: not enough memory", hint=hint), job)
        except FileNotFoundError:
            return Failed(job.source, MissingInputError(f"{job.source}: is no longer there"), job)
        except OSError as error:
            return Failed(job.source, InputError(f"{job.source}: {error.strerror or error}"), job)
        except CancelledError:
            raise
        except Exception as error:  # a fault of this program, which one picture brings out: the rest go on
            return Failed(job.source, unexpected(error, job.source), job)
        finally:
            if self.journal:
                self.journal.release(job.target)

    def _enlarge(self, job: Job) -> Event:
        self._events.put(Start(job))
        before = Path(job.source).stat()
        sha256 = file_hash(job.source) if self.journal else ""
        last = not self._waiting and not self._claimed_elsewhere
        threads = self.cpus if last else 1
        done = upscale_file(
            job.source, job.target, self.upscaler, on_tile=_Counter(self, job), threads=threads
        )
        written = Path(job.target).stat().st_size
        if self.journal:
            self.journal.record(job.source, job.target, self.upscaler.fingerprint, before, sha256, written)
        return Finished(job, done, written, file_hash(job.target) if self.hashes else "")

    def _stop_for_disk(self) -> None:
        with self._guard:
            left = len(self._waiting) + len(self._claimed_elsewhere)
            self._waiting.clear()
            self._claimed_elsewhere.clear()
        if left:
            self._events.put(DiskFull(left))


class _Counter:
    """Gathers the tiles of one picture into a few events a second, and carries the order to stop."""

    def __init__(self, batch: Batch, job: Job) -> None:
        self.batch, self.job = batch, job
        self.pixels, self.due = 0, time.monotonic() + PATIENCE

    def __call__(self, pixels: int) -> None:
        if self.batch._stop.is_set():
            raise CancelledError
        self.pixels += pixels
        if time.monotonic() > self.due:
            self.batch._events.put(Progress(self.job, self.pixels))
            self.pixels, self.due = 0, time.monotonic() + PATIENCE


def job_memory(job: Job) -> int:
    """Return about how many bytes a job takes at its peak, beside what the process has anyway."""
    return job.memory - WORKSPACE * 3 // 4


def _disk_full(error: UpscaleError) -> bool:
    cause = error.__cause__
    number = cause.errno if isinstance(cause, OSError) else 0
    full = number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    return full and isinstance(error, OutputError)
