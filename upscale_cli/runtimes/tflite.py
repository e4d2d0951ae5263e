"""The content of a ``.tflite`` file as objects that can be changed."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT8: np.int8,
}


def parsed(content: bytes) -> Any:
    """The file's content as the schema's ``ModelT``."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def packed(model: Any) -> bytes:
    """The content of the file that holds ``model``, without values that no tensor refers to any more."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or ()}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def code(model: Any, operator: Any) -> int:
    """What an operator does, one of ``schema.BuiltinOperator``."""
    found = model.operatorCodes[operator.opcodeIndex]
    return int(max(found.builtinCode, found.deprecatedBuiltinCode))  # old files have the latter only


def values(model: Any, tensor: Any) -> NDArray[Any]:
    """A constant tensor's values."""
    return np.asarray(model.buffers[tensor.buffer].data).view(_TYPES[tensor.type]).reshape(tensor.shape)


def store(model: Any, tensor: Any, content: NDArray[Any]) -> None:
    """Give a constant tensor other values, of another shape if need be."""
    buffer = schema.BufferT()  # a new one: layers may share theirs
    buffer.data = np.frombuffer(content.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer, tensor.shape = len(model.buffers) - 1, list(content.shape)


def widen(tensor: Any, channels: int) -> None:
    """Give a computed tensor (N, H, W, C) another number of channels; N, H and W stay open."""
    tensor.shape, tensor.shapeSignature = [*tensor.shape[:3], channels], [-1, -1, -1, channels]
