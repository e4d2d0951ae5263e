"""256x256 at 4x, from array to array: this project's models against Real-ESRGAN's compact network.

python benchmarks/realesrgan.py --peers-python PATH/bin/python
"""

from __future__ import annotations

from functools import partial

from common import Peer, add_models, add_peers, goals, options, photo
from report import at_least, bars, table

from upscale_cli.meter import alternate, timed
from upscale_cli.pipeline import Upscaler

GOALS = goals({"fsrcnn-m": 5})
"""How many times as quick as the peer."""
PEER = "Real-ESRGAN compact, ncnn"


def main() -> None:
    parser = options(__doc__)
    add_peers(parser)
    add_models(parser, precisions="all")
    args = parser.parse_args()
    pixels = photo(args.shared, 0.5)[:256, :256]
    weights = args.shared / "peers" / "ncnn" / "realesr-general-x4v3"
    peer = Peer(args.peers_python, "ncnn_compact.py", f"{weights}.param", f"{weights}.bin")
    tasks = {PEER: partial(peer.time, pixels)}
    for entry in args.models:
        upscaler = Upscaler(entry.settings(4))
        tasks[entry.label] = partial(timed, partial(upscaler, pixels))
    alternate(tasks, 1)  # to warm up
    seconds = alternate(tasks, args.rounds)
    peer.close()
    rows = [
        (name, f"{1000 * taken:.0f}", *at_least(seconds[PEER] / taken, GOALS.get(name), "x"))
        for name, taken in seconds.items()
    ]
    table(["256x256 at 4x", "milliseconds", "faster", "goal"], rows)
    milliseconds = {name: 1000 * taken for name, taken in seconds.items()}
    bars(args.out / "realesrgan.png", "256x256 pixels at 4x, array to array", milliseconds, "milliseconds")


main()
