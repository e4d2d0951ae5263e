"""Run int8 ``.tflite`` networks with this project's own kernels (native/network.c).

All layers work on two rows at a time, one after the other, so what passes between them never leaves the CPU's
caches. The matrix unit (AMX) reads a pixel and its neighbours as one row of 64 bytes where other libraries
give it one pixel of 16 or 32 channels, a quarter or half of what it multiplies in the same time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from upscale_cli.errors import MissingExtraError, ModelError
from upscale_cli.model import ModelCard, inner
from upscale_cli.native import arithmetic, compiled
from upscale_cli.pixels import Batch
from upscale_cli.probe import measured
from upscale_cli.runtimes.chain import activation, block_size, plain_chain
from upscale_cli.runtimes.tflite import code, parsed, values
from upscale_cli.zoo import read_weights

_FILTERS = 16
"""Filters are worked on in groups of so many."""
_CHUNK = 64
"""Bytes of neighbouring pixels that are multiplied at a time."""
_CACHE = 1_500_000
"""Bytes of the rows in work, which stay in the second-level cache of CPUs that have these instructions."""
_FIRST = 4
"""Bytes that a pixel's luma becomes: the input rounded so many times, or once and zeros."""


def open_native(card: ModelCard) -> NativeModel:
    """The network of ``card``; facts that the card lacks are measured.

    Raises MissingExtraError where the package was built without a C compiler, ModelError on a CPU without
    VNNI, for an unusable file or for one that is no plain chain of int8 convolutions.
    """
    if not compiled:
        raise MissingExtraError(
            "this installation has no compiled kernels",
            hint="install a C compiler and then this package again, or leave out --runtime",
        )
    if card.precision != "int8" and card.files:
        raise ModelError(
            f"{card.path}: the compiled kernels compute in int8, and {card.precision} was asked for",
            hint="add --precision int8, or leave out --runtime",
        )
    if not arithmetic():
        raise ModelError(
            f"{card.path}: the compiled kernels need a CPU with AVX-512 VNNI, on Linux",
            hint="leave out --runtime",
        )
    content = read_weights(card)
    try:
        network = parsed(content)
        layers = _layers(network)
        scale, rim = block_size(network), len(layers.shapes)
        prepared = compiled.prepare(scale, *layers)
    except Exception as error:  # whatever reading a damaged file leads to
        raise ModelError(
            f"{card.path}: the compiled kernels run plain chains of 3x3 int8 convolutions only: {error}",
            hint="use an .int8.tflite file of this project, or leave out --runtime",
        ) from error
    if not card.scale:
        card = measured(replace(card, channels=1), NativeModel(replace(card, scale=scale), prepared, rim))
    return NativeModel(card, prepared, rim)


class NativeModel:
    """One network; `model.Model` with the facts of its card. Thread-safe."""

    def __init__(self, card: ModelCard, prepared: object, rim: int) -> None:
        self.card = card
        self.scale, self.channels = card.scale, card.channels
        self.halo, self.residual = card.halo, card.residual
        self._prepared, self._rim = prepared, rim
        self.columns = _CACHE * 1000 // compiled.workspace(prepared, 1000)
        """See `model.columns_at_once`."""
        self._idle: list[NDArray[np.uint8]] = []

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Run the network; see `model.Model`."""
        rim = self._rim if spare >= self._rim else 0
        count, *size = batch.shape[:3]
        answers = np.empty((count, *(self.scale * (n - 2 * rim) for n in size)), np.float32)
        workspace = self._workspace(size[1])
        for picture, answer in zip(np.ascontiguousarray(batch[..., 0]), answers, strict=True):
            compiled.run(self._prepared, arithmetic(), picture, workspace, answer)
        self._idle.append(workspace)
        return inner(answers[..., None], self.scale * (spare - rim))

    def _workspace(self, width: int) -> NDArray[np.uint8]:
        """Memory for one call, kept: fresh pages from the system cost a tenth of the arithmetic."""
        needed = compiled.workspace(self._prepared, width)
        try:
            idle = self._idle.pop()
        except IndexError:  # as many are kept as there were calls at the same time
            return np.empty(needed, np.uint8)
        return idle if idle.size >= needed else np.empty(needed, np.uint8)


class _Layers(NamedTuple):
    """A network as ``_native.prepare`` takes it; see native/network.h."""

    shapes: NDArray[np.int32]
    weights: NDArray[np.int8]
    factors: NDArray[np.float32]


def _layers(network: Any) -> _Layers:
    """Raises ValueError for a network that the kernels do not know."""
    order, graph = plain_chain(network), network.subgraphs[0]
    if not order:
        raise ValueError("it has other operators")
    convolutions = [one for one in graph.operators if code(network, one) == schema.BuiltinOperator.CONV_2D]
    spread = convolutions.pop(0) if order.startswith("p") else None
    merged = convolutions.pop() if order.endswith("pd") else None
    shapes, weights, factors = [], [], [_input(network, spread, convolutions[0])]
    for number, operator in enumerate(convolutions):
        rectified = activation(operator) == schema.ActivationFunctionType.RELU
        if not rectified and activation(operator) != schema.ActivationFunctionType.NONE:
            raise ValueError("it has other activations than ReLU")
        read, kernel, bias = (graph.tensors[n] for n in operator.inputs)
        step, zero = _step(read)
        taps = values(network, kernel).astype(np.int64)
        filters, channels = _whole(taps.shape[0]), _whole(taps.shape[3]) if number else _FIRST
        if taps.shape[3] > channels:
            raise ValueError(f"its first layer reads {taps.shape[3]} channels")
        factor = step * np.asarray(kernel.quantization.scale, np.float64) * np.ones(len(taps))
        offset = factor * (values(network, bias) - zero * taps.sum((1, 2, 3)))
        low = 0
        if number + 1 < len(convolutions):
            step, following = _step(graph.tensors[convolutions[number + 1].inputs[0]])
            factor, offset = factor / step, offset / step + following
            low = following if rectified else 0
            factors += [_repeated(factor, filters), _repeated(offset, filters)]
        else:
            if rectified:
                raise ValueError("its last layer is rectified")
            factors += _output(network, merged, factor, offset, block_size(network))
        shapes.append((channels, filters, zero, low))
        weights.append(_packed(taps, channels, filters))
    return _Layers(
        np.array(shapes, np.int32),
        np.concatenate(weights),
        np.concatenate([values.ravel() for values in factors]).astype(np.float32),
    )


def _whole(channels: int) -> int:
    return -(-channels // _FILTERS) * _FILTERS


def _step(tensor: Any) -> tuple[float, int]:
    """What one step of a tensor's bytes stands for, and the byte from 0 to 255 that stands for zero."""
    if tensor.type != schema.TensorType.INT8:
        raise ValueError("it has layers in float")
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0]) + 128


def _input(network: Any, spread: Any, first: Any) -> NDArray[np.float64]:
    """Factors and offsets that make luma the bytes that the ``first`` convolution reads."""
    tensors = network.subgraphs[0].tensors
    if tensors[network.subgraphs[0].inputs[0]].shape[3] != 1:
        raise ValueError("it takes colours")
    lines = np.zeros((2, _FIRST))
    if spread is None:
        lines[0, 0] = 1
    else:
        slopes, offsets = (values(network, tensors[n]).ravel() for n in spread.inputs[1:])
        lines[:, : len(slopes)] = slopes, offsets
    step, zero = _step(tensors[first.inputs[0]])
    return lines / step + [[0], [zero]]


def _output(
    network: Any, merged: Any, factor: NDArray[Any], offset: NDArray[Any], block: int
) -> list[NDArray[Any]]:
    """Factors and offsets that make the last sums sub-pixels: by a matrix, (8, 4), where there are 2x2."""
    if block == 4 and merged is None and len(factor) == block * block:
        return [factor, offset]
    if block != 2 or len(factor) > 2 * block * block:
        raise ValueError(f"it answers with {len(factor)} values for {block}x{block} sub-pixels")
    shares, rest = np.eye(block * block, len(factor)), np.zeros(block * block)
    if merged is not None:
        tensors = network.subgraphs[0].tensors
        shares, rest = (values(network, tensors[n]) for n in merged.inputs[1:])
        shares = shares.reshape(block * block, -1)
    matrix = np.zeros((2 * block * block, block * block))
    matrix[: len(factor)] = (shares * factor).T
    return [matrix, shares @ offset + rest]


def _repeated(numbers: NDArray[Any], filters: int) -> NDArray[Any]:
    """One number for each of so many ``filters``, repeated to a multiple of 64 of them."""
    padded = np.pad(numbers, (0, filters - len(numbers)))
    return np.tile(padded, int(np.lcm(filters, _CHUNK)) // filters)


def _packed(taps: NDArray[Any], channels: int, filters: int) -> NDArray[np.int8]:
    """Weights (filters, 3, 3, channels) in the kernels' order, zeros where there are none."""
    chunks = -(-3 * channels // _CHUNK)
    padded = np.zeros((filters, 3, 3, channels), np.int8)
    padded[: len(taps), :, :, : taps.shape[3]] = taps
    rows = np.zeros((filters, 3, chunks * _CHUNK), np.int8)
    rows[:, :, : 3 * channels] = padded.reshape(filters, 3, -1)
    quads = rows.reshape(filters // _FILTERS, _FILTERS, 3, chunks, _CHUNK // 4, 4)
    return np.ascontiguousarray(quads.transpose(0, 2, 3, 4, 1, 5)).ravel()
