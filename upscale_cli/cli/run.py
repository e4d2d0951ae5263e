"""``upscale INPUT…``: enlarge pictures."""

# ruff: noqa: PTH110, PTH112 - Path.exists and is_dir raise for names that are too long or out of reach
from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from upscale_cli.batch.events import Failed, Skip
from upscale_cli.cli import output
from upscale_cli.cli.commands import COMMANDS
from upscale_cli.cli.options import RunOptions, takes
from upscale_cli.errors import OutputError, UsageError

if TYPE_CHECKING:
    from upscale_cli.batch.destination import Destination
    from upscale_cli.batch.journal import Journal
    from upscale_cli.batch.plan import Plan, Planner
    from upscale_cli.batch.sources import Source
    from upscale_cli.cli.report import Report
    from upscale_cli.pipeline import Upscaler


_FOREIGN = (".heic", ".heif", ".ico", ".jp2", ".jxl", ".pdf", ".psd", ".svg", ".tga")
"""Extensions of pictures that cannot be written: a name that ends so is no folder."""


@takes(RunOptions)
def command(options: RunOptions) -> None:
    """Enlarge pictures with a small neural network.

    Results go to the folder output, or to where -o says, each under its own name with the factor added.
    """
    if code := _run(options):
        raise typer.Exit(code)


EPILOG = """\b
[bold]Examples[/bold]
  upscale photo.jpg --scale 4                makes output/photo_x4.jpg
  upscale photos -r -o big                   a whole tree; run again to go on
  upscale *.png --fit 3840x2160 -f webp -q 90
  curl -s URL | upscale - -s 4 > big.png     through a pipe

[bold]Other commands[/bold], each with --help
  upscale models                             what models there are
  upscale compare | evaluate | bench         pictures and figures
  upscale prepare | train                    make a model of your own

Exit codes: 0 all done, 1 failed, 2 wrong request, 3 some files failed, 130 interrupted.
Defaults come from variables such as UPSCALE_SCALE and from the file upscale.toml.
Shell completion: upscale --install-completion
"""


def _run(options: RunOptions) -> int:
    """Do what was asked for; return the exit code."""
    from upscale_cli.batch.journal import Journal
    from upscale_cli.batch.plan import Planner
    from upscale_cli.cli import estimate
    from upscale_cli.pipeline import Upscaler

    inputs = options.inputs or []
    piped = "-" in inputs or options.output == "-"
    if options.dry_run and (options.raw or piped or options.watch):
        other = "--raw" if options.raw else "a pipe" if piped else "--watch"
        hint = "leave out --watch to see what is there now" if other == "--watch" else "name files or folders"
        raise UsageError(f"--dry-run and {other} exclude each other", hint=hint)
    if options.raw:
        from upscale_cli.cli.pipe import run_raw

        return run_raw(options)
    if piped:
        from upscale_cli.cli.pipe import run_pipe

        return run_pipe(options)
    if not inputs and not options.files_from:
        raise UsageError("there is nothing to enlarge", hint="name a picture or a folder: upscale photo.jpg")
    upscaler = Upscaler(options.settings())
    destination = _destination(options)
    listed = _listed(options) if options.files_from else []
    if options.watch:
        from upscale_cli.cli.watching import refuse_missing, run_watch

        find = partial(_sources, options, destination, listed)
        refuse_missing(_sources(options, destination, []))
        with Journal(destination.folder) as journal:
            planner = Planner(upscaler, destination, journal, force=options.force, lenient=True)
            return run_watch(find, planner, partial(_report, options, upscaler), run_plan)
    report = _report(options, upscaler)
    sources = _sources(options, destination, listed)
    if not sources and not options.quiet:
        within = "" if options.recursive else "; -r looks into folders within folders, too"
        output.hint(f"there are no files to enlarge{within}")
    with _journal(options, destination) as kept:
        force = options.force or _is_alone(options, destination)
        planner = Planner(upscaler, destination, kept, force=force)
        plan = planner.plan(report.looking(sources))
        if options.dry_run:
            return estimate.show(plan, planner, json=options.json)
        report.plan(plan, estimate.facts(plan, planner))
        return run_plan(plan, planner, report)


def run_plan(plan: Plan, planner: Planner, report: Report) -> int:
    """Carry out a plan, telling ``report``; return the exit code."""
    from upscale_cli.batch.runner import Batch

    try:
        with Batch(
            plan.jobs, planner.upscaler, planner.journal, force=planner.force, hashes=report.wants_hashes
        ) as batch:
            for event in batch:
                report.event(event)
    except KeyboardInterrupt:
        report.interrupted = True
    report.finish()
    return report.exit_code


def _destination(options: RunOptions) -> Destination:
    """Return where results go: ``-o`` is a file when it ends like a picture and is no folder."""
    from upscale_cli.batch.destination import Destination
    from upscale_cli.batch.naming import NameTemplate
    from upscale_cli.image_io.formats import SUFFIXES, format_for

    place = Path(options.output or "output")
    if place.suffix.lower() in _FOREIGN and not os.path.isdir(place):
        format_for(place)
    if place.suffix.lower() in SUFFIXES and not os.path.isdir(place):
        return Destination(folder=str(place.parent), file=str(place))
    template = NameTemplate(options.name) if options.name else None
    if template and not options.format:
        suffix = Path(template.fill("photo", ext=".jpg", scale="2", model="", size=(1, 1))).suffix
        if suffix and suffix.lower() not in SUFFIXES:  # told now, not once for each of many pictures
            raise UsageError(
                f"--name {options.name!r}: no picture format is called {suffix}",
                hint="write {stem}{ext}, or one of " + " ".join(sorted(SUFFIXES)),
            )
    return Destination(folder=str(place), template=template)


def _is_alone(options: RunOptions, destination: Destination) -> bool:
    """Whether the request is one picture, which is made whether it was made before or not."""
    inputs = options.inputs or []
    several = len(inputs) > 1 or options.files_from or os.path.isdir(inputs[0])
    return bool(destination.file) or not several


def _journal(options: RunOptions, destination: Destination) -> AbstractContextManager[Journal | None]:
    """Open the journal. For one picture, and to show what would be done, none is begun."""
    from upscale_cli.batch.journal import NAME, Journal

    alone = _is_alone(options, destination)
    if (alone or options.dry_run) and not os.path.exists(Path(destination.folder, NAME)):
        return nullcontext()
    try:
        return Journal(destination.folder)
    except OutputError:
        if alone:
            return nullcontext()
        raise


def _sources(
    options: RunOptions, destination: Destination, listed: list[str]
) -> list[Source | Skip | Failed]:
    """Return the files asked for, ``listed`` ones too, and what is wrong with those that cannot be had."""
    from upscale_cli.batch.sources import Selection, find_sources

    selection = Selection(options.recursive, tuple(options.include or ()), tuple(options.exclude or ()))
    inputs = options.inputs or []
    found = list(find_sources(inputs, selection, listed=listed, leave_out=destination.folder))
    count = sum(not isinstance(one, Skip) for one in found)
    several = "a folder is watched" if options.watch and any(map(os.path.isdir, inputs)) else ""
    if destination.file and (count > 1 or several):
        raise UsageError(
            f"-o {destination.file} is one file, and {several or f'there are {count} inputs'}",
            hint="give a folder with -o",
        )
    if len(found) == 1 and isinstance(found[0], Failed):
        close = get_close_matches(found[0].source, COMMANDS, n=1)
        if close:
            found[0].error.hint = f"did you mean the command `upscale {close[0]}`?"
    return found


def _listed(options: RunOptions) -> list[str]:
    """Read the names of ``--files-from``."""
    from upscale_cli.batch.sources import read_list

    if options.files_from == "-":
        return read_list(sys.stdin.buffer, ended_by_nul=options.null)
    try:
        with Path(options.files_from or "").open("rb") as file:
            return read_list(file, ended_by_nul=options.null)
    except OSError as error:
        raise UsageError(
            f"{options.files_from}: cannot be read: {error.strerror}", hint="name a list of files"
        ) from error


def _report(options: RunOptions, upscaler: Upscaler) -> Report:
    from upscale_cli.cli.bar import BarReport
    from upscale_cli.cli.jsonlines import JsonReport
    from upscale_cli.cli.report import LineReport, Report

    if options.json:
        return JsonReport(upscaler.fingerprint, debug=options.debug)
    if options.quiet:
        return Report(debug=options.debug)
    kind = BarReport if sys.stderr.isatty() else LineReport
    return kind(end=b"\0" if options.null else b"\n", verbose=options.verbose, debug=options.debug)
