"""Recognise the networks that this project trains: plain chains of convolutions, depth-to-space last."""

from __future__ import annotations

import re
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from upscale_cli.runtimes.tflite import code

_KINDS = {
    schema.BuiltinOperator.QUANTIZE: "",
    schema.BuiltinOperator.DEPTH_TO_SPACE: "d",
    schema.BuiltinOperator.DEQUANTIZE: "",
}


def plain_chain(model: Any) -> str:
    """The letters of a network's operators from first to last; none unless it is a plain chain.

    That is 3x3 convolutions that keep the size ("c"), pointwise ones ("p") at most before and after them, a
    depth-to-space ("d"), and at most a change of number type at either end, which has no letter.
    """
    graph, order = model.subgraphs[0], ""
    value = graph.inputs[0]
    for operator in graph.operators:
        kind = _kind(model, operator)
        if kind is None or operator.inputs[0] != value:
            return ""
        value, order = operator.outputs[0], order + kind
    ends = len(model.subgraphs) == len(graph.inputs) == len(graph.outputs) == 1 and graph.outputs[0] == value
    return order if ends and re.fullmatch("p?c+p?d", order) else ""


def block_size(model: Any) -> int:
    """Output pixels per input pixel, along each axis, of a plain chain."""
    (last,) = (one for one in model.subgraphs[0].operators if _kind(model, one) == "d")
    return int(last.builtinOptions.blockSize)


def activation(operator: Any) -> int:
    """What a convolution applies to its answers, one of ``schema.ActivationFunctionType``."""
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))


def _kind(model: Any, operator: Any) -> str | None:
    """A letter for what an operator does: c and p for convolutions, d for depth-to-space; None for others."""
    kind = code(model, operator)
    if kind == schema.BuiltinOperator.CONV_2D:
        return _convolution(model.subgraphs[0], operator)
    return _KINDS.get(kind)


def _convolution(graph: Any, operator: Any) -> str | None:
    """c for 3x3, p for pointwise: in one number type, visiting every pixel, the size kept by padding."""
    source, kernel, options = *(graph.tensors[n] for n in operator.inputs[:2]), operator.builtinOptions
    steps = {options.strideH, options.strideW, options.dilationHFactor, options.dilationWFactor}
    plain = (
        len(operator.inputs) == 3
        and source.type == kernel.type
        and kernel.type in (schema.TensorType.FLOAT32, schema.TensorType.INT8)
        and options.padding == schema.Padding.SAME
        and steps == {1}
    )
    return {(3, 3): "c", (1, 1): "p"}.get(tuple(kernel.shape[1:3])) if plain else None
