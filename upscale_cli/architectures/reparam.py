"""A 3×3 convolution that trains as several branches and runs as one.

Collapsing the branches in every training step costs almost nothing, since kernels are small and pictures are
not: Bhardwaj et al., SESR, arXiv:2103.09404. The branches follow Zhang et al., ECBSR, ACM MM 2021.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("upscale")
class RepConv2D(keras.layers.Layer):  # type: ignore[misc]
    """3×3 convolution, trained as ``3×3 + (1×1 expand → 3×3 squeeze) [+ identity]``.

    ``(N, H, W, Cin) -> (N, H, W, filters)``, zero padding, with bias.
    """

    def __init__(
        self,
        filters: int,
        *,
        expansion: int = 0,
        identity: bool = False,
        zero_sum: bool = False,
        scale: float = 0.2,
        activation: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Describe the block.

        Args:
            filters: Output channels.
            expansion: Channels of the expand-and-squeeze branch; 0 leaves the branch out.
            identity: Add the input itself; needs as many input as output channels. Without it plain stacks
                of ten such layers die at the start (all ReLUs at zero).
            zero_sum: Take the mean out of each filter, so that a constant input gives a zero response.
            scale: Variance scaling of the initial 3×3 kernel.
            activation: ``"relu"`` or None.
        """
        super().__init__(**kwargs)
        self.filters = filters
        self.expansion = expansion
        self.identity = identity
        self.zero_sum = zero_sum
        self.scale = scale
        self.activation = activation

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the branches' weights."""
        channels = input_shape[-1]
        start = keras.initializers.VarianceScaling(self.scale, "fan_in", "normal")
        self.kernel = self.add_weight(shape=(3, 3, channels, self.filters), initializer=start, name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        if self.expansion:
            self.expand = self.add_weight(
                shape=(channels, self.expansion), initializer="glorot_normal", name="expand"
            )
            self.squeeze = self.add_weight(
                shape=(3, 3, self.expansion, self.filters), initializer=start, name="squeeze"
            )

    def collapsed(self) -> Any:
        """Return the one kernel, (3, 3, Cin, filters), that does the work of all branches."""
        kernel = self.kernel
        if self.expansion:
            kernel = kernel + ops.einsum("ie,hweo->hwio", self.expand, self.squeeze)
        if self.identity:
            centre = np.zeros((3, 3, self.filters, self.filters), "float32")
            centre[1, 1] = np.eye(self.filters)
            kernel = kernel + ops.convert_to_tensor(centre, dtype=kernel.dtype)
        if self.zero_sum:
            kernel = kernel - ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        return kernel

    def assign_merged(self, kernel: np.ndarray, bias: np.ndarray) -> None:
        """Make the block compute exactly ``kernel`` and ``bias``, whatever its other branches hold."""
        self.kernel.assign(self.kernel + ops.convert_to_tensor(kernel) - self.collapsed())
        self.bias.assign(bias)

    def call(self, inputs: Any) -> Any:
        """Convolve with the collapsed kernel."""
        kernel = ops.cast(self.collapsed(), self.compute_dtype)
        outputs = ops.conv(inputs, kernel, padding="same") + ops.cast(self.bias, self.compute_dtype)
        return ops.relu(outputs) if self.activation == "relu" else outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Same height and width, ``filters`` channels."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """What ``keras.saving`` needs to build the block again."""
        config: dict[str, Any] = super().get_config()
        names = ("filters", "expansion", "identity", "zero_sum", "scale", "activation")
        return {**config, **{name: getattr(self, name) for name in names}}
