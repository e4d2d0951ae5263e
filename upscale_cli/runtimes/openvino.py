"""Run ``.tflite`` networks with OpenVINO, whose kernels are made for the CPU at hand while it runs.

LiteRT fetches nine addresses for each pixel and layer; these kernels walk through memory, and use the matrix
units (AMX) of CPUs that have such. Only plain chains are understood, which are built anew from their weights:
OpenVINO's own reader of ``.tflite`` files refuses int8 ones.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from upscale_cli.errors import MissingExtraError, ModelError
from upscale_cli.machine import available_cpus, has_vnni
from upscale_cli.model import ModelCard, inner
from upscale_cli.pixels import Batch
from upscale_cli.probe import measured
from upscale_cli.quiet import silenced
from upscale_cli.runtimes.chain import activation, block_size, plain_chain
from upscale_cli.runtimes.tflite import code, parsed, values
from upscale_cli.zoo import read_weights

if TYPE_CHECKING:
    import openvino

_CONVERTER = "openvino.tools.ovc"
_INT8 = schema.TensorType.INT8
_ACTIVATIONS = (schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU)


def open_chain(card: ModelCard, *, threads: int = 0) -> OpenVINOModel:
    """The network of ``card``; facts that the card lacks are measured.

    ``threads``: calls that may run at the same time, 0 = as many as this process has CPUs; others wait.
    Raises MissingExtraError without OpenVINO, ModelError for an unusable file or one that is no plain chain.
    """
    _import_openvino()
    content = read_weights(card)
    try:
        network = parsed(content)
        plain = plain_chain(network)
    except Exception as error:  # whatever reading a damaged file leads to
        raise ModelError(f"{card.path}: not a .tflite file: {error}", hint="check the path") from error
    if not plain or any(activation(one) not in _ACTIVATIONS for one in network.subgraphs[0].operators):
        raise ModelError(
            f"{card.path}: OpenVINO runs plain chains of 3x3 convolutions only, and this is none",
            hint="use --runtime litert",
        )
    if card.precision == "bfloat16" and not _has_bfloat16():
        raise ModelError(
            f"{card.path}: this CPU does not multiply bfloat16", hint="use --precision float or int8"
        )
    if any(tensor.type == _INT8 for tensor in network.subgraphs[0].tensors) and not has_vnni():
        raise ModelError(
            f"{card.path}: on a CPU without VNNI OpenVINO's sums of int8 products are not exact",
            hint="use --precision float, or --runtime litert",
        )
    if not card.scale:
        channels = int(network.subgraphs[0].tensors[network.subgraphs[0].inputs[0]].shape[3])
        card = replace(card, channels=channels)
        card = measured(card, OpenVINOModel(card, network, threads))
    return OpenVINOModel(card, network, threads)


def _has_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16 (AMX, or those of AVX-512)."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _import_openvino() -> None:
    """Load OpenVINO without its model converter, which it can do without.

    The converter takes as long to load as all else, and would report to its maker that it was.
    """
    if sys.modules.get("openvino"):
        return
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # Python's way to say: cannot be imported
    try:
        with silenced():
            import openvino  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"OpenVINO cannot be loaded: {error}", hint="pip install openvino, or use --runtime litert"
        ) from error
    finally:
        del sys.modules[_CONVERTER]


class OpenVINOModel:
    """One network; `model.Model` with the facts of its card. Thread-safe."""

    def __init__(self, card: ModelCard, network: Any, threads: int = 0) -> None:
        self.card = card
        self.scale, self.channels = card.scale, card.channels
        self.halo, self.residual = card.halo, card.residual
        self._network, self._rim = network, plain_chain(network).count("c")
        self._block = block_size(network)
        self._places = threading.BoundedSemaphore(threads or available_cpus())
        self._lock = threading.Lock()
        self._idle: dict[int, list[openvino.InferRequest]] = {0: [], self._rim: []}

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Run the network; see `model.Model`."""
        rim = self._rim if spare >= self._rim else 0
        planes = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        with self._places:
            with self._lock:
                request = self._idle[rim].pop() if self._idle[rim] else None
            request = request or self._prepared(0 if rim else 1)
            answers = request.infer({0: planes}, share_inputs=True, share_outputs=True)[0]
            answer = _depth_to_space(answers, self._block)
            with self._lock:
                self._idle[rim].append(request)
        return inner(answer, self._block * (spare - rim))

    def _prepared(self, padding: int) -> openvino.InferRequest:
        """The network, compiled for one call at a time.

        With a single stream OpenVINO runs it in the thread that calls. With one for each CPU it hands it to
        threads of its own: two switches a call, and mostly to another CPU, whose caches are cold.
        """
        import openvino

        settings = {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "bf16" if self.card.precision == "bfloat16" else "f32",
        }
        network = _built(self._network, padding)
        return openvino.Core().compile_model(network, "CPU", settings).create_infer_request()


def _depth_to_space(planes: NDArray[np.float32], block: int) -> Batch:
    """(N, block*block*C, H, W) to (N, block*H, block*W, C), in a third of the time that OpenVINO takes."""
    count, channels, height, width = planes.shape
    row = channels // block
    result = np.empty((count, height, block, width, row), np.float32)
    for picture, subpixels in zip(result, planes, strict=True):
        for y in range(block):
            cv2.merge(tuple(subpixels[y * row : (y + 1) * row]), dst=picture[:, y])
    return result.reshape(count, height * block, width * block, row // block)


def _built(network: Any, padding: int) -> openvino.Model:
    """A plain chain without its depth-to-space, (N, C, H, W) to (N, C', H', W'), in OpenVINO's operators.

    ``padding``: zeros around what each 3x3 convolution reads. Integers are told as floats that are rounded to
    steps ("fake quantisation"), from which OpenVINO makes integer arithmetic. Only what convolutions read is
    rounded, the answer is not.
    """
    import openvino
    from openvino import opset13 as ops

    graph = network.subgraphs[0]
    first = graph.tensors[graph.inputs[0]]
    source = ops.parameter(openvino.PartialShape([-1, int(first.shape[3]), -1, -1]), openvino.Type.f32)
    value = source
    for operator in graph.operators:
        if code(network, operator) != schema.BuiltinOperator.CONV_2D:
            continue
        read, kernel, bias = (graph.tensors[n] for n in operator.inputs)
        weights, around = _weights(network, kernel), padding if kernel.shape[1] > 1 else 0
        value = ops.convolution(_rounded(value, read), weights, [1, 1], [around] * 2, [around] * 2, [1, 1])
        value = ops.add(value, _constant(values(network, bias) * _steps(bias), 1))
        if activation(operator) == schema.ActivationFunctionType.RELU:
            value = ops.relu(value)
    return openvino.Model([value], [source])


def _weights(network: Any, kernel: Any) -> openvino.Node:
    """A convolution's weights (filters, channels, rows, columns); as integers and their steps if int8."""
    import openvino
    from openvino import opset13 as ops

    weights = np.ascontiguousarray(values(network, kernel).transpose(0, 3, 1, 2))
    if kernel.type != _INT8:
        return ops.constant(weights)
    return ops.multiply(ops.convert(ops.constant(weights), openvino.Type.f32), _constant(_steps(kernel), 0))


def _rounded(value: openvino.Node, tensor: Any) -> openvino.Node:
    """``value`` rounded to the steps of ``tensor``, if that holds integers."""
    from openvino import opset13 as ops

    if tensor.type != _INT8:
        return value
    zero = int(tensor.quantization.zeroPoint[0])
    low, high = (_constant((limit - zero) * _steps(tensor), 0) for limit in (-128, 127))
    return ops.fake_quantize(value, low, high, low, high, 256)


def _steps(tensor: Any) -> NDArray[np.float32]:
    """Steps between a tensor's integers, one for all or one a channel; 1 for floats."""
    scales = tensor.quantization.scale if tensor.quantization else None
    return np.ones(1, np.float32) if scales is None else np.asarray(scales, np.float32)


def _constant(numbers: NDArray[Any], axis: int) -> openvino.Node:
    """Numbers along one of four axes."""
    from openvino import opset13 as ops

    shape = [1] * 4
    shape[axis] = -1
    return ops.constant(numbers.astype(np.float32).reshape(shape))
