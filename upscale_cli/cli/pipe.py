"""Pipes: one picture, or raw video frames, from standard input or to standard output."""

# ruff: noqa: PTH114, PTH116 - Path's methods raise for some names
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from upscale_cli.cli import output
from upscale_cli.cli.options import RunOptions
from upscale_cli.cli.report import described
from upscale_cli.cli.values import parse_size
from upscale_cli.errors import TargetError, UpscaleError, UsageError

if TYPE_CHECKING:
    from upscale_cli.batch.events import Event, Job
    from upscale_cli.image_io import Picture
    from upscale_cli.pipeline import Done, Upscaler
    from upscale_cli.settings import Settings

_STDIN = "stdin"
"""What messages and events call the picture that is piped in."""


def run_pipe(options: RunOptions) -> int:
    """Enlarge one picture whose source or target is ``-``; return the exit code."""
    from upscale_cli.image_io import open_picture
    from upscale_cli.image_io.formats import SUFFIXES
    from upscale_cli.pipeline import Upscaler, upscale_file

    inputs = options.inputs or []
    if len(inputs) != 1 or options.files_from or options.watch:
        raise UsageError("a pipe takes one picture", hint="give - alone, or one input with -o -")
    source, target = inputs[0], options.output or "-"
    if target != "-" and not target.lower().endswith(tuple(SUFFIXES)):
        raise UsageError(
            f"-o {target} does not say which file to write", hint="write -o big.png, or > big.png"
        )
    if target == "-":
        refuse_terminal()
        if options.json:
            raise UsageError(
                "--json and a picture cannot share stdout", hint="write the picture with -o FILE"
            )
    settings = options.settings()
    if source == "-":
        if target != "-":
            _refuse_own_source(target)
        data = _stdin().read()
        if options.json:
            return _run_json(data, target, settings, debug=options.debug)
        picture = open_picture(data, name=_STDIN, max_pixels=settings.max_pixels)
    else:
        picture = open_picture(source, max_pixels=settings.max_pixels)
    done = upscale_file(picture, target, Upscaler(settings))
    if not options.quiet:
        _tell(done, options.verbose)
    return 0


def _run_json(data: bytes, target: str, settings: Settings, *, debug: bool) -> int:
    """Enlarge a picture that was piped in, into a file, with the events of a run over one file."""
    from upscale_cli.batch.destination import Destination
    from upscale_cli.batch.events import Failed
    from upscale_cli.batch.plan import Plan, Planner, job_of
    from upscale_cli.cli import estimate
    from upscale_cli.cli.jsonlines import JsonReport
    from upscale_cli.image_io import open_picture
    from upscale_cli.pipeline import Upscaler

    upscaler = Upscaler(settings)
    planner = Planner(upscaler, Destination(str(Path(target).parent), file=target), None)
    report = JsonReport(upscaler.fingerprint, debug=debug)
    plan = Plan()
    try:
        picture = open_picture(data, name=_STDIN, max_pixels=settings.max_pixels)
        plan.jobs.append(job_of(picture, target, upscaler, len(data)))
    except UpscaleError as error:
        plan.failed.append(Failed(_STDIN, error))
    report.plan(plan, estimate.facts(plan, planner))
    try:
        for job in plan.jobs:
            for event in _enlarge(picture, job, upscaler):
                report.event(event)
    except KeyboardInterrupt:
        report.interrupted = True
    report.finish()
    return report.exit_code


def _enlarge(picture: Picture, job: Job, upscaler: Upscaler) -> Iterator[Event]:
    """Do one job in this thread; yield what happens."""
    from upscale_cli.batch.events import Failed, Finished, Start
    from upscale_cli.batch.journal import file_hash
    from upscale_cli.pipeline import upscale_file

    yield Start(job)
    try:
        done = upscale_file(picture, job.target, upscaler)
    except UpscaleError as error:
        yield Failed(job.source, error, job)
    else:
        yield Finished(job, done, Path(job.target).stat().st_size, file_hash(job.target))


def refuse_terminal() -> None:
    """Raise `UsageError` when image bytes would go to a terminal."""
    if sys.stdout.isatty():
        raise UsageError("image bytes would go to the terminal", hint="add > FILE, a pipe, or -o FILE")


def _refuse_own_source(target: str) -> None:
    """Raise `TargetError` for a target that is the file on standard input; a link to it would be replaced."""
    with suppress(OSError):
        if not os.path.islink(target) and os.path.samestat(os.fstat(sys.stdin.fileno()), os.stat(target)):
            raise TargetError(
                f"{target}: is the input and would be overwritten", hint="choose another target"
            )


def _stdin() -> BinaryIO:
    if sys.stdin.isatty():
        raise UsageError("nothing is piped in", hint="write for instance: upscale - < photo.jpg > big.jpg")
    return sys.stdin.buffer


def _tell(done: Done, verbose: bool) -> None:
    for warning in done.warnings:
        output.note(f"warning: {warning}")
    if verbose:
        output.note(described(done))


def run_raw(options: RunOptions) -> int:
    """Enlarge raw RGB frames from stdin to stdout; return the exit code."""
    from upscale_cli.pipeline import Upscaler
    from upscale_cli.raw import enlarge_frames, read_frames

    if (
        options.inputs not in ([], None, ["-"])
        or options.output not in (None, "-")
        or options.json
        or options.format
    ):
        raise UsageError(
            "--raw takes raw frames from stdin to stdout", hint="... | upscale --raw 640x360 | ..."
        )
    width, height = parse_size(options.raw or "", "--raw")
    refuse_terminal()
    settings = options.settings()
    frames = enlarge_frames(read_frames(_stdin(), width, height), Upscaler(settings), sys.stdout.buffer.write)
    sys.stdout.buffer.flush()
    if not options.quiet:
        wide, high = settings.size.of(width, height)
        output.note(f"{frames} frames, {width}x{height} -> {wide}x{high}")
    return 0
