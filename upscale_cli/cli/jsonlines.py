"""The report for programs: one JSON object a line on stdout, documented in docs/scripting.md."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

from upscale_cli.batch.events import Event, Failed, Finished, Job, Progress, Skip, Start
from upscale_cli.cli.report import Report
from upscale_cli.errors import UpscaleError

if TYPE_CHECKING:
    from upscale_cli.batch.plan import Plan

VERSION = 1
"""It changes when a field goes away or changes its meaning, not when one is added."""


def emit(event: str, **facts: Any) -> None:
    """Print one event. Bytes of names that are no UTF-8 appear as ``\\udcXX``, as Python decodes them."""
    sys.stdout.write(json.dumps({"event": event, "version": VERSION, **facts}, allow_nan=False) + "\n")
    sys.stdout.flush()


def emit_failed(source: str | None, error: UpscaleError) -> None:
    """Print the event of a failure; without a source where the request as a whole cannot be carried out."""
    emit("failed", source=source, code=error.code, message=str(error), hint=error.hint)


class JsonReport(Report):
    """Says everything that happens."""

    wants_hashes = True

    def __init__(self, settings: str, *, debug: bool = False) -> None:
        super().__init__(debug=debug)
        self._settings = settings
        self._seen: dict[str, int] = {}
        self._total = self._all_seen = 0

    def plan(self, plan: Plan, facts: dict[str, Any]) -> None:
        """Print the totals of the work."""
        self._total += sum(job.pixels for job in plan.jobs)
        emit("plan", settings=self._settings, **facts)
        super().plan(plan, facts)

    def event(self, event: Event) -> None:
        """Print one event."""
        super().event(event)
        if isinstance(event, Start):
            emit("start", **job_facts(event.job))
        elif isinstance(event, Progress):
            self._progress(event.job, self._seen.get(event.job.target, 0) + event.pixels)
        elif isinstance(event, Finished):
            if self._seen.get(event.job.target) != event.job.pixels:
                self._progress(event.job, event.job.pixels)
            del self._seen[event.job.target]
            emit("done", **job_facts(event.job), **self._done_facts(event))
        elif isinstance(event, Skip):
            emit("skip", source=event.source, target=event.target or None, reason=event.reason)
        elif isinstance(event, Failed):
            emit_failed(event.source, event.error)

    def _progress(self, job: Job, pixels: int) -> None:
        self._all_seen += pixels - self._seen.get(job.target, 0)
        self._seen[job.target] = pixels
        emit(
            "progress",
            source=job.source,
            pixels=pixels,
            total=job.pixels,
            all_pixels=self._all_seen,
            all_total=self._total,
        )

    def _done_facts(self, event: Finished) -> dict[str, Any]:
        done = event.done
        return {
            "seconds": round(done.seconds, 3),
            "model": done.model,
            "settings": self._settings,
            "consistency_db": round(done.consistency, 2) if math.isfinite(done.consistency) else None,
            "bytes": event.bytes,
            "sha256": event.sha256,
            "warnings": list(done.warnings),
        }

    def finish(self) -> None:
        """Print the totals, then the errors for people on stderr."""
        emit(
            "summary",
            done=self.done,
            skipped=sum(self.skipped.values()),
            failed=len(self.failed),
            left=self.left,
            interrupted=self.interrupted,
            pixels=self.pixels,
            result_pixels=self.result_pixels,
            bytes=self.bytes,
            seconds=round(self.seconds, 3),
            exit_code=self.exit_code,
        )
        super().finish()


def job_facts(job: Job) -> dict[str, Any]:
    """Return what is known of a job before it is done."""
    return {
        "source": job.source,
        "target": job.target,
        "source_size": job.source_size,
        "size": job.size,
        "frames": job.frames,
    }
