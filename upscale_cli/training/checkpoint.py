"""What a run's folder keeps for the next time: the weights half way, and at the end that it is over."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from keras import ops

from upscale_cli.atomic import atomic
from upscale_cli.errors import InputError, UsageError
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
    """Write the checkpoint whole or not at all; ``sources`` tells what the run starts and learns from.

    Raises:
        OutputError: it cannot be written.
    """
    values = [ops.convert_to_numpy(v) for v in (*network.variables, *optimizer.variables)]
    told = json.dumps({"config": asdict(config), "sources": sources, "done": done, "best": best})
    with atomic(run / CHECKPOINT) as part, part.open("wb") as file:
        np.savez(file, *values, facts=np.array(told))


def restore(
    run: Path, config: TrainConfig, sources: str, network: keras.Model, optimizer: Any
) -> tuple[int, float]:
    """Load the checkpoint in ``run`` if there is one; return (steps done, best validation dB).

    Raises:
        InputError, UsageError: as :func:`facts`.
    """
    told = facts(run, config, sources)
    if told is None:
        return 0, -np.inf
    with opened(run / CHECKPOINT) as stored:
        for k, variable in enumerate((*network.variables, *optimizer.variables)):
            variable.assign(stored[f"arr_{k}"])
    return told["done"], told["best"]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a checkpoint for the block.

    Raises:
        InputError: it is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file) as stored:
            yield stored
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}: the checkpoint is damaged: {error}",
            hint="remove it to begin the run anew, or give another --run folder",
        ) from error


def facts(run: Path, config: TrainConfig, sources: str) -> dict[str, Any] | None:
    """Return the steps ``done`` and the ``best`` score of the checkpoint in ``run``, None without one.

    Raises:
        InputError: if it is damaged.
        UsageError: if it was made with another config, from other weights or of other pictures.
    """
    path = run / CHECKPOINT
    if not path.exists():
        return None
    with opened(path) as stored:
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
