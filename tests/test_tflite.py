"""The content of ``.tflite`` files, read, changed and written."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from upscale_cli import zoo
from upscale_cli.runtimes.tflite import code, packed, parsed, store, values, widen
from upscale_cli.zoo import read_weights


@pytest.fixture
def content():
    return read_weights(zoo.find("fsrcnn-s", "float"))


def kernels(model):
    graph = model.subgraphs[0]
    return [graph.tensors[one.inputs[1]] for one in graph.operators if len(one.inputs) == 3]


def test_what_is_stored_is_read_again_and_nothing_else_changes(content):
    model = parsed(content)
    first, second = kernels(model)[:2]
    before = values(model, second).copy()
    first.buffer = second.buffer  # as where layers share their values
    other = np.arange(96, dtype=np.float32).reshape(8, 3, 4, 1)
    store(model, first, other)
    again = parsed(packed(model))
    assert np.array_equal(values(again, kernels(again)[0]), other)
    assert np.array_equal(values(again, kernels(again)[1]), before)


def test_values_that_are_no_longer_used_are_left_out_and_metadata_are_kept(content):
    model = parsed(content)
    kernel = kernels(model)[1]
    store(model, kernel, 1 - values(model, kernel))
    assert abs(len(packed(model)) - len(packed(parsed(content)))) < 200
    named = {entry.name: bytes(parsed(content).buffers[entry.buffer].data) for entry in model.metadata}
    again = parsed(packed(model))
    assert named and named == {
        entry.name: bytes(again.buffers[entry.buffer].data) for entry in again.metadata
    }


def test_old_files_name_operators_in_another_field(content):
    model = parsed(content)
    operator = model.subgraphs[0].operators[0]
    found = model.operatorCodes[operator.opcodeIndex]
    for found.builtinCode, found.deprecatedBuiltinCode in ((3, 0), (0, 3), (3, 3)):
        assert code(model, operator) == schema.BuiltinOperator.CONV_2D


def test_a_widened_tensor_leaves_the_other_sides_open(content):
    tensor = parsed(content).subgraphs[0].tensors[0]
    tensor.shape = [1, 8, 8, 1]
    widen(tensor, 6)
    assert (list(tensor.shape), list(tensor.shapeSignature)) == ([1, 8, 8, 6], [-1, -1, -1, 6])
