"""Peak memory and time per megapixel, file to file at 2x, over sizes of the source.

    python benchmarks/memory.py --sizes 1 4 12 48 --models fsrcnn-s
    python benchmarks/memory.py --sizes 1 12 300 --format tiff --memory 1G --rounds 1 --models fsrcnn-s

Goals: at most the output's bytes + 300 MB; time per megapixel, without that of a tiny picture, within 20 %
of the median; with --memory, no more than that of the process's own (anonymous) memory.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from common import add_models, options, photo, save, upscale_command
from report import at_most, bars, megabytes, table

from upscale_cli.cli.values import parse_amount
from upscale_cli.meter import race


def main() -> None:
    parser = options(__doc__)
    add_models(parser)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 4, 12, 48], help="megapixels")
    parser.add_argument("--format", default="jpg", help="of the source and of the result: jpg, png, tiff")
    parser.add_argument("--memory", default="", help="budget to pass on, such as 1G")
    args = parser.parse_args()
    words = ["--memory", args.memory] if args.memory else []
    bound = parse_amount(args.memory, "--memory") / 1e6 if args.memory else None
    runs, rates = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"out.{args.format}")
        tiny = save(photo(args.shared, 0.02)[:64, :64], Path(folder, f"tiny.{args.format}"))
        start = race(
            {entry.label: upscale_command(tiny, target, entry) for entry in args.models}, args.rounds
        )
        for size in args.sizes:
            pixels = photo(args.shared, size)
            source, made = save(pixels, Path(folder, f"in.{args.format}")), 4 * pixels.size
            del pixels
            commands = {entry.label: upscale_command(source, target, entry, *words) for entry in args.models}
            for name, run in race(commands, args.rounds).items():
                runs[f"{name}, {size:g} MP"] = run, made
                rates[f"{name}, {size:g} MP"] = (run.seconds - start[name].seconds) / (made / 12e6)
    rows = []
    for name, (run, made) in runs.items():
        model = name.partition(",")[0]
        typical = median(rate for other, rate in rates.items() if other.startswith(f"{model},"))
        peak, own = run.peak or 0, run.anonymous or 0
        over = at_most(max(0, peak - made) / 1e6, None if bound else 300, " MB", 0)
        rows.append(
            (
                name,
                f"{run.seconds:.2f}",
                f"{rates[name]:.3f}",
                *_within(rates[name] / typical),
                megabytes(made),
                megabytes(peak),
                *over,
                *at_most(own / 1e6, bound, " MB", 0),
            )
        )
    title = f"{args.format} to {args.format} at 2x"
    columns = ["seconds", "s / MP", "median = 1", "goal"]
    columns += ["output", "peak", "over it", "goal", "anonymous", "goal"]
    table([title, *columns], rows)
    bars(args.out / "memory.png", title, rates, "seconds per megapixel, without the start")


def _within(ratio: float) -> tuple[str, str]:
    return f"{ratio:.2f}", "0.8 to 1.2 " + ("met" if 0.8 <= ratio <= 1.2 else "missed")


main()
