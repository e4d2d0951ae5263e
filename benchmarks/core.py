"""What the core adds to the network: `upscale()` beside the network alone on the same windows, halo included.

python benchmarks/core.py --size 4 --models fsrcnn-s:float fsrcnn-s:int8
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from common import add_models, options, photo
from report import at_most, bars, table

from upscale_cli.machine import available_cpus
from upscale_cli.meter import alternate, timed
from upscale_cli.runtimes import open_model, quickest
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
    for entry in args.models:
        runtime = entry.runtime or quickest(entry.card, pixels.shape[0] * pixels.shape[1])
        litert, model = open_model(entry.card), open_model(entry.card, runtime=runtime)
        recorder = Recorder(model)
        upscale(pixels, recorder)
        name = f"{entry.card.name} {entry.card.precision} {runtime}"
        tasks[name, "LiteRT"] = partial(timed, partial(network_alone, litert, recorder.calls))
        tasks[name, "alone"] = partial(timed, partial(network_alone, model, recorder.calls))
        tasks[name, "core"] = partial(timed, partial(upscale, pixels, model))
    seconds = alternate(tasks, args.rounds)
    names = list(dict.fromkeys(name for name, _ in tasks))
    ratios = {name: seconds[name, "core"] / seconds[name, "LiteRT"] for name in names}
    rows = [
        (
            name,
            *(f"{1000 * seconds[name, part]:.0f}" for part in ("LiteRT", "alone", "core")),
            *at_most(ratios[name], 1.2),
            f"{seconds[name, 'core'] / seconds[name, 'alone']:.2f}",
        )
        for name in names
    ]
    columns = ["LiteRT ms", "network ms", "upscale() ms", "of LiteRT", "goal", "of the network"]
    table([f"{args.size:g} megapixels, 2x", *columns], rows)
    bars(args.out / "core.png", "upscale() against LiteRT alone", ratios, "ratio of medians")


main()
