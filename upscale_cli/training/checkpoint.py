"""What a run's folder keeps for the next time: the weights half way, and at the end that it is over."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from upscale_cli.errors import UsageError
from upscale_cli.training.config import TrainConfig

CHECKPOINT = "checkpoint.npz"
OUTCOME = "outcome.json"


def save(
    run: Path,
    config: TrainConfig,
    sources: str,
    network: keras.Model,
    optimizer: Any,
    done: int,
    best: float,
) -> None:
    """Write the checkpoint whole or not at all; ``sources`` tells what the run starts and learns from."""
    values = [ops.convert_to_numpy(v) for v in (*network.variables, *optimizer.variables)]
    told = json.dumps({"config": asdict(config), "sources": sources, "done": done, "best": best})
    part = run / "checkpoint.part.npz"
    np.savez(part, *values, facts=np.array(told))
    part.replace(run / CHECKPOINT)


def restore(
    run: Path, config: TrainConfig, sources: str, network: keras.Model, optimizer: Any
) -> tuple[int, float]:
    """Load the checkpoint in ``run`` if there is one; return (steps done, best validation dB).

    Raises:
        UsageError: as :func:`facts`.
    """
    told = facts(run, config, sources)
    if told is None:
        return 0, -np.inf
    with np.load(run / CHECKPOINT) as stored:
        for k, variable in enumerate((*network.variables, *optimizer.variables)):
            variable.assign(stored[f"arr_{k}"])
    return told["done"], told["best"]


def facts(run: Path, config: TrainConfig, sources: str) -> dict[str, Any] | None:
    """Return the steps ``done`` and the ``best`` score of the checkpoint in ``run``, None without one.

    Raises:
        UsageError: if it was made with another config, from other weights or of other pictures.
    """
    path = run / CHECKPOINT
    if not path.exists():
        return None
    with np.load(path) as stored:
        told: dict[str, Any] = json.loads(str(stored["facts"]))
    if told["config"] != json.loads(json.dumps(asdict(config))):
        raise UsageError(f"{path} belongs to a run with other settings", hint="give another --run folder")
    if told.get("sources") != sources:
        raise UsageError(
            f"{path} belongs to a run with another start or other pictures", hint="give another --run folder"
        )
    return told


def finish(run: Path, before: float | None, after: float, published: bool) -> None:
    """Note that the run is over and what it came to, in dB; it is not gone on with."""
    told = json.dumps({"before": before, "after": after, "published": published})
    (run / OUTCOME).write_text(told + "\n", "utf-8")


def check_unfinished(run: Path) -> None:
    """Raise UsageError if the run in ``run`` is over."""
    if (run / OUTCOME).exists():
        raise UsageError(
            f"{run} holds a finished run", hint="give another --run folder, or remove this one to train anew"
        )
