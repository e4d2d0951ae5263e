"""File to file, JPEG to JPEG at 2x: this project's models against plain resizers, as whole processes.

    python benchmarks/resizers.py --size 12

`vips` is the program of that name where it is installed, else the same through Python.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from common import bars, megabytes, options, photo, save, table, upscale_command

from upscale_cli import zoo
from upscale_cli.meter import Process, alternate, run_process

PILLOW = """
import sys
from PIL import Image
image = Image.open(sys.argv[1])
large = image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
large.save(sys.argv[2], quality=95, subsampling=0)
"""
OPENCV = """
import sys, cv2
large = cv2.resize(cv2.imread(sys.argv[1]), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
cv2.imwrite(sys.argv[2], large, [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111])
"""
VIPS = """
import sys, pyvips
pyvips.Image.new_from_file(sys.argv[1]).resize(2, kernel="lanczos3").write_to_file(sys.argv[2])
"""


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--size", type=float, default=12, help="megapixels of the source")
    parser.add_argument("--model", action="append", help="a model; may be given again (fsrcnn-s, fsrcnn-m)")
    args = parser.parse_args()
    known = [card.name for card in zoo.models()]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "photo.jpg"), Path(folder, "large.jpg")
        pixels = photo(args.shared, args.size)
        save(pixels, source)
        python = partial(_python, source, target)
        if vips := shutil.which("vips"):
            resize = [vips, "resize", str(source), str(target), "2", "--kernel", "lanczos3"]
        else:
            resize = python(VIPS)
        commands = {
            "vips lanczos3": resize,
            "vips lanczos3, Q 95, 4:4:4": [
                f"{word}[Q=95,subsample_mode=off]" if word == str(target) else word for word in resize
            ],
            "Pillow Lanczos": python(PILLOW),
            "OpenCV bicubic": python(OPENCV),
        }
        for name in args.model or [name for name in ("fsrcnn-s", "fsrcnn-m") if name in known]:
            for kind in (kind for kind in ("float", "int8") if kind in zoo.find(name).files):
                commands[f"{name} {kind}"] = upscale_command(source, target, "-n", name, "--precision", kind)
        runs: dict[str, list[Process]] = {name: [] for name in commands}

        def task(name: str) -> float:
            runs[name].append(run_process(commands[name]))
            return runs[name][-1].seconds

        seconds = alternate({name: partial(task, name) for name in commands}, args.rounds)
    rows = [
        (
            name,
            f"{seconds[name]:.2f}",
            f"{seconds[name] / seconds['vips lanczos3']:.2f}",
            f"{median(run.cpu_seconds or 0 for run in runs[name]):.2f}",
            megabytes(max((run.peak or 0 for run in runs[name]), default=None)),
        )
        for name in commands
    ]
    table(["JPEG to JPEG, 2x", "seconds", "vips = 1", "CPU seconds", "memory"], rows)
    bars(args.out / "resizers.png", f"{args.size:g} megapixels, JPEG to JPEG at 2x", seconds)


def _python(source: Path, target: Path, code: str) -> list[str]:
    return [sys.executable, "-c", code, str(source), str(target)]


main()
