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
    tasks, runtimes = {}, {}
    for entry in args.models:
        card = entry.card
        runtime = entry.runtime or quickest(card, pixels.shape[0] * pixels.shape[1], card.views())
        name = entry._replace(runtime=runtime).label
        runtimes[name] = runtime
        models = {kind: open_model(card, runtime=kind) for kind in {"litert", runtime}}
        recorder = Recorder(models[runtime])
        upscale(pixels, recorder)
        for kind, model in models.items():
            tasks[name, kind] = partial(timed, partial(network_alone, model, recorder.calls))
        tasks[name, "core"] = partial(timed, partial(upscale, pixels, models[runtime]))
    seconds = alternate(tasks, args.rounds)
    ratios, rows = {}, []
    for name, runtime in runtimes.items():
        litert, network, core = (seconds[name, part] for part in ("litert", runtime, "core"))
        ratios[name] = core / litert
        times = [f"{1000 * part:.0f}" for part in (litert, network, core)]
        rows.append((name, *times, *at_most(ratios[name], 1.2), f"{core / network:.2f}"))
    columns = ["LiteRT ms", "network ms", "upscale() ms", "of LiteRT", "goal", "of the network"]
    table([f"{args.size:g} megapixels, 2x", *columns], rows)
    bars(args.out / "core.png", "upscale() against LiteRT alone", ratios, "ratio of medians")


main()
