"""File to file, JPEG to JPEG at 2x: this project's models against a script with OpenCV's dnn_superres.

    python benchmarks/superres.py --peers-python PATH/bin/python --size 12

OpenCV's networks take the whole picture at once: FSRCNN needs 13 GB for 12 megapixels.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from common import PEERS, add_peers, bars, megabytes, options, photo, save, table, upscale_command

from upscale_cli import zoo
from upscale_cli.meter import Process, alternate, run_process


def main() -> None:
    parser = options(__doc__)
    add_peers(parser)
    parser.add_argument("--size", type=float, default=12, help="megapixels of the source")
    parser.add_argument("--peer", action="append", help="FSRCNN (the default), FSRCNN-small, ESPCN or LapSRN")
    parser.add_argument("--model", action="append", help="a model; may be given again (fsrcnn-s, fsrcnn-m)")
    args = parser.parse_args()
    known = [card.name for card in zoo.models()]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "photo.jpg"), Path(folder, "large.jpg")
        pixels = photo(args.shared, args.size)
        save(pixels, source)
        commands = {}
        for name in args.peer or ["FSRCNN"]:
            weights = args.shared / "peers" / "opencv" / f"{name}_x2.pb"
            script = PEERS / "opencv_superres.py"
            commands[f"OpenCV {name}"] = [args.peers_python, *map(str, (script, weights, source, target))]
        for name in args.model or [name for name in ("fsrcnn-s", "fsrcnn-m") if name in known]:
            for kind in (kind for kind in ("float", "int8") if kind in zoo.find(name).files):
                commands[f"{name} {kind}"] = upscale_command(source, target, "-n", name, "--precision", kind)
        runs: dict[str, list[Process]] = {name: [] for name in commands}

        def task(name: str) -> float:
            runs[name].append(run_process(commands[name]))
            return runs[name][-1].seconds

        seconds = alternate({name: partial(task, name) for name in commands}, args.rounds)
    first = next(iter(seconds.values()))
    peaks = {name: max(run.peak or 0 for run in runs[name]) for name in commands}
    rows = [(name, f"{s:.2f}", f"{first / s:.1f}x", megabytes(peaks[name])) for name, s in seconds.items()]
    table(["JPEG to JPEG, 2x", "seconds", "faster", "memory"], rows)
    bars(args.out / "superres.png", f"{args.size:g} megapixels, JPEG to JPEG at 2x", seconds)


main()
