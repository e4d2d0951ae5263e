"""Rewrite a ``.tflite`` network such that it answers for the inside of its window only.

Around a tile's core as many answers as the network sees far are thrown away. Convolutions without padding do
not compute those in the first place, nor what only they would be made of.

Layers of few channels spend most of their time on what a pixel costs beside its products: nine addresses, and
a rounding. So where no later layer is wider than a vector register, two pixels side by side are treated as
one of twice the channels: two outputs look at two such pairs, six addresses for two pixels, and a third of
the weights are zero. Adding zeros changes no sum, of integers or of floats, so every answer keeps its bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_REGISTER = 16
"""Output channels that the kernels for x86 work on at a time."""
_KINDS = {
    schema.BuiltinOperator.QUANTIZE: "",
    schema.BuiltinOperator.CONV_2D: "c",
    schema.BuiltinOperator.DEPTH_TO_SPACE: "d",
    schema.BuiltinOperator.DEQUANTIZE: "",
}
_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT8: np.int8,
}


class Inside(NamedTuple):
    """A network that answers (N, H, W, C) values with (N, scale*(H - 2*rim), scale*(W - 2*rim), C).

    ``W`` must be even. The values lie in memory in this order; the shapes of the file's own input and output
    may have half the columns, with twice the channels.
    """

    content: bytes
    rim: int


def inside(content: bytes) -> Inside | None:
    """The network of a ``.tflite`` file, for the inside of its window.

    None unless it is a plain chain: 3x3 convolutions that keep the size, a depth-to-space, and at most a
    change of number type at either end.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    if not _is_plain_chain(model):
        return None
    graph = model.subgraphs[0]
    convolutions = [operator for operator in graph.operators if _kind(model, operator) == "c"]
    widths = [int(graph.tensors[operator.inputs[1]].shape[0]) for operator in convolutions]
    narrow = 1 + max((n for n, width in enumerate(widths) if width > _REGISTER), default=-1)
    for number, operator in enumerate(convolutions):
        operator.builtinOptions.padding = schema.Padding.VALID
        if number >= narrow:
            _pair(model, operator, of_singles=number == narrow > 0, last=number + 1 == len(widths))
    values = [graph.inputs[0], *(operator.outputs[0] for operator in graph.operators)]
    if narrow > 0:
        values = values[values.index(convolutions[narrow - 1].outputs[0]) + 1 :]
    for tensor in (graph.tensors[index] for index in values if narrow < len(widths)):
        tensor.shape = [*tensor.shape[:3], 2 * tensor.shape[3]]
        tensor.shapeSignature = [-1, -1, -1, tensor.shape[3]]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return Inside(bytes(builder.Output()), len(convolutions))


def _pair(model: Any, operator: Any, *, of_singles: bool, last: bool) -> None:
    """Make a convolution answer two pixels side by side at a time, from pairs or ``of_singles``.

    The answers of the ``last`` one are rows of sub-pixels: those of both pixels become one.
    """
    graph = model.subgraphs[0]
    kernel, bias = (graph.tensors[n] for n in operator.inputs[1:])
    single = _values(model, kernel)
    pair = np.zeros((2, *single.shape[:2], 4, single.shape[3]), single.dtype)
    pair[0, :, :, :3] = pair[1, :, :, 1:] = single
    filters, rows, _, channels = single.shape
    shape = (rows, 4, channels) if of_singles else (rows, 2, 2 * channels)
    order = np.arange(2 * filters)
    if last:
        (block,) = (one.builtinOptions.blockSize for one in graph.operators if _kind(model, one) == "d")
        order = order.reshape(2, block, -1).swapaxes(0, 1).reshape(-1)
    for tensor, values in (
        (kernel, pair.reshape(2 * filters, *shape)),
        (bias, np.tile(_values(model, bias), 2)),
    ):
        buffer = schema.BufferT()  # a new one: layers may share theirs
        buffer.data = np.frombuffer(values[order].tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer, tensor.shape = len(model.buffers) - 1, list(values.shape)
        steps = tensor.quantization
        if steps is not None and steps.scale is not None and len(steps.scale) == filters:
            steps.scale = np.tile(steps.scale, 2)[order]
            steps.zeroPoint = np.tile(steps.zeroPoint, 2)[order]
    operator.builtinOptions.strideW = 2 if of_singles else 1


def _values(model: Any, tensor: Any) -> NDArray[Any]:
    return np.asarray(model.buffers[tensor.buffer].data).view(_TYPES[tensor.type]).reshape(tensor.shape)


def _kind(model: Any, operator: Any) -> str | None:
    code = model.operatorCodes[operator.opcodeIndex]
    return _KINDS.get(max(code.builtinCode, code.deprecatedBuiltinCode))  # old files have the latter only


def _is_plain_chain(model: Any) -> bool:
    graph, order = model.subgraphs[0], ""
    value = graph.inputs[0]
    for operator in graph.operators:
        kind = _kind(model, operator)
        if kind is None or operator.inputs[0] != value or (kind == "c" and not _keeps_size(graph, operator)):
            return False
        value, order = operator.outputs[0], order + kind
    ends = len(model.subgraphs) == len(graph.inputs) == len(graph.outputs) == 1 and graph.outputs[0] == value
    return ends and order == "c" * (len(order) - 1) + "d"


def _keeps_size(graph: Any, operator: Any) -> bool:
    """Whether this is a 3x3 convolution, in one number type, that pads its input and visits every pixel."""
    source, kernel, options = *(graph.tensors[n] for n in operator.inputs[:2]), operator.builtinOptions
    steps = {options.strideH, options.strideW, options.dilationHFactor, options.dilationWFactor}
    return (
        len(operator.inputs) == 3
        and source.type == kernel.type
        and kernel.type in (schema.TensorType.FLOAT32, schema.TensorType.INT8)
        and tuple(kernel.shape[1:3]) == (3, 3)
        and options.padding == schema.Padding.SAME
        and steps == {1}
    )
