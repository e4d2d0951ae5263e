"""What a plan will take: memory, disk and time; and ``--dry-run``, which shows it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from upscale_cli.batch.events import Job
from upscale_cli.batch.plan import Plan, Planner
from upscale_cli.batch.runner import job_memory
from upscale_cli.cli import output
from upscale_cli.cli.jsonlines import emit, emit_failed, job_facts
from upscale_cli.cli.report import REASONS, failure_code
from upscale_cli.machine import available_cpus
from upscale_cli.pipeline import Upscaler
from upscale_cli.request import WORKSPACE

_DENSITY = {".jpg": 0.45, ".jpeg": 0.45, ".webp": 0.2, ".avif": 0.15, ".png": 1.7}
"""Bytes per pixel of enlarged photographs, by extension; the rest is taken as three quarters of raw."""
_CODEC = 12e-9
"""Seconds per result pixel for decoding and encoding, on one core."""
_PROBE = 192


def facts(plan: Plan, planner: Planner) -> dict[str, Any]:
    """Return the totals of a plan, as the ``plan`` event gives them."""
    cpus = planner.upscaler.settings.threads or available_cpus()
    largest = sorted((job_memory(job) for job in plan.jobs), reverse=True)[:cpus]
    return {
        "files": len(plan.jobs),
        "skipped": len(plan.skipped),
        "failed": len(plan.failed),
        "pixels": sum(job.pixels for job in plan.jobs),
        "result_pixels": sum(job.result_pixels for job in plan.jobs),
        "memory": sum(largest) + WORKSPACE,
        "disk": sum(map(_disk, plan.jobs)),
        "output": planner.destination.file or planner.destination.folder,
        "model": planner.upscaler.card.name,
    }


def show(plan: Plan, planner: Planner, *, json: bool) -> int:
    """Print a plan instead of carrying it out; return the exit code that it would earn so far."""
    totals = facts(plan, planner)
    seconds = _seconds(plan, planner.upscaler)
    if json:
        jobs = [job_facts(job) for job in plan.jobs]
        settings = planner.upscaler.fingerprint
        emit("plan", settings=settings, **totals, seconds=round(seconds, 1), dry_run=True, jobs=jobs)
        for skip in plan.skipped:
            emit("skip", source=skip.source, target=skip.target or None, reason=skip.reason)
        for failed in plan.failed:
            emit_failed(failed.source, failed.error)
    else:
        _print(plan, totals, seconds, planner.destination.folder)
    others = bool(plan.jobs) or any(skip.reason == "finished" for skip in plan.skipped)
    return failure_code(plan.failed, others=others) if plan.failed else 0


def _print(plan: Plan, totals: dict[str, Any], seconds: float, folder: str) -> None:
    for job in plan.jobs:
        (width, height), (wide, high) = job.source_size, job.size
        output.result(f"{job.source} -> {job.target}  {width}x{height} -> {wide}x{high}")
    for skip in plan.skipped:
        output.result(f"skip {skip.source}: {REASONS[skip.reason]}")
    for failed in plan.failed:
        output.result(f"cannot do {failed.error}")
    free = shutil.disk_usage(_existing(Path(folder))).free
    output.result(
        f"{totals['files']} to do, {totals['skipped']} to skip, {totals['failed']} that cannot be done; "
        f"{output.amount(totals['pixels'], 'px')} -> {output.amount(totals['result_pixels'], 'px')}"
    )
    output.result(
        f"about {output.seconds(seconds)}, {output.amount(totals['memory'], 'B')} of memory, "
        f"{output.amount(totals['disk'], 'B')} of disk ({output.amount(free, 'B')} free)"
    )


def _disk(job: Job) -> int:
    """Return about how many bytes a target will have."""
    suffix = Path(job.target).suffix.lower()
    if suffix == Path(job.source).suffix.lower() and suffix in (".jpg", ".jpeg", ".png", ".webp"):
        # The same kind of file: detail does not grow with the pixels, so a little less than in proportion.
        return round(job.bytes * job.result_pixels / job.pixels * 0.8)
    return round(job.result_pixels * _DENSITY.get(suffix, 0.75 * job.depth))


def _seconds(plan: Plan, upscaler: Upscaler) -> float:
    """Return about how long a plan takes: the network's speed is measured on a small picture."""
    import numpy as np

    if not plan.jobs:
        return 0.0
    sample = np.random.default_rng(0).integers(0, 256, (_PROBE, _PROBE, 3), np.uint8)
    upscaler.enlarge(sample, threads=1)
    started = time.perf_counter()
    upscaler.enlarge(sample, threads=1)
    network = (time.perf_counter() - started) / _PROBE**2
    cpus = upscaler.settings.threads or available_cpus()
    work = sum(job.pixels * network + (job.pixels + job.result_pixels) * _CODEC for job in plan.jobs)
    return work / cpus


def _existing(folder: Path) -> Path:
    """Return the nearest folder that is there; a name that is too long or out of reach is not."""
    return next(
        place
        for place in (folder.absolute(), *folder.absolute().parents)
        if os.path.exists(place)  # noqa: PTH110 - Path.exists raises
    )
