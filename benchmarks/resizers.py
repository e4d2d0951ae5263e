"""File to file, JPEG to JPEG: this project's models against plain resizers, as whole processes.

    python benchmarks/resizers.py --size 12 --models fsrcnn-s fsrcnn-m --scale 2

`vips` is the program of that name where it is installed, else the same through Python. It writes JPEG at
quality 75 with halved colour, the others at 95 with full colour; one row has it do the same.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from common import add_models, goals, options, photo, save, upscale_command
from report import at_most, bars, megabytes, table

from upscale_cli.meter import race

GOALS = goals({"fsrcnn-s": 1.0, "fsrcnn-m": 2.0})
"""Times that of `vips resize`."""

PILLOW = """
import sys
from PIL import Image
image = Image.open(sys.argv[1])
scale = int(sys.argv[3])
large = image.resize((scale * image.width, scale * image.height), Image.Resampling.LANCZOS)
large.save(sys.argv[2], quality=95, subsampling=0)
"""
OPENCV = """
import sys, cv2
scale = int(sys.argv[3])
large = cv2.resize(cv2.imread(sys.argv[1]), None, fx=scale, fy=scale, interpolation=cv2.INTER_LANCZOS4)
cv2.imwrite(sys.argv[2], large, [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111])
"""
VIPS = """
import sys, pyvips
small = pyvips.Image.new_from_file(sys.argv[1])
small.resize(int(sys.argv[3]), kernel="lanczos3").write_to_file(sys.argv[2])
"""


def main() -> None:
    parser = options(__doc__)
    add_models(parser)
    parser.add_argument("--size", type=float, default=12, help="megapixels of the source")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = save(photo(args.shared, args.size), Path(folder, "photo.jpg"))
        target = Path(folder, "large.jpg")
        fine = f"{target}[Q=95,subsample_mode=off]"
        commands = {
            "vips Lanczos": _vips(source, str(target), args.scale),
            "vips Lanczos, Q 95, 4:4:4": _vips(source, fine, args.scale),
            "Pillow Lanczos": _python(PILLOW, source, target, args.scale),
            "OpenCV Lanczos": _python(OPENCV, source, target, args.scale),
            **{
                entry.label: upscale_command(source, target, entry, "-s", str(args.scale))
                for entry in args.models
            },
        }
        found = race(commands, args.rounds)
    vips = found["vips Lanczos"].seconds
    rows = [
        (
            name,
            f"{run.seconds:.2f}",
            *at_most(run.seconds / vips, GOALS.get(name)),
            f"{run.cpu_seconds or 0:.2f}",
            megabytes(run.peak),
        )
        for name, run in found.items()
    ]
    table([f"JPEG to JPEG, {args.scale}x", "seconds", "vips = 1", "goal", "CPU seconds", "memory"], rows)
    title = f"{args.size:g} megapixels, JPEG to JPEG at {args.scale}x"
    bars(args.out / f"resizers_x{args.scale}.png", title, {name: run.seconds for name, run in found.items()})


def _vips(source: Path, target: str, scale: int) -> list[str]:
    program = shutil.which("vips")
    if program is None:
        return _python(VIPS, source, target, scale)
    return [program, "resize", str(source), target, str(scale), "--kernel", "lanczos3"]


def _python(code: str, source: Path, target: object, scale: int) -> list[str]:
    return [sys.executable, "-c", code, str(source), str(target), str(scale)]


main()
