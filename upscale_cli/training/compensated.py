"""Round kernels weight by weight, each weight making up for the rounding errors of those before it.

Frantar et al., GPTQ, arXiv:2210.17323. Rounding every weight to the nearest step is best for inputs that have
nothing to do with each other; what a layer sees at neighbouring pixels, and in its channels, is nearly the
same, so that the weights still to come can take back most of an error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from upscale_cli.architectures.fsrcnn import convolutions
from upscale_cli.training.data import Plane

_DAMPING = 0.01
"""Share of the inputs' mean energy added to each one's, so that the matrix can always be inverted."""
_LEVELS = 127
"""Steps that a kernel's largest weight is made of."""


class Layer(NamedTuple):
    """A convolution in float."""

    kernel: NDArray[np.float32]
    """(3, 3, in, filters)"""
    bias: NDArray[np.float32]
    """(filters,)"""
    gram: NDArray[np.float64]
    """(9 * in + 1, 9 * in + 1) mean products of what an answer is made of: 3×3 pixels, and 1."""


def layers(plain: keras.Model, pictures: list[Plane]) -> list[Layer]:
    """Return the convolutions of a merged network with what they see of ``pictures``, (H, W) in [0, 1]."""
    found = convolutions(plain)
    seen = keras.Model(plain.inputs, [layer.input for layer in found])
    grams: list[Any] = [0.0] * len(found)
    for picture in pictures:
        for k, plane in enumerate(seen.predict_on_batch(picture[None, ..., None])):
            grams[k] += _products(keras.ops.convert_to_numpy(plane)[0]) / len(pictures)
    weights = [layer.get_weights() for layer in found]
    return [Layer(kernel, bias, gram) for (kernel, bias), gram in zip(weights, grams, strict=True)]


def _products(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean products of the 3×3 neighbourhoods of (H, W, C), every third each way, with themselves and 1."""
    windows = np.lib.stride_tricks.sliding_window_view(plane, (3, 3), (0, 1))[::3, ::3]
    rows = windows.transpose(0, 1, 3, 4, 2).reshape(-1, 9 * plane.shape[2])
    rows = np.concatenate([rows, np.ones((len(rows), 1), rows.dtype)], axis=1)
    return np.asarray(rows.T @ rows, np.float64) / len(rows)


def compensated(layer: Layer, step: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Round a kernel to multiples of ``step``, (filters,), so that the answers change as little as can be.

    Returns:
        (filters, 3, 3, in) int8 multiples, and the bias, (filters,), that makes up for the rest.
    """
    inputs = len(layer.gram) - 1
    wanted = np.column_stack([layer.kernel.reshape(inputs, -1).T, layer.bias]) / step[:, None]
    # the loudest inputs first, while there are many left to make up for them; the bias, which is fine, last
    loudness = layer.gram.diagonal()[:inputs]
    order = np.append(np.argsort(-loudness, kind="stable"), inputs)
    damped = layer.gram[np.ix_(order, order)]
    damped[range(inputs), range(inputs)] += _DAMPING * loudness.mean() + 1e-12
    shares = np.linalg.cholesky(np.linalg.inv(damped)).T
    wanted = wanted[:, order]
    for k in range(inputs):
        rounded = np.clip(np.rint(wanted[:, k]), -_LEVELS, _LEVELS)
        moved = (wanted[:, k] - rounded) / shares[k, k]
        wanted[:, k] = rounded
        wanted[:, k + 1 :] -= np.outer(moved, shares[k, k + 1 :])
    result = np.empty_like(wanted)
    result[:, order] = wanted
    return result[:, :-1].reshape(-1, 3, 3, inputs // 9).astype(np.int8), result[:, -1] * step
