"""What the converter to int8 rounds away, put right in its file: weights, and both ends of a network.

Where a network adds little to each pixel, two thirds of the loss by int8 come from its input, rounded to 256
levels, and from its answer, rounded to steps of about one grey level. Both can be finer at little cost: the
mean of several roundings, each shifted by another fraction of a step, is exact to that fraction (as with
subtractive dither: Roberts, Picture coding using pseudo-random noise, 1962). A convolution of few channels
costs the processor as much as one of four or eight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from upscale_cli.quiet import silenced
from upscale_cli.runtimes.litert import Prepared
from upscale_cli.runtimes.tflite import packed, parsed, store, values, widen
from upscale_cli.training.compensated import Layer, compensated

_INPUTS = 4
"""Roundings of the input: the channels whose products the processor adds up in one instruction."""
_ANSWERS = 8
"""Channels of the last layer up to which its answers are rounded several times: with two pixels side by side
(`runtimes.inside`), those fill a vector register."""


def corrected(content: bytes, layers: list[Layer]) -> bytes:
    """A converted network with better rounded weights, no answer to constant pictures, and finer ends.

    Args:
        content: A ``.tflite`` file as TensorFlow's converter writes it: a float input, a chain of int8
            convolutions with a scale for each filter, depth-to-space, and a float output.
        layers: What was converted; each filter of the first layer sums to zero.
    """
    model = parsed(content)
    _zero_sum(model, layers[0].kernel)
    _compensate(model, layers)
    _settle(model)
    _finer_input(model)
    _finer_answer(model)
    return packed(model)


def _zero_sum(model: Any, kernel: NDArray[Any]) -> None:
    """Make the first layer's int8 filters sum to zero again, as the float ones do.

    Rounding each weight by itself leaves a sum of a few units, by which the answer would depend on the
    brightness of a constant picture. The weights that rounding moved furthest up (or down) are moved by one
    unit.
    """
    graph = model.subgraphs[0]
    tensor = graph.tensors[graph.operators[1].inputs[1]]
    exact = kernel.reshape(-1, kernel.shape[-1]).T / np.asarray(tensor.quantization.scale)[:, None]
    rounded = np.rint(exact)
    for weights, wanted in zip(rounded, exact, strict=True):
        excess = int(weights.sum())
        moved = np.argsort((wanted - weights) * np.sign(excess))[: abs(excess)]
        weights[moved] -= np.sign(excess)
    store(model, tensor, rounded.astype(np.int8).reshape(tensor.shape))


def _compensate(model: Any, layers: list[Layer]) -> None:
    """Round the weights of all layers but the first, whose filters have to sum to zero, anew."""
    graph = model.subgraphs[0]
    for operator, layer in zip(graph.operators[2:-2], layers[1:], strict=True):
        kernel, bias = (graph.tensors[index] for index in operator.inputs[1:])
        rounded, rest = compensated(layer, np.asarray(kernel.quantization.scale, np.float64))
        store(model, kernel, rounded)
        store(model, bias, np.rint(rest / bias.quantization.scale).astype(np.int32))


def _settle(model: Any) -> None:
    """Set the last bias such that the answer to a constant picture is zero before it is rounded.

    The float network has that property; here it is lost in the rounding of every layer between.
    """
    graph = model.subgraphs[0]
    last = graph.operators[-3]
    source, kernel, bias = (graph.tensors[index] for index in last.inputs)
    body = parsed(packed(model))
    body.subgraphs[0].outputs = [last.inputs[0]]
    body.subgraphs[0].operators = body.subgraphs[0].operators[:-3]
    body.signatureDefs = []
    side = 2 * len(graph.operators) + 1
    with silenced():
        prepared = Prepared(packed(body), (1, side, side, 1))
    seen = prepared.run(np.full((1, side, side, 1), 0.5, np.float32))[0, side // 2, side // 2]
    units = np.rint(seen / source.quantization.scale[0]).astype(np.int32)
    store(model, bias, -(values(model, kernel).astype(np.int32) @ units).sum((1, 2), np.int32))


def _finer_input(model: Any) -> None:
    """Round the input several times and give each to the first layer as a channel, with the same filters."""
    graph = model.subgraphs[0]
    quantize, first = graph.operators[:2]
    rounded, kernel, bias = (graph.tensors[index] for index in first.inputs)
    moves = _moves(_INPUTS) * rounded.quantization.scale[0]
    moved = _computed(model, "moved", _INPUTS)
    move = _pointwise(model, first, quantize.inputs[0], moved, np.ones((_INPUTS, 1)), moves)
    quantize.inputs = [moved]
    widen(rounded, _INPUTS)
    store(model, kernel, np.repeat(values(model, kernel), _INPUTS, axis=3))
    store(model, bias, values(model, bias) * np.int32(_INPUTS))
    for tensor in (kernel, bias):  # a step of either is now worth a part of what it was
        tensor.quantization.scale = np.asarray(tensor.quantization.scale) / np.float32(_INPUTS)
    graph.operators = [move, *graph.operators]


def _finer_answer(model: Any) -> None:
    """Compute a last layer of few channels several times, with shifted roundings, and average."""
    graph = model.subgraphs[0]
    last, shuffle, dequantize = graph.operators[-3:]
    source, kernel, bias = (graph.tensors[index] for index in last.inputs)
    rounded, filters = graph.tensors[last.outputs[0]], int(kernel.shape[0])
    copies = _ANSWERS // filters
    if copies < 2:
        return
    steps = source.quantization.scale[0] * np.asarray(kernel.quantization.scale)
    moves = _moves(copies)[:, None] * rounded.quantization.scale[0] / steps
    store(model, kernel, np.tile(values(model, kernel), (copies, 1, 1, 1)))
    store(model, bias, (values(model, bias) + np.rint(moves).astype(np.int32)).reshape(-1))
    for tensor in (kernel, bias):
        tensor.quantization.scale = np.tile(tensor.quantization.scale, copies)
        tensor.quantization.zeroPoint = np.tile(tensor.quantization.zeroPoint, copies)
    channels = copies * filters
    widen(rounded, channels)
    answers, mean = _computed(model, "answers", channels), _computed(model, "mean", filters)
    average = np.tile(np.eye(filters), copies) / copies
    dequantize.inputs, shuffle.outputs = [last.outputs[0]], dequantize.outputs
    dequantize.outputs, shuffle.inputs = [answers], [mean]
    averaging = _pointwise(model, last, answers, mean, average, np.zeros(filters))
    graph.operators = [*graph.operators[:-2], dequantize, averaging, shuffle]


def _moves(count: int) -> NDArray[Any]:
    """Shifts of ``count`` roundings, in steps, evenly spaced around 0: (-1/4, 1/4) for two."""
    return (np.arange(count) - (count - 1) / 2) / count


def _pointwise(
    model: Any, like: Any, source: int, target: int, weights: NDArray[Any], offsets: NDArray[Any]
) -> Any:
    """A float convolution of single pixels, from one tensor to another, by (filters, channels) weights."""
    kernel = _constant(model, "weights", weights[:, None, None])
    bias = _constant(model, "offsets", offsets)
    operator = schema.OperatorT()
    operator.opcodeIndex = like.opcodeIndex
    operator.inputs, operator.outputs = [source, kernel, bias], [target]
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    operator.builtinOptions = schema.Conv2DOptionsT()
    operator.builtinOptions.strideH = operator.builtinOptions.strideW = 1
    return operator


def _constant(model: Any, name: str, content: NDArray[Any]) -> int:
    """The number of a new float tensor that holds ``content``."""
    tensors = model.subgraphs[0].tensors
    tensors.append(_float(name))
    store(model, tensors[-1], content.astype(np.float32))
    return len(tensors) - 1


def _computed(model: Any, name: str, channels: int) -> int:
    """The number of a new float tensor (N, H, W, channels) that an operator fills."""
    tensors = model.subgraphs[0].tensors
    tensors.append(_float(name))
    tensors[-1].shape = [1, 1, 1]
    widen(tensors[-1], channels)
    return len(tensors) - 1


def _float(name: str) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.type = name, schema.TensorType.FLOAT32
    return tensor
