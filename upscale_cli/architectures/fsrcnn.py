"""FSRCNN for today's CPUs: arXiv:1608.00367, with plain 3×3 layers and a sub-pixel output (arXiv:1609.05158).

Three departures from the paper, for speed: 3×3 convolution and depth-to-space in place of the 9×9
deconvolution, ReLU in place of PReLU, and one width throughout in place of shrink and expand, since widths
below 16 leave part of a vector register empty. The network predicts what bicubic enlargement lacks, so that
whoever calls it adds the answer to the enlarged picture.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from upscale_cli.architectures.reparam import RepConv2D


def fsrcnn(
    channels: int, depth: int, *, scale: int = 2, expansion: int = 0, name: str = "fsrcnn"
) -> keras.Model:
    """Build the network in its training form.

    ``(N, H, W, 1)`` luma in [0, 1] to ``(N, scale*H, scale*W, 1)``, the residual over bicubic enlargement.

    Args:
        channels: Width of every hidden layer.
        depth: Number of mapping layers; ``depth + 2`` convolutions in all, which is also the halo in pixels.
        scale: Enlargement of each axis.
        expansion: Width of the training-only branches; 0 gives a plain stack.
        name: Name of the Keras model.
    """
    luma = keras.Input((None, None, 1), name="luma")
    # feature extraction: zero-sum filters see differences only, hence a constant picture stays constant
    # float32 in mixed precision, too: 16 bit would round the luma itself, to half a grey level
    x = RepConv2D(
        channels,
        expansion=expansion,
        zero_sum=True,
        scale=2.0,
        activation="relu",
        dtype="float32",
        name="extract",
    )(luma)
    for i in range(depth):
        x = RepConv2D(channels, expansion=expansion, identity=True, activation="relu", name=f"map{i}")(x)
    x = RepConv2D(scale * scale, expansion=expansion, scale=0.01, name="reconstruct")(x)
    return keras.Model(luma, ops.depth_to_space(x, scale), name=name)


def merged(network: keras.Model) -> keras.Model:
    """Return the same function as plain ``Conv2D`` layers, with nothing left that only training needs.

    The last bias is set such that a constant picture's residual is zero.
    """
    blocks = rep_layers(network)
    scale = round(blocks[-1].filters ** 0.5)
    plain = _stack([(block.name, block.filters, block.activation) for block in blocks], network.name)
    for block in blocks:
        kernel, bias = ops.convert_to_numpy(block.collapsed()), ops.convert_to_numpy(block.bias)
        plain.get_layer(block.name).set_weights([kernel, bias])
    side = 2 * len(blocks) + 1
    flat = ops.convert_to_numpy(plain(np.full((1, side, side, 1), 0.5, "float32")))
    middle = len(blocks) * scale
    phases = flat[0, middle : middle + scale, middle : middle + scale, 0].reshape(-1)
    plain.get_layer(blocks[-1].name).bias.assign_sub(phases)
    return plain


def without_silent(
    plain: keras.Model, pictures: list[np.ndarray], share: float = 0.002, multiple: int = 16
) -> keras.Model:
    """Return ``plain``, as :func:`merged` made it, without hidden channels that are hardly ever active.

    ReLU lets channels die in training. What is left answers as before, and has less to do. A run that starts
    from it with ``--init`` starts the missing channels afresh (:func:`assign_merged`).

    Args:
        plain: The network.
        pictures: Luma planes (H, W) in [0, 1].
        share: Least share of the pixels of some picture at which a channel must be active.
        multiple: Widths are rounded up to multiples of it.
    """
    layers = convolutions(plain)
    shares = [np.zeros(layer.filters) for layer in layers[:-1]]
    for picture in pictures:
        answer = picture[None, ..., None]
        for layer, most in zip(layers[:-1], shares, strict=True):  # one by one: pictures may be large
            answer = layer(answer)
            np.maximum(most, np.mean(ops.convert_to_numpy(answer) > 0, axis=(0, 1, 2)), out=most)
    weights = [layer.get_weights() for layer in layers]
    for i, most in enumerate(shares):
        heard = int(np.count_nonzero(most >= share))
        kept = np.sort(np.argsort(-most)[: multiple * max(1, -(-heard // multiple))])
        weights[i] = [weights[i][0][..., kept], weights[i][1][kept]]
        weights[i + 1][0] = weights[i + 1][0][:, :, kept]
    widths = [len(bias) for _, bias in weights]
    lean = _stack(
        [(layer.name, width, layer.activation) for layer, width in zip(layers, widths, strict=True)],
        plain.name,
    )
    lean.set_weights([values for pair in weights for values in pair])
    return lean


def _stack(layers: list[tuple[str, int, Any]], name: str) -> keras.Model:
    """A plain stack of 3×3 convolutions, given by name, filters and activation, and depth-to-space."""
    luma = x = keras.Input((None, None, 1), name="luma")
    for layer, filters, activation in layers:  # float32, whatever it was trained in
        x = keras.layers.Conv2D(
            filters, 3, padding="same", activation=activation, dtype="float32", name=layer
        )(x)
    return keras.Model(luma, ops.depth_to_space(x, round(layers[-1][1] ** 0.5)), name=name)


def assign_merged(network: keras.Model, plain: keras.Model) -> None:
    """Give ``network`` (training form) the function of ``plain``, as :func:`merged` made it.

    ``network`` may be deeper and wider than ``plain``. Further layers start as the identity (Chen et al.,
    Net2Net, arXiv:1511.05641). At n times the width it starts as the mean of n copies, each turned another
    way and 8 at most, which is better than ``plain`` (:func:`side_by_side`); channels beyond those have no
    effect yet. A network of another scale keeps its own last layer. The layers of ``plain`` are brought to
    one loudness first (:func:`balanced`).

    Raises:
        ValueError: if ``network`` is narrower or shallower.
    """
    blocks = rep_layers(network)
    old = balanced([layer.get_weights() for layer in convolutions(plain)])
    missing = len(blocks) - len(old)
    if not fits(plain, blocks[0].filters, len(blocks) - 2):
        raise ValueError(f"{plain.name}: {len(old)} layers, which do not fit {network.name}")
    width = old[-1][0].shape[2]
    identity = np.zeros((3, 3, width, width), "float32")
    identity[1, 1] = np.eye(width)
    old[-1:-1] = [[identity, np.zeros(width, "float32")]] * missing
    old = side_by_side(old, min(blocks[0].filters // width_of(plain), 8))
    if old[-1][0].shape[-1] != blocks[-1].filters:
        blocks, old = blocks[:-1], old[:-1]
    for block, (kernel, bias) in zip(blocks, old, strict=True):
        grown, biases = ops.convert_to_numpy(block.collapsed()).copy(), np.zeros(block.filters, "float32")
        sources, targets = kernel.shape[2:]
        grown[:, :, sources:, :targets] = 0
        grown[:, :, :sources, :targets] = kernel
        biases[:targets] = bias
        block.assign_merged(grown, biases)


def side_by_side(layers: list[list[np.ndarray]], copies: int) -> list[list[np.ndarray]]:
    """Return the layers of one network that computes the mean of turned copies of another, a self-ensemble.

    Turning the kernels and the grid of sub-pixels does what turning input and answer would do. The copies are
    not connected yet; training may change that.

    Args:
        layers: Kernel (3, 3, Cin, Cout) and bias (Cout,) of each convolution; the last has scale² sub-pixels.
        copies: 1 to 8: quarter turns, from the fifth on mirrored, too.
    """

    def turned(values: np.ndarray, k: int, axes: tuple[int, int] = (0, 1)) -> np.ndarray:
        return np.rot90(values.swapaxes(*axes) if k >= 4 else values, -k, axes)

    *hidden, (last, constant) = layers
    wide = []
    for i, (kernel, bias) in enumerate(hidden):
        sources, targets = kernel.shape[2:]
        blocks = np.zeros((3, 3, copies if i else 1, sources, copies, targets), kernel.dtype)
        for k in range(copies):
            blocks[:, :, k if i else 0, :, k] = turned(kernel, k)
        wide.append([blocks.reshape(3, 3, -1, copies * targets), np.tile(bias, copies)])
    scale = round(len(constant) ** 0.5)
    grid, constant = last.reshape(*last.shape[:3], scale, scale), constant.reshape(scale, scale)
    answers = [turned(turned(grid, k), k, (3, 4)).reshape(last.shape) / copies for k in range(copies)]
    constants = [turned(constant, k).ravel() / copies for k in range(copies)]
    return [*wide, [np.concatenate(answers, axis=2), np.sum(constants, axis=0)]]


def balanced(layers: list[list[np.ndarray]], loudness: float = 1.0) -> list[list[np.ndarray]]:
    """Return the layers scaled to one loudness; what the network answers stays the same.

    In a long run layers drift: each scales its input up a little, and a later one scales it down. ReLU lets a
    factor pass, so that only training notices: a step of the usual size upsets a layer whose inputs are in
    the thousands, and channels started afresh carry such values past the layers that would shrink them.

    Args:
        layers: Kernel (3, 3, Cin, Cout) and bias (Cout,) of each convolution.
        loudness: Root mean square of what each hidden layer answers to noise.
    """
    heard = np.random.default_rng(1).random((1, 64, 64, 1), np.float32)
    before, result = np.float32(1), []
    for kernel, bias in layers[:-1]:
        heard = ops.convert_to_numpy(ops.relu(ops.conv(heard, kernel, padding="same") + bias))
        rms = np.sqrt(np.square(heard, dtype=np.float64).mean())
        factor = np.float32(loudness / rms) if rms else before
        result.append([kernel * (factor / before), bias * factor])
        before = factor
    last, constant = layers[-1]
    return [*result, [last / before, constant]]


def fits(plain: keras.Model, channels: int, depth: int) -> bool:
    """Return whether a network of that width and that many mapping layers can take over ``plain``."""
    layers = convolutions(plain)
    return 2 <= len(layers) <= depth + 2 and width_of(plain) <= channels


def width_of(plain: keras.Model) -> int:
    """Return the channels of the widest hidden layer of a merged network."""
    return max(int(layer.filters) for layer in convolutions(plain)[:-1])


def convolutions(plain: keras.Model) -> list[keras.layers.Conv2D]:
    """Return the convolutions of a merged network from input to output."""
    return [layer for layer in plain.layers if isinstance(layer, keras.layers.Conv2D)]


def rep_layers(network: keras.Model) -> list[RepConv2D]:
    """Return the network's blocks from input to output."""
    return [layer for layer in network.layers if isinstance(layer, RepConv2D)]
