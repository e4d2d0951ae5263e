"""Which networks are plain chains: those that are rewritten, and that OpenVINO runs."""

import re

import pytest
from ai_edge_litert import schema_py_generated as schema

from upscale_cli import zoo
from upscale_cli.runtimes.chain import block_size, plain_chain
from upscale_cli.runtimes.tflite import parsed
from upscale_cli.zoo import read_weights


@pytest.fixture(params=["float", "int8"])
def network(request):
    return parsed(read_weights(zoo.find("fsrcnn-s", request.param)))


def test_the_shipped_networks_are_plain_chains():
    for name in ("fsrcnn-s", "fsrcnn-m", "fsrcnn-l"):
        for precision, letters in (("float", "c+d"), ("int8", "pc+pd")):
            card = zoo.find(name, precision)
            network = parsed(read_weights(card))
            assert re.fullmatch(letters, plain_chain(network))
            assert plain_chain(network).count("c") == card.halo
            assert block_size(network) == card.scale
    direct = parsed(read_weights(zoo.direct(zoo.find("fsrcnn-s", "int8"))))
    assert re.fullmatch("pc+d", plain_chain(direct))
    assert block_size(direct) == 4


def middle(graph):
    """A 3x3 convolution with others before and after it."""
    return [one for one in graph.operators if len(one.inputs) == 3][4]


def kernel_of(graph):
    return graph.tensors[middle(graph).inputs[1]]


def option(name, value):
    def change(graph):
        setattr(middle(graph).builtinOptions, name, value)

    return change


def kernel_shape(rows, columns):
    def change(graph):
        kernel = kernel_of(graph)
        kernel.shape = [kernel.shape[0], rows, columns, kernel.shape[3]]

    return change


def kernel_of_another_type(graph):
    kinds = schema.TensorType.FLOAT32, schema.TensorType.INT8
    kernel_of(graph).type = kinds[kernel_of(graph).type == kinds[0]]


def another_type(graph):
    kernel_of(graph).type = graph.tensors[middle(graph).inputs[0]].type = schema.TensorType.FLOAT16


def no_bias(graph):
    middle(graph).inputs = middle(graph).inputs[:2]


def no_depth_to_space(graph):
    graph.operators = graph.operators[: graph.operators.index(middle(graph)) + 1]
    graph.outputs = graph.operators[-1].outputs


def no_convolution(graph):
    graph.operators = graph.operators[-1:]
    graph.inputs = graph.operators[0].inputs[:1]


def a_convolution_at_the_end(graph):
    last = middle(graph)
    graph.operators = [one for one in graph.operators if one is not last]
    following = next(one for one in graph.operators if one.inputs[0] == last.outputs[0])
    following.inputs = [last.inputs[0], *following.inputs[1:]]
    last.inputs = [graph.operators[-1].outputs[0], *last.inputs[1:]]
    graph.operators.append(last)
    graph.outputs = last.outputs
    graph.tensors[last.inputs[0]].type = graph.tensors[last.inputs[1]].type


def two_inputs(graph):
    graph.inputs = [*graph.inputs, middle(graph).inputs[0]]


def an_answer_from_the_middle(graph):
    graph.outputs = middle(graph).outputs


@pytest.mark.parametrize(
    "change",
    [
        option("strideH", 2),
        option("strideW", 2),
        option("dilationHFactor", 2),
        option("dilationWFactor", 2),
        option("padding", schema.Padding.VALID),
        kernel_shape(5, 5),
        kernel_shape(3, 1),
        kernel_shape(1, 3),
        kernel_shape(1, 1),
        kernel_of_another_type,
        another_type,
        no_bias,
        no_depth_to_space,
        no_convolution,
        a_convolution_at_the_end,
        two_inputs,
        an_answer_from_the_middle,
    ],
)
def test_what_differs_in_one_thing_is_none(network, change):
    assert plain_chain(network)
    change(network.subgraphs[0])
    assert plain_chain(network) == ""
