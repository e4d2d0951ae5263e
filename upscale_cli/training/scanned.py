"""A block of training steps as one compiled program, for JAX: between them no GPU waits for Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import keras
import numpy as np
from numpy.typing import NDArray


def scanned(
    trainer: keras.Model, optimizer: keras.optimizers.Optimizer
) -> Callable[[NDArray[np.int32]], float]:
    """Return a function that makes a step of each row of (steps, batch, 5) crops and returns the mean loss.

    ``trainer`` and ``optimizer``, both built, have the new values afterwards. What ``trainer`` holds besides
    its trainable weights, the pool, stays on the device.
    """

    @partial(jax.jit, donate_argnums=(0, 1))
    def steps(trained: list[Any], state: list[Any], fixed: list[Any], crops: Any) -> Any:
        def loss_of(trained: list[Any], rows: Any) -> Any:
            errors, _ = trainer.stateless_call(trained, fixed, rows)
            return trainer.compute_loss(y_pred=errors)

        def step(carry: Any, rows: Any) -> Any:
            trained, state = carry
            loss, gradients = jax.value_and_grad(loss_of)(trained, rows)
            return optimizer.stateless_apply(state, gradients, trained), loss

        (trained, state), losses = jax.lax.scan(step, (trained, state), crops)
        return trained, state, losses.mean()

    def run(crops: NDArray[np.int32]) -> float:
        variables = trainer.trainable_variables
        trained, state, loss = steps(
            [v.value for v in variables],
            [v.value for v in optimizer.variables],
            [v.value for v in trainer.non_trainable_variables],
            crops,
        )
        for variable, value in zip((*variables, *optimizer.variables), (*trained, *state), strict=True):
            variable.assign(value)
        return float(loss)

    return run
