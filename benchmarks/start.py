"""The time to start: a 64x64 PNG to a PNG as a whole process, beside Python with numpy and OpenCV alone.

python benchmarks/start.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from common import add_models, options, photo, save, upscale_command
from report import at_most, bars, table

from upscale_cli.bench import IMPORTS
from upscale_cli.meter import race

GOAL = 4.0
"""Times that of the imports."""


def main() -> None:
    parser = options(__doc__)
    add_models(parser)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = save(photo(args.shared, 0.02)[:64, :64], Path(folder, "tiny.png"))
        program = [sys.executable, "-m", "upscale_cli"]
        commands = {
            IMPORTS: [sys.executable, "-c", IMPORTS],
            "upscale --version": [*program, "--version"],
            "upscale --help": [*program, "--help"],
        }
        for entry in args.models:
            commands[entry.label] = upscale_command(source, Path(folder, "large.png"), entry)
        race(commands, 1)  # to warm up: files into the system's memory, modules compiled
        found = race(commands, args.rounds)
    names = {entry.label for entry in args.models}
    first = found[IMPORTS].seconds
    rows = [
        (name, f"{1000 * run.seconds:.0f}", *at_most(run.seconds / first, GOAL if name in names else None))
        for name, run in found.items()
    ]
    table(["whole process", "milliseconds", "imports = 1", "goal"], rows)
    milliseconds = {name: 1000 * run.seconds for name, run in found.items()}
    bars(args.out / "start.png", "From start to end of the process", milliseconds, "milliseconds")


main()
