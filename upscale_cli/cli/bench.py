"""``upscale bench``: what this machine reaches."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from typing import Annotated, Any

from upscale_cli.cli import output
from upscale_cli.cli.options import option
from upscale_cli.cli.results import PANEL, print_json, print_table, progress
from upscale_cli.cli.values import PRECISIONS, parse_precision
from upscale_cli.errors import UsageError


def command(
    model: Annotated[
        list[str] | None,
        option(PANEL, "--model", "-n", metavar="NAME", help="A model or a file (all); may be given again."),
    ] = None,
    precision: Annotated[
        list[str] | None,
        option(
            PANEL,
            "--precision",
            metavar="KIND",
            help="float, bfloat16 or int8 (float and int8); may be given again.",
        ),
    ] = None,
    scale: Annotated[int, option(PANEL, "--scale", "-s", help="Factor: 2 (the default), 4 or 8.")] = 2,
    size: Annotated[
        float,
        option(PANEL, "--size", min=0.001, metavar="MP", help="Megapixels of the picture enlarged (1)."),
    ] = 1.0,
    rounds: Annotated[int, option(PANEL, "--rounds", min=1, help="Times that each is measured (5).")] = 5,
    threads: Annotated[int, option(PANEL, "--threads", min=0, help="CPUs to use (0: all).")] = 0,
    runtime: Annotated[
        str,
        option(PANEL, "--runtime", metavar="NAME", help="native, litert, openvino or tensorflow (chosen)."),
    ] = "",
    json: Annotated[bool, option(PANEL, "--json", help="All figures as one JSON object.")] = False,
) -> None:
    """Measure the models on this machine.

    Megapixels made per second from array to array, the time and peak memory of a whole process from JPEG to
    JPEG, and the time to start. Models take turns; times are medians.
    """
    if scale not in (2, 4, 8):
        raise UsageError(f"--scale {scale} is not measured", hint="use --scale 2, 4 or 8")
    from upscale_cli.bench import draw, measure_speed, measure_start
    from upscale_cli.machine import available_cpus

    upscalers = _upscalers(model, precision, scale, threads, runtime)
    pixels = draw(size)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with progress(len(upscalers) * (2 * rounds + 1), "run") as bar:
        speeds = measure_speed(upscalers, pixels, rounds, on_task=bar.update)
    start = measure_start(upscalers[0], rounds)
    facts = {
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "cpus": threads or available_cpus(),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "scale": scale,
        "rounds": rounds,
        "load_before": load,
    }
    if json:
        print_json({**facts, "start": asdict(start), "models": [asdict(speed) for speed in speeds]})
        return
    rows = [
        (
            speed.model,
            speed.precision,
            f"{speed.megapixels_per_second:.1f}",
            output.seconds(speed.file_seconds),
            "" if speed.peak is None else output.amount(speed.peak, "B"),
        )
        for speed in speeds
    ]
    title = (
        f"{facts['machine']}, {facts['cpus']} CPUs: {pixels.shape[1]}x{pixels.shape[0]} pixels at {scale}x"
    )
    columns = ["Model", "Precision", "Megapixels made / s>", "JPEG to JPEG>", "its memory>"]
    print_table(columns, [rows], title=title)
    output.note(
        f"start: {output.seconds(start.seconds)} for a tiny picture with {speeds[0].model}, "
        f"{start.seconds / start.imports:.1f} times `import numpy, cv2`"
    )
    if load > 0.5:
        output.note(f"the machine was busy before (load {load:.1f}): it can do better than this")


def _upscalers(
    models: list[str] | None, precisions: list[str] | None, scale: int, threads: int, runtime: str
) -> list[Any]:
    from upscale_cli import zoo
    from upscale_cli.pipeline import Settings, Upscaler

    for kind in precisions or ():
        parse_precision(kind, PRECISIONS)
    found = []
    usual = ("float",) if runtime == "tensorflow" else ("float", "int8")
    for name in models or [card.name for card in zoo.models()] or [zoo.default_name()]:
        known = zoo.find(name, "").files
        for kind in precisions or [kind for kind in usual if kind in known] or ["float"]:
            settings = Settings(scale=scale, model=name, precision=kind, threads=threads, runtime=runtime)
            found.append(Upscaler(settings))
    return found
