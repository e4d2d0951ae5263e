"""Muon for convolutions: https://kellerjordan.github.io/posts/muon/, sizes of steps after arXiv:2502.16982.

The momentum of a layer's weights, seen as a matrix, is replaced by the nearest one whose singular values are
all equal. Directions that Adam hardly moves then learn as fast as the others, so that a small network needs
fewer steps.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

NARROW = 8
"""Layers with fewer channels at either end have too few singular values, and are left to Adam."""


class ConvMuon(keras.optimizers.Muon):  # type: ignore[misc]
    """``keras.optimizers.Muon`` that also takes kernels (h, w, in, out), as matrices (h*w*in, out).

    Biases and narrow layers are Adam's, at a quarter of the rate. No weight decay.
    """

    def __init__(self, learning_rate: Any, **kwargs: Any) -> None:
        """Take ``keras.optimizers.Optimizer``'s options."""
        own = {"adam_lr_ratio": 0.25, "adam_beta_2": 0.99, "weight_decay": None, "adam_weight_decay": None}
        super().__init__(learning_rate, **{**own, **kwargs})

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) < 2 or min(variable.shape[-2:]) < NARROW

    def _backend_update_step(
        self, grads: list[Any], trainable_variables: list[Any], learning_rate: Any
    ) -> None:
        # kernels of one shape take their step together: a deep stack is otherwise hundreds of tiny products
        alike: dict[tuple[int, ...], list[tuple[Any, Any]]] = {}
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            if self._should_use_adamw(variable):
                self.update_step(gradient, variable, learning_rate)
            else:
                alike.setdefault(tuple(variable.shape), []).append((gradient, variable))
        for shape, members in alike.items():
            ahead = ops.stack([self._look_ahead(gradient, variable) for gradient, variable in members])
            steps = self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
            for k, (_, variable) in enumerate(members):
                self.assign_sub(variable, ops.reshape(self.lr_adjust(learning_rate * steps[k]), shape))

    def _look_ahead(self, gradient: Any, variable: Any) -> Any:
        """Update the momentum; return where it leads next (Nesterov), as a matrix (h*w*in, out)."""
        m = self.momentums[self._get_variable_index(variable)]
        self.assign_add(m, gradient + m * (self.momentum - 1))
        return ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
