"""Quality beside speed: PSNR on a folder of originals, and megapixels made per second.

    python benchmarks/quality_speed.py --peers-python PATH/bin/python --scale 2

Speed is from array to array on one picture, with all CPUs; contenders take turns. libvips enlarges without
centring its pixels, a shift of half a new pixel at 2x, which PSNR punishes more than the eye does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyvips
from common import Peer, add_models, add_peers, options, photo
from PIL import Image
from report import scatter, table

from upscale_cli.evaluate import evaluate
from upscale_cli.meter import alternate, timed
from upscale_cli.pipeline import Upscaler

Enlarge = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    parser = options(__doc__)
    add_peers(parser)
    add_models(parser, precisions="all")
    parser.add_argument("--folder", type=Path, help="originals to measure on (data/test/Set14 of --shared)")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2)
    parser.add_argument(
        "--size", type=float, default=1, help="megapixels of the picture that speed is taken on"
    )
    args = parser.parse_args()
    folder = args.folder or args.shared / "data" / "test" / "Set14"
    peers = _peers(args)
    contenders: dict[str, Enlarge] = {**_models(args), **_resizers(args.scale), **peers}
    scores = evaluate(folder, contenders, args.scale).scores
    pixels = photo(args.shared, args.size)
    tasks = {
        name: partial(enlarge.time, pixels)
        if isinstance(enlarge, Peer)
        else partial(timed, partial(enlarge, pixels))
        for name, enlarge in contenders.items()
    }
    seconds = alternate(tasks, args.rounds)
    for peer in peers.values():
        peer.close()
    made = pixels.size / 3e6 * args.scale**2
    points = {name: (made / seconds[name], scores[name].psnr) for name in contenders}
    rows = sorted(points.items(), key=lambda item: -item[1][1])
    table(
        [f"{folder.name}, {args.scale}x", "PSNR dB", "SSIM", "MP/s"],
        [(name, f"{psnr:.2f}", f"{scores[name].ssim:.4f}", f"{speed:.1f}") for name, (speed, psnr) in rows],
    )
    scatter(args.out / f"quality_speed_x{args.scale}.png", f"{folder.name} at {args.scale}x", points)


def _peers(args) -> dict[str, Peer]:
    weights = args.shared / "peers"
    found = {}
    for name in ("FSRCNN", "FSRCNN-small", "ESPCN", "LapSRN"):
        file = weights / "opencv" / f"{name}_x{args.scale}.pb"
        if file.exists():
            found[f"OpenCV {name}"] = Peer(args.peers_python, "opencv_superres.py", file)
    compact = weights / "ncnn" / "realesr-general-x4v3"
    if args.scale == 4 and compact.with_suffix(".bin").exists():
        words = (f"{compact}.param", f"{compact}.bin")
        found["Real-ESRGAN compact"] = Peer(args.peers_python, "ncnn_compact.py", *words)
    return found


def _models(args) -> dict[str, Enlarge]:
    return {entry.label: Upscaler(entry.settings(args.scale)) for entry in args.models}


def _resizers(scale: int) -> dict[str, Enlarge]:
    def opencv(kernel: int, pixels: np.ndarray) -> np.ndarray:
        large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=kernel)
        return large.reshape(*large.shape[:2], pixels.shape[2])

    def pillow(kernel: Image.Resampling, pixels: np.ndarray) -> np.ndarray:
        image = Image.fromarray(pixels.squeeze())
        large = np.asarray(image.resize((scale * image.width, scale * image.height), kernel))
        return large.reshape(*large.shape[:2], pixels.shape[2])

    def vips(pixels: np.ndarray) -> np.ndarray:
        large = pyvips.Image.new_from_array(pixels).resize(scale, kernel="lanczos3").numpy()
        return large.reshape(*large.shape[:2], pixels.shape[2])

    return {
        "OpenCV bicubic": partial(opencv, cv2.INTER_CUBIC),
        "OpenCV Lanczos": partial(opencv, cv2.INTER_LANCZOS4),
        "Pillow bicubic": partial(pillow, Image.Resampling.BICUBIC),
        "Pillow Lanczos": partial(pillow, Image.Resampling.LANCZOS),
        "libvips Lanczos": vips,
    }


main()
