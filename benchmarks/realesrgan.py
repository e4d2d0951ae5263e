"""256x256 at 4x, from array to array: this project's models against Real-ESRGAN's compact network.

python benchmarks/realesrgan.py --peers-python PATH/bin/python
"""

from __future__ import annotations

from functools import partial

from common import Peer, add_peers, bars, options, photo, table

from upscale_cli import zoo
from upscale_cli.meter import alternate, timed
from upscale_cli.pipeline import Settings, Upscaler


def main() -> None:
    parser = options(__doc__)
    add_peers(parser)
    args = parser.parse_args()
    pixels = photo(args.shared, 0.5)[:256, :256]
    weights = args.shared / "peers" / "ncnn" / "realesr-general-x4v3"
    peer = Peer(args.peers_python, "ncnn_compact.py", f"{weights}.param", f"{weights}.bin")
    tasks = {"Real-ESRGAN compact, ncnn": partial(peer.time, pixels)}
    for card in zoo.models():
        for kind in (kind for kind in ("float", "int8") if kind in card.files):
            upscaler = Upscaler(Settings(scale=4, model=card.name, precision=kind))
            tasks[f"{card.name} {kind}"] = partial(timed, partial(upscaler, pixels))
    alternate(tasks, 1)  # to warm up
    seconds = alternate(tasks, args.rounds)
    peer.close()
    first = next(iter(seconds.values()))
    rows = [(name, f"{1000 * s:.0f}", f"{first / s:.1f}x") for name, s in seconds.items()]
    table(["256x256 at 4x", "milliseconds", "faster"], rows)
    bars(args.out / "realesrgan.png", "256x256 pixels at 4x, array to array", seconds)


main()
