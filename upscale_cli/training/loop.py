"""The training loop: reads top to bottom, runs on any Keras 3 backend, stops and goes on."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from upscale_cli.architectures.fsrcnn import assign_merged, convolutions, fsrcnn, merged, rep_layers
from upscale_cli.atomic import atomic, sweep
from upscale_cli.errors import ResultError
from upscale_cli.metrics import psnr
from upscale_cli.training import checkpoint
from upscale_cli.training.config import TrainConfig
from upscale_cli.training.data import UNITS, WORTH, Plane, Pool, enlarge
from upscale_cli.training.export import keras_file
from upscale_cli.training.muon import ConvMuon

BEST = "best.keras"
"""The weights of a run's best validation, in its folder."""

PERFECT = 100.0
"""dB that a validation picture without any error counts as: an infinite mean would hide all others."""


class PatchTrainer(keras.Model):  # type: ignore[misc]
    """Cuts patches out of a pool on the device and scores a network on them.

    Called on (N, 5) int32 rows of :meth:`Pool.draw`; answers (N, scale*P, scale*P, 1), the network's error,
    and as a second channel how far it is from the teacher's answer, if there is one. Both are times the root
    of how much the patch counts.
    """

    def __init__(self, network: keras.Model, pool: Pool, config: TrainConfig) -> None:
        super().__init__(name="trainer")
        self.network = network
        self.config = config
        # weights, not constants: a compiled step then refers to the pool in place of carrying a copy
        self.low = self.hold(pool.low)
        self.residual = self.hold(pool.residual)
        self.taught = None if pool.taught is None else self.hold(pool.taught)
        self.built = True  # all its weights are there

    def hold(self, values: NDArray[np.int16]) -> Any:
        """Return ``values`` on the device."""
        held = self.add_weight(shape=values.shape, dtype="int16", trainable=False, initializer="zeros")
        held.assign(values)
        return held

    def patches(self, flat: Any, start: Any, width: Any, code: Any, side: int) -> Any:
        """Gather (N, side, side, 1) float32 patches; bits of ``code``: flip rows, flip columns, transpose."""
        i, j = (
            ops.reshape(ops.convert_to_tensor(grid), (1, side, side))
            for grid in np.mgrid[:side, :side].astype("int32")
        )
        code = ops.reshape(code, (-1, 1, 1))
        rows = ops.where(code % 2 == 1, side - 1 - i, i)
        columns = ops.where(code // 2 % 2 == 1, side - 1 - j, j)
        turned = code // 4 == 1
        rows, columns = ops.where(turned, columns, rows), ops.where(turned, rows, columns)
        where = ops.reshape(start, (-1, 1, 1)) + rows * ops.reshape(width, (-1, 1, 1)) + columns
        return ops.cast(ops.take(flat, where), "float32")[..., None] / UNITS

    def call(self, crops: Any) -> Any:
        """Return prediction minus truth, and minus the teacher's answer."""
        start, corner, width, code, worth = (crops[:, k] for k in range(5))
        side = self.config.patch
        low = self.patches(self.low, start + corner, width, code, side)
        # the same corner at high resolution; at scale 2: row 2y of length 2W, column 2x
        scale = self.config.scale
        corner = scale**2 * (corner // width) * width + scale * (corner % width)
        answer = ops.cast(self.network(low), "float32")
        errors = [
            answer - self.patches(wanted, scale**2 * start + corner, scale * width, code, scale * side)
            for wanted in (self.residual, self.taught)
            if wanted is not None
        ]
        worth = ops.cast(ops.reshape(worth, (-1, 1, 1, 1)), "float32") / WORTH
        return ops.concatenate(errors, axis=-1) * ops.sqrt(worth)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Mean pixel loss of the errors, plus the Fourier term."""
        kinds: dict[str, Callable[[Any], Any]] = {
            "l1": ops.abs,
            "l2": _squares,
            "relative": _squares,  # by what patches count: `build_pool`
            "charbonnier": lambda e: ops.sqrt(ops.square(e) + 1e-6),
        }
        losses = ops.mean(kinds[self.config.loss](y_pred), axis=(0, 1, 2))
        loss = losses[0]
        if self.taught is not None:
            loss = (1 - self.config.trust) * loss + self.config.trust * losses[1]
        if self.config.fourier:
            real, imaginary = ops.fft2((y_pred[..., 0], ops.zeros_like(y_pred[..., 0])))
            # an orthonormal transform, so that the term has the error's own size
            size = self.config.scale * self.config.patch
            loss = loss + self.config.fourier * ops.mean(ops.abs(real) + ops.abs(imaginary)) / size
        return loss


def _squares(errors: Any) -> Any:
    """Squared errors, about the size of l1 near the end, so that one rate fits both."""
    return 100 * ops.square(errors)


def as_pass(network: keras.Model, scale: int = 2) -> Callable[[Plane], Plane]:
    """Return ``network`` as a function from luma to its enlargement, borders mirrored as in the tiler."""
    halo = len(rep_layers(network) or convolutions(network))

    def enlarged(low: Plane) -> Plane:
        wide = np.pad(low, halo, mode="reflect")
        residual = ops.convert_to_numpy(network.predict_on_batch(wide[None, ..., None]))[0, ..., 0]
        result: Plane = enlarge(wide, scale) + residual
        return result[scale * halo : -scale * halo, scale * halo : -scale * halo]

    return enlarged


def validate(network: keras.Model, pictures: list[tuple[Plane, Plane]]) -> float:
    """Return the mean PSNR on Y, in dB, over whole pictures: 8-bit studio range, ``scale`` pixels cropped."""
    scores = []
    for low, high in pictures:
        scale = high.shape[0] // low.shape[0]
        inside = (slice(scale, -scale),) * 2
        result, truth = (
            np.rint(16 + 219 * np.clip(plane[inside], 0, 1)) for plane in (as_pass(network, scale)(low), high)
        )
        scores.append(min(psnr(result, truth), PERFECT))
    return float(np.mean(scores))


def train(
    config: TrainConfig,
    pool: Pool,
    held_out: list[tuple[Plane, Plane]],
    run: Path,
    *,
    init: Path | None = None,
    sources: str = "",
    on_block: Callable[[int, float, float, float], None] | None = None,
) -> keras.Model:
    """Train to the end, going on from ``run`` where it holds an interrupted run of the same kind.

    Args:
        config: The recipe.
        pool: What to learn from.
        held_out: (low, high) pairs to validate on.
        run: Folder of the checkpoint, the best weights and ``log.csv``; made if missing.
        init: A merged ``.keras`` model to start from, of the same shape or smaller.
        sources: Tells ``init`` and the pictures from others, for the checkpoint.
        on_block: Called as (steps done, loss, validation dB, steps per second) after each block of steps.

    Returns:
        The best network by validation, in plain merged form.

    Raises:
        UsageError: if ``run`` belongs to a run with another config or other sources.
        ResultError: if loss or answers are no longer finite.
    """
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(config.precision)
    network = fsrcnn(
        config.channels,
        config.depth,
        scale=config.scale,
        expansion=config.expansion,
        name=config.name.replace("-", "_"),
    )
    if init:
        assign_merged(network, keras.saving.load_model(init, compile=False))
    for block in rep_layers(network)[: config.frozen]:
        block.trainable = False
    trainer = PatchTrainer(network, pool, config)
    warmup = min(config.warmup, config.steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        config.rate * 1e-2,
        config.steps - warmup,
        alpha=config.final_rate / config.rate,
        warmup_target=config.rate,
        warmup_steps=warmup,
    )
    average = {"use_ema": True, "ema_momentum": config.ema}
    if config.optimizer == "muon":
        optimizer = ConvMuon(rate, **average)
    else:
        optimizer = keras.optimizers.Adam(rate, beta_2=0.99, **average)
    optimizer.build(trainer.trainable_variables)
    run.mkdir(parents=True, exist_ok=True)
    sweep(run)
    done, best = checkpoint.restore(run, config, sources, network, optimizer)
    steps = blocks_of_steps(trainer, optimizer, config.batch)

    while done < config.steps:
        begin = time.monotonic()
        count = min(config.check_every, config.steps - done)
        # patches depend on the seed and the block alone, so that a resumed run draws what the whole one would
        crops = pool.draw(np.random.default_rng([config.seed, done]), count * config.batch)
        loss = steps(crops)
        done += count
        speed = count / (time.monotonic() - begin)
        with averaged(optimizer, network.trainable_variables):
            score = validate(network, held_out)
            if not math.isfinite(loss) or math.isnan(score):
                raise ResultError(
                    f"{config.name}: the training diverged within {done} steps",
                    hint=f"give a smaller --rate than {config.rate:g}",
                )
            if score > best:
                best = score
                with atomic(run / BEST) as part:
                    part.write_bytes(keras_file(merged(network)))
        checkpoint.save(run, config, sources, network, optimizer, done, best)
        with (run / "log.csv").open("a", newline="") as log:
            csv.writer(log).writerow([done, f"{loss:.6f}", f"{score:.4f}", f"{speed:.2f}"])
        if on_block:
            on_block(done, loss, score, speed)
    return keras.saving.load_model(run / BEST, compile=False)


def blocks_of_steps(
    trainer: PatchTrainer, optimizer: keras.optimizers.Optimizer, batch: int
) -> Callable[[NDArray[np.int32]], float]:
    """Return a function that makes a step of every ``batch`` of its crops and returns the mean loss."""
    if keras.backend.backend() == "jax":
        from upscale_cli.training.scanned import scanned

        run = scanned(trainer, optimizer)
        return lambda crops: run(crops.reshape(-1, batch, crops.shape[1]))
    trainer.compile(optimizer, jit_compile=False)  # XLA gains nothing on a CPU

    def steps(crops: NDArray[np.int32]) -> float:
        # not fit(), which ends with the averaged weights in place of the trained ones, and is slower
        rows = crops.reshape(-1, batch, crops.shape[1])
        return float(np.mean([trainer.train_on_batch(row) for row in rows]))

    return steps


@contextmanager
def averaged(optimizer: Any, variables: list[Any]) -> Iterator[None]:
    """Give ``variables`` the optimizer's running averages for the length of the block."""
    trained = [ops.convert_to_numpy(variable) for variable in variables]
    optimizer.finalize_variable_values(variables)
    for variable in variables:
        # a copy: JAX would share, and then free, the averages
        variable.assign(ops.convert_to_numpy(variable))
    try:
        yield
    finally:
        for variable, value in zip(variables, trained, strict=True):
            variable.assign(value)
