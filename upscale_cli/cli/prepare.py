"""``upscale prepare``: a folder to train on, made from a collection of pictures."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from upscale_cli.cli import output
from upscale_cli.cli.options import option
from upscale_cli.cli.results import PANEL, print_json, print_table, progress
from upscale_cli.errors import NotAnImageError, UsageError

if TYPE_CHECKING:
    from upscale_cli.prepare import Report

FORMATS = ("webp", "png", "tiff")


def command(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder of pictures, and folders in it.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="New folder for what is kept.")],
    crop: Annotated[
        int,
        option(PANEL, "--crop", min=0, metavar="N", help="Side of the squares cut (480); 0: whole pictures."),
    ] = 480,
    crops: Annotated[int, option(PANEL, "--crops", min=1, help="Most squares from one picture (4).")] = 4,
    shrink: Annotated[
        int,
        option(PANEL, "--shrink", min=1, help="Make pictures smaller first; 2 removes JPEG's blocks (1)."),
    ] = 1,
    flat: Annotated[
        float,
        option(PANEL, "--flat", min=0, help="Least mean detail in grey levels (0.5); 0 keeps flat ones."),
    ] = 0.5,
    format: Annotated[
        str, option(PANEL, "--format", "-f", metavar="EXT", help="webp (lossless, the default), png or tiff.")
    ] = "webp",
    json: Annotated[
        bool, option(PANEL, "--json", help="What became of each file, as one JSON object.")
    ] = False,
) -> None:
    """Prepare pictures for training.

    Checks that they open, leaves out small, flat and transparent ones and all but the largest of those that
    look the same, cuts squares with much detail, and saves them losslessly. SRC is not changed.
    """
    if format not in FORMATS:
        raise UsageError(
            f"--format {format!r} is not for training pictures", hint=f"use {', '.join(FORMATS)}"
        )
    if crop % 2:
        raise UsageError(
            f"--crop {crop} is odd", hint=f"use --crop {crop + 1}: training shrinks pictures by two"
        )
    from upscale_cli.prepare import Plan, find_pictures, prepare

    with progress(len(find_pictures(source, target)), "picture") as bar:
        report = prepare(source, target, Plan(crop, crops, shrink, flat, format), on_picture=bar.update)
    if json:
        dropped = [vars(drop) for drop in report.dropped]
        print_json({"target": str(target), "kept": report.kept, "dropped": dropped})
    else:
        _print(report, target)
    if not report.kept:
        raise NotAnImageError(f"{source}: nothing in it is worth training on", hint="the reasons are above")


def _print(report: Report, target: Path) -> None:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for drop in report.dropped:
        by_reason[drop.reason].append(f"{drop.source}: {drop.detail}")
    if by_reason:
        rows = [(reason, str(len(those)), those[0]) for reason, those in sorted(by_reason.items())]
        print_table(["Left out", "Pictures>", "For instance"], [rows])
    files = sum(map(len, report.kept.values()))
    kept = len(report.kept)
    output.note(f"{target}: pictures kept: {kept} of {kept + len(report.dropped)}, files made: {files}")
