"""Peak memory and time per megapixel, file to file at 2x, over sizes of the source.

    python benchmarks/memory.py --sizes 1 4 12 48 300 --format tiff

The mark: at most the output's bytes + 300 MB while the output fits; a bound (--memory) beyond that.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from common import bars, megabytes, options, photo, save, table, upscale_command

from upscale_cli import zoo
from upscale_cli.meter import run_process


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 4, 12, 48], help="megapixels")
    parser.add_argument("--format", default="jpg", help="of the source and of the result: jpg, png, tiff")
    parser.add_argument("--model", default=zoo.default_name())
    parser.add_argument("--memory", default="", help="budget to pass on, such as 1G")
    args = parser.parse_args()
    words = ["-n", args.model, *(["--memory", args.memory] if args.memory else [])]
    rows, rates = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for size in args.sizes:
            pixels = photo(args.shared, size)
            source, target = Path(folder, f"in.{args.format}"), Path(folder, f"out.{args.format}")
            save(pixels, source)
            made, count = 4 * pixels.size, pixels.size / 3e6
            del pixels
            runs = [run_process(upscale_command(source, target, *words)) for _ in range(args.rounds)]
            seconds, peak = median(run.seconds for run in runs), max(run.peak or 0 for run in runs)
            rates[f"{size:g} MP"] = seconds / count
            over = megabytes(max(0, peak - made))
            rows.append(
                (
                    f"{count:.1f}",
                    f"{seconds:.2f}",
                    f"{seconds / count:.3f}",
                    megabytes(made),
                    megabytes(peak),
                    over,
                )
            )
    table(["megapixels", "seconds", "s / MP", "output", "peak memory", "over the output"], rows)
    bars(
        args.out / "memory.png", f"{args.model}, {args.format} to {args.format} at 2x", rates, "s / megapixel"
    )


main()
