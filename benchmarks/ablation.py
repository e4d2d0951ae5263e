"""What each part of the training recipe is worth: short runs that differ in one thing.

Every run has the same number of steps and of pixels in a step; the score is PSNR on Y over the validation
pictures. Finished runs are kept in ``--out``, so that the table can grow. Two seeds differed by 0.02 dB.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from upscale_cli.training import data, loop
from upscale_cli.training.config import TrainConfig, preset
from upscale_cli.training.files import picture_files
from upscale_cli.training.recipe import answers_of, teacher_of

ADAM = {"optimizer": "adam", "rate": 1e-3}
CHANGES: dict[str, dict[str, Any]] = {
    "the recipe": {},
    "another seed": {"seed": 2},
    "Adam at 1e-3": ADAM,
    "Adam at 3e-3": {**ADAM, "rate": 3e-3},
    "Adam, expand-and-squeeze branches of 64": {**ADAM, "expansion": 64},
    "Muon, expand-and-squeeze branches of 64": {"expansion": 64},
    "rate 4e-3": {"rate": 4e-3},
    "rate 1.6e-2": {"rate": 1.6e-2},
    "Charbonnier": {"loss": "charbonnier"},
    "L2": {"loss": "l2"},
    "L1 + 0.05 Fourier": {"fourier": 0.05},
    "fsrcnn-m as a teacher, trusted by half": {"teacher": "fsrcnn-m", "trust": 0.5},
    "fsrcnn-m as a teacher": {"teacher": "fsrcnn-m"},
    "fsrcnn-m as a teacher, trusted alone": {"teacher": "fsrcnn-m", "trust": 1.0},
    "crops drawn evenly": {"hardness": 0.0},
    "crops drawn by error, unweakened": {"hardness": 1.0},
    "no rescaled views": {"rescaled": 0.0},
    "rescaled views in plain luma": {"mixed": False},
    "four rescaled views": {"rescaled": 4.0},
    "a drawing with every fifth photograph": {"synthetic": 0.2},
    "patches of 32, 18 a step": {"patch": 32, "batch": 18},
    "patches of 24, 32 a step": {"patch": 24, "batch": 32},
    "patches of 16, 72 a step": {"patch": 16, "batch": 72},
    "patches of 96, 2 a step": {"patch": 96, "batch": 2},
    "no averaged weights": {"ema": 0.0},
}


def base(model: str, steps: int) -> TrainConfig:
    """What the rows differ from: the recipe in so many steps, with patches as it had them at first."""
    return replace(
        preset(model),
        steps=steps,
        check_every=steps,
        warmup=200,
        ema=0.99,
        batch=8,
        patch=48,
        rescaled=0.5,
    )


def score(config: TrainConfig, files: list[Path], checks: list[Path], run: Path) -> dict[str, float]:
    """Train one variant; return validation PSNR in dB and steps per second."""
    teacher = answers_of(teacher_of(config)) if config.teacher else None
    pool = data.build_pool(data.pairs(files, config), config.patch, config.hardness, teacher)
    held_out = data.originals(checks, config)
    speeds: list[float] = []
    network = loop.train(config, pool, held_out, run, on_block=lambda *block: speeds.append(block[3]))
    return {"psnr": loop.validate(network, held_out), "steps_per_second": max(speeds, default=0.0)}


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of photographs to train on")
    parser.add_argument("val", type=Path, help="folder of photographs to validate on")
    parser.add_argument("--model", default="fsrcnn-s", help="whose recipe to vary (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--only", nargs="*", help="run these rows only")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    args = parser.parse_args()
    files, checks = picture_files([args.data]), picture_files([args.val])
    results = args.out / "results.json"
    table: dict[str, dict[str, float]] = json.loads(results.read_text()) if results.exists() else {}
    for name, change in CHANGES.items():
        if name in table or (args.only and name not in args.only):
            continue
        config = replace(base(args.model, args.steps), **change)
        table[name] = score(config, files, checks, args.out / re.sub(r"\W+", "-", name))
        results.write_text(json.dumps(table, indent=1))
        print(f"{name}: {table[name]['psnr']:.3f} dB", flush=True)
    recipe = table.get("the recipe", {"psnr": float("nan")})["psnr"]
    print("| what | PSNR | difference | steps/s |", "|---|--:|--:|--:|", sep="\n")
    for name, row in table.items():
        print(f"| {name} | {row['psnr']:.3f} | {row['psnr'] - recipe:+.3f} | {row['steps_per_second']:.1f} |")


if __name__ == "__main__":
    main()
