"""Rewrite a ``.tflite`` network such that it answers for the inside of its window only.

Answers within the halo of a window's border are thrown away. Convolutions without padding never compute them,
nor the values that only they depend on.

In layers of few channels most of the time goes into the fixed cost of a pixel: nine addresses and a rounding.
So, from where no layer is wider than a vector register any more, two neighbouring pixels are handled as one
of twice the channels: two outputs read two such pairs in each row, six addresses for two pixels, and a third
of the weights are zero. Adding zeros changes no sum, integer or float, so every answer keeps its bits. With
registers of half the width the products cost more, and 16 channels are not few.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from upscale_cli.machine import wide_registers
from upscale_cli.runtimes.chain import block_size, plain_chain
from upscale_cli.runtimes.tflite import code, packed, parsed, store, values, widen


class Inside(NamedTuple):
    """A network that answers (N, H, W, C) values with (N, scale*(H - 2*rim), scale*(W - 2*rim), C).

    ``W`` must be even. The values lie in memory in this order; the shapes of the file's own input and output
    may have half the columns, with twice the channels.
    """

    content: bytes
    rim: int


def inside(content: bytes) -> Inside | None:
    """The network of a ``.tflite`` file, for the inside of its window.

    None unless it is a plain chain: 3x3 convolutions that keep the size, pointwise ones at most before and
    after them, a depth-to-space, and at most a change of number type at either end.
    """
    register = 16 if wide_registers() else 8  # values that one holds
    model = parsed(content)
    order = plain_chain(model)
    if not order:
        return None
    graph = model.subgraphs[0]
    convolutions = [one for one in graph.operators if code(model, one) == schema.BuiltinOperator.CONV_2D]
    widths = [int(graph.tensors[operator.inputs[1]].shape[0]) for operator in convolutions]
    narrow = 1 + max((n for n, width in enumerate(widths) if width > register), default=-1)
    for number, operator in enumerate(convolutions):
        operator.builtinOptions.padding = schema.Padding.VALID
        if number >= narrow:
            _pair(model, operator, of_singles=number == narrow > 0, last=number + 1 == len(widths))
    passed = [graph.inputs[0], *(operator.outputs[0] for operator in graph.operators)]
    if narrow > 0:
        passed = passed[passed.index(convolutions[narrow - 1].outputs[0]) + 1 :]
    for tensor in (graph.tensors[index] for index in passed if narrow < len(widths)):
        widen(tensor, 2 * tensor.shape[3])
    return Inside(packed(model), order.count("c"))


def _pair(model: Any, operator: Any, *, of_singles: bool, last: bool) -> None:
    """Make a convolution answer two pixels side by side at a time, from pairs or ``of_singles``.

    The answers of the ``last`` one are rows of sub-pixels: those of both pixels become one.
    """
    graph = model.subgraphs[0]
    kernel, bias = (graph.tensors[n] for n in operator.inputs[1:])
    single = values(model, kernel)
    filters, rows, columns, channels = single.shape
    pair = np.zeros((2, filters, rows, columns + 1, channels), single.dtype)
    pair[0, :, :, :-1] = pair[1, :, :, 1:] = single
    shape = (columns + 1, channels) if of_singles else ((columns + 1) // 2, 2 * channels)
    order = np.arange(2 * filters)
    if last:
        block = block_size(model)
        order = order.reshape(2, block, -1).swapaxes(0, 1).reshape(-1)
    store(model, kernel, pair.reshape(2 * filters, rows, *shape)[order])
    store(model, bias, np.tile(values(model, bias), 2)[order])
    for steps in (kernel.quantization, bias.quantization):
        if steps is not None and steps.scale is not None and len(steps.scale) == filters:
            steps.scale = np.tile(steps.scale, 2)[order]
            steps.zeroPoint = np.tile(steps.zeroPoint, 2)[order]
    operator.builtinOptions.strideW = 2 if of_singles else 1
