"""What the core adds to the network: `upscale()` against LiteRT alone on the same windows, halo included.

python benchmarks/core.py --size 4 --models fsrcnn-s:float fsrcnn-s:int8
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from common import add_models, label, options, photo
from report import bars, table

from upscale_cli.machine import available_cpus
from upscale_cli.meter import alternate, timed
from upscale_cli.runtimes import open_model
from upscale_cli.tiler import upscale


class Recorder:
    """A model that remembers what it was asked for."""

    def __init__(self, model) -> None:
        self.model, self.calls = model, []
        self.scale, self.channels = model.scale, model.channels
        self.halo, self.residual = model.halo, model.residual

    def __call__(self, batch, *, spare=0):
        self.calls.append((batch.shape, spare))
        return self.model(batch, spare=spare)


def network_alone(model, calls) -> None:
    """Run the network on windows of these shapes, on all CPUs, and do nothing with the answers."""
    pictures = {shape: np.random.default_rng(0).random(shape, np.float32) for shape in {s for s, _ in calls}}
    with ThreadPoolExecutor(available_cpus()) as pool:
        for _ in pool.map(lambda call: model(pictures[call[0]], spare=call[1]), calls):
            pass


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--size", type=float, default=4, help="megapixels of the picture")
    add_models(parser, precisions="all")
    args = parser.parse_args()
    pixels = photo(args.shared, args.size)
    tasks = {}
    for card in args.models:
        model = open_model(card)
        recorder = Recorder(model)
        upscale(pixels, recorder)
        name = label(card)
        tasks[name, "alone"] = partial(timed, partial(network_alone, model, recorder.calls))
        tasks[name, "core"] = partial(timed, partial(upscale, pixels, model))
    seconds = alternate(tasks, args.rounds)
    names = list(dict.fromkeys(name for name, _ in tasks))
    ratios = {name: seconds[name, "core"] / seconds[name, "alone"] for name in names}
    rows = [
        (
            name,
            f"{1000 * seconds[name, 'alone']:.0f}",
            f"{1000 * seconds[name, 'core']:.0f}",
            f"{ratios[name]:.2f}",
        )
        for name in names
    ]
    table([f"{args.size:g} megapixels, 2x", "LiteRT ms", "upscale() ms", "ratio"], rows)
    bars(args.out / "core.png", "upscale() against LiteRT alone", ratios, "ratio of medians")


main()
