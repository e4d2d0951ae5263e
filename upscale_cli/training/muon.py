"""Muon for convolutions: https://kellerjordan.github.io/posts/muon/, sizes of steps after arXiv:2502.16982.

The momentum of a layer's weights, seen as a matrix, is replaced by the nearest one whose singular values are
all alike. Directions that Adam hardly moves then learn as fast as the others, which small networks on a CPU
repay with fewer steps.
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

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, gradient + m * (self.momentum - 1))
        ahead = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        update = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(ahead, self.ns_steps))
        self.assign_sub(variable, ops.reshape(update, variable.shape))
