"""What a run tells while it goes on and when it ends, and the exit code that it earned."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from upscale_cli.batch.events import DiskFull, Event, Failed, Finished, Skip
from upscale_cli.cli import output

if TYPE_CHECKING:
    from upscale_cli.batch.plan import Plan
    from upscale_cli.batch.sources import Source
    from upscale_cli.pipeline import Done

REASONS = {
    "finished": "finished before",
    "not-an-image": "no picture",
    "unsupported": "a kind of picture that cannot be read",
    "own-output": "made by this program",
}
"""Why a file was left out, in words."""


class Report:
    """Counts what happens to each picture; says nothing but errors. The other reports speak as well."""

    wants_hashes = False

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
        self.started = time.perf_counter()
        self.done = self.left = 0
        self.pixels = self.result_pixels = self.bytes = 0
        self.failed: list[Failed] = []
        self.skipped: Counter[str] = Counter()
        self.interrupted = False

    @property
    def seconds(self) -> float:
        """Seconds since the report began."""
        return time.perf_counter() - self.started

    @property
    def exit_code(self) -> int:
        """0 all done, 3 some failed, 130 interrupted; with nothing done, 1 or what the one error says."""
        if self.interrupted:
            return 130
        if not self.failed and not self.left:
            return 0
        return failure_code(self.failed, others=bool(self.done or self.skipped["finished"]))

    def looking(self, sources: list[Source | Skip | Failed]) -> Iterable[Source | Skip | Failed]:
        """Return the sources, to be looked at one after the other for the plan."""
        return sources

    def plan(self, plan: Plan, facts: dict[str, Any]) -> None:
        """Take in what will be done; ``facts`` are its totals."""
        for skip in plan.skipped:
            self.event(skip)
        for failed in plan.failed:
            self.event(failed)

    def event(self, event: Event) -> None:
        """Take in one event of the batch."""
        if isinstance(event, Finished):
            self.done += 1
            self.pixels += event.job.pixels
            self.result_pixels += event.job.result_pixels
            self.bytes += event.bytes
        elif isinstance(event, Skip):
            self.skipped[event.reason] += 1
        elif isinstance(event, Failed):
            self.failed.append(event)
        elif isinstance(event, DiskFull):
            self.left += event.left

    def finish(self) -> None:
        """Print each failure, and each next step once."""
        hints = list(dict.fromkeys(failure.error.hint for failure in self.failed))
        for failure in self.failed:
            if self.debug:
                output.traceback(failure.error)
            output.error(str(failure.error), failure.error.hint if len(hints) > 1 else "")
        if len(hints) == 1 and hints[0]:
            output.hint(hints[0])
        if self.left:
            output.error(
                f"the disk is full: {self.left} not started", "free some space and run the command again"
            )


def failure_code(failed: Sequence[Failed], *, others: bool) -> int:
    """Return the exit code of a run with failures: 3 if there are ``others``, done now or before; else 1, or
    the code of the only error.
    """
    if others:
        return 3
    return failed[0].error.exit_code if len(failed) == 1 else 1


class LineReport(Report):
    """One plain line on stderr for each picture and one at the end; finished paths on stdout, for scripts."""

    def __init__(self, *, end: bytes = b"\n", verbose: bool = False, debug: bool = False) -> None:
        super().__init__(debug=debug)
        self.end, self.verbose = end, verbose
        self.total = 0

    def plan(self, plan: Plan, facts: dict[str, Any]) -> None:
        """Note how many pictures there are."""
        self.total += len(plan.jobs) + len(plan.failed)
        super().plan(plan, facts)

    def event(self, event: Event) -> None:
        """Print a line for what ended."""
        super().event(event)
        if isinstance(event, Finished):
            number = f"[{self.done + len(self.failed)}/{self.total}] " if self.total > 1 else ""
            self.line(number + described(event.done) + (_detail(event) if self.verbose else ""))
            for warning in event.done.warnings:
                self.line(f"warning: {warning}")
            self.hand_over(event.job.target)
        elif isinstance(event, Failed) and self.total > 1:
            self.line(f"failed: {event.error}")
        elif isinstance(event, Skip) and self.verbose:
            self.line(f"skipped: {event.source}: {REASONS[event.reason]}")

    def line(self, text: str) -> None:
        """Print one line."""
        output.note(text)

    def hand_over(self, path: str) -> None:
        """Print a finished path on stdout, unless a person is looking."""
        if not sys.stdout.isatty():
            sys.stdout.buffer.write(os.fsencode(path) + self.end)
            sys.stdout.buffer.flush()

    def finish(self) -> None:
        """Print the totals but where one file was made or failed, which is told; then the failures."""
        if self.skipped or self.done + self.left + len(self.failed) != 1:
            self.summary()
        if self.interrupted:
            output.note("interrupted; run the same command to go on")
        super().finish()

    def summary(self) -> None:
        """Print the totals on one line."""
        parts = [f"{self.done} done"]
        if self.skipped:
            parts.append(f"{sum(self.skipped.values())} skipped ({summed_up(self.skipped)})")
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        output.note(f"{', '.join(parts)} in {output.seconds(self.seconds)}")


def summed_up(skipped: Counter[str]) -> str:
    """Return why files were skipped, in words with counts."""
    return ", ".join(f"{count} {REASONS[reason]}" for reason, count in skipped.items())


def described(done: Done) -> str:
    """Return one line on what became of a picture."""
    (width, height), (wide, high) = done.source_size, done.size
    sizes = f"{width}x{height} -> {wide}x{high}"
    return f"{done.source} -> {done.target}  {sizes}  {output.seconds(done.seconds)}"


def _detail(event: Finished) -> str:
    agrees = f"agrees with the input to {event.done.consistency:.1f} dB"
    return f"  {event.done.model}, {output.amount(event.bytes, 'B')}, {agrees}"
