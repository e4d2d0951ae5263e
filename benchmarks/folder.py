"""A folder of one-megapixel JPEGs at 2x: are all CPUs busy from the first to the last?

    python benchmarks/folder.py --count 200

`wall / (CPU / cpus)` is 1 when every CPU works all the time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from common import options, photo, save, table, upscale_command

from upscale_cli import zoo
from upscale_cli.machine import available_cpus
from upscale_cli.meter import run_process


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--count", type=int, default=200, help="pictures in the folder")
    parser.add_argument("--size", type=float, default=1, help="megapixels of each")
    parser.add_argument("--model", default=zoo.default_name())
    args = parser.parse_args()
    cpus = available_cpus()
    rows = []
    with tempfile.TemporaryDirectory() as top:
        source = Path(top, "photos")
        pixels = photo(args.shared, args.size)
        for number in range(args.count):
            save(np.roll(pixels, 37 * number, axis=1), source / f"{number:04}.jpg")
        for number in range(args.rounds):
            run = run_process(upscale_command(source, Path(top, f"large{number}"), "-n", args.model))
            work = run.cpu_seconds or float("nan")
            busy, ratio = work / run.seconds / cpus, run.seconds / (work / cpus)
            rows.append((f"{number + 1}", f"{run.seconds:.2f}", f"{work:.2f}", f"{busy:.0%}", f"{ratio:.2f}"))
    print(f"{args.count} pictures of {args.size:g} megapixels, {args.model}, {cpus} CPUs\n")
    table(["round", "wall s", "CPU s", "busy", "wall / (CPU / cpus)"], rows)


main()
