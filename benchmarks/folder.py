"""A folder of one-megapixel JPEGs at 2x: are all CPUs busy from the first to the last?

    python benchmarks/folder.py --count 200 --models fsrcnn-s

`wall / (CPU / cpus)` is 1 when every CPU works all the time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from common import add_models, options, photo, save, upscale_command
from report import at_least, at_most, table

from upscale_cli.machine import available_cpus
from upscale_cli.meter import race


def main() -> None:
    parser = options(__doc__)
    add_models(parser)
    parser.add_argument("--count", type=int, default=200, help="pictures in the folder")
    parser.add_argument("--size", type=float, default=1, help="megapixels of each")
    args = parser.parse_args()
    cpus = available_cpus()
    with tempfile.TemporaryDirectory() as top:
        source = Path(top, "photos")
        pixels = photo(args.shared, args.size)
        for number in range(args.count):
            save(np.roll(pixels, 37 * number, axis=1), source / f"{number:04}.jpg")
        commands = {
            entry.label: upscale_command(source, Path(top, f"large {entry.label}"), entry)
            for entry in args.models
        }
        found = race(commands, args.rounds)
    rows = []
    for name, run in found.items():
        work = run.cpu_seconds or float("nan")
        busy, ratio = (
            at_least(100 * work / run.seconds / cpus, 90, "%"),
            at_most(run.seconds * cpus / work, 1.15),
        )
        rows.append((name, f"{run.seconds:.2f}", f"{work:.2f}", *busy, *ratio))
    columns = ["wall s", "CPU s", "busy", "goal", "wall / (CPU / cpus)", "goal"]
    table([f"{args.count} of {args.size:g} MP, {cpus} CPUs", *columns], rows)


main()
