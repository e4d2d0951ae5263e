"""File to file, JPEG to JPEG at 2x: this project's models against a script with OpenCV's dnn_superres.

    python benchmarks/superres.py --peers-python PATH/bin/python --size 12

OpenCV's networks take the whole picture at once: FSRCNN needs 13 GB for 12 megapixels.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from common import PEERS, add_models, add_peers, goals, options, photo, save, upscale_command
from report import at_least, at_most, bars, megabytes, table

from upscale_cli.meter import race

GOALS = goals({"fsrcnn-s": 20, "fsrcnn-m": 10})
"""How many times as quick as the peer; memory: a tenth."""


def main() -> None:
    parser = options(__doc__)
    add_peers(parser)
    add_models(parser)
    parser.add_argument("--size", type=float, default=12, help="megapixels of the source")
    parser.add_argument(
        "--peer", default="FSRCNN", help="FSRCNN (the default), FSRCNN-small, ESPCN or LapSRN"
    )
    args = parser.parse_args()
    weights, peer = args.shared / "peers" / "opencv" / f"{args.peer}_x2.pb", f"OpenCV {args.peer}"
    with tempfile.TemporaryDirectory() as folder:
        source = save(photo(args.shared, args.size), Path(folder, "photo.jpg"))
        target = Path(folder, "large.jpg")
        script = [str(PEERS / "opencv_superres.py"), str(weights), str(source), str(target)]
        commands = {peer: [args.peers_python, *script]}
        commands |= {entry.label: upscale_command(source, target, entry) for entry in args.models}
        found = race(commands, args.rounds)
    first, rows = found[peer], []
    for name, run in found.items():
        goal = GOALS.get(name)
        times, memory = at_least(first.seconds / run.seconds, goal, "x"), ("", "")
        if run.peak and first.peak:
            memory = at_most(run.peak / first.peak, goal and 0.1)
        rows.append((name, f"{run.seconds:.2f}", *times, megabytes(run.peak), *memory))
    table(["JPEG to JPEG, 2x", "seconds", "faster", "goal", "memory", "of it", "goal"], rows)
    title = f"{args.size:g} megapixels, JPEG to JPEG at 2x"
    bars(args.out / "superres.png", title, {name: run.seconds for name, run in found.items()})


main()
