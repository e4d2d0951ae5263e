"""Open a model: from its card to something that can be called.

LiteRT runs networks everywhere. Where the CPU sums products of bytes (VNNI) this project's own kernels do it
in less time, or OpenVINO, if the package was built without them. TensorFlow is for graphics processors and
Keras files.
"""

from __future__ import annotations

from importlib.util import find_spec

from upscale_cli.errors import ModelError, UsageError
from upscale_cli.machine import has_vnni
from upscale_cli.model import Model, ModelCard
from upscale_cli.native import arithmetic
from upscale_cli.resample import Interpolation

RUNTIMES = ("native", "litert", "openvino", "tensorflow")

_WORTH_STARTING = 20e9
"""Multiplications of a picture from which on OpenVINO, whose start takes 0.2 s longer, is done sooner."""


def runtime_for(card: ModelCard) -> str:
    """The runtime for the file of ``card``; "" = `quickest`, for each picture."""
    return "tensorflow" if card.precision == "keras" else ""


def quickest(card: ModelCard, pixels: int, views: int) -> str:
    """The runtime that this machine is quickest with at ``pixels`` of input, seen in so many ``views``.

    It depends on the picture, the network, what is asked of it and the machine only, since the last bits
    differ between runtimes.
    """
    if card.precision == "bfloat16":
        return "openvino"  # which alone computes in it
    if card.precision == "int8" and card.macs_per_pixel and arithmetic():
        return "native"
    work = pixels * card.macs_per_pixel * views
    return "openvino" if work >= _WORTH_STARTING and has_vnni() and find_spec("openvino") else "litert"


def open_model(card: ModelCard, *, runtime: str = "litert", threads: int = 0) -> Model:
    """Read, check and prepare the network of ``card``, for one pass of its own scale.

    ``threads`` (0 = all) limits TensorFlow and OpenVINO; the others use as many as call the model. Raises
    ModelError for a damaged file, MissingExtraError for a library that is not installed.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"no runtime named {runtime!r}", hint=f"choose one of: {', '.join(RUNTIMES)}")
    if card.kernel:
        return Interpolation(card.kernel, card.scale)
    if card.precision == "bfloat16" and runtime != "openvino":
        raise UsageError(
            f"only OpenVINO computes in bfloat16, not {runtime}",
            hint="leave out --runtime, or use --precision float",
        )
    if runtime == "tensorflow":
        from upscale_cli.runtimes.tensorflow import open_keras

        return open_keras(card, threads=threads)
    if card.precision == "keras":
        raise ModelError(f"{card.path}: only TensorFlow runs Keras files", hint="add --runtime tensorflow")
    if runtime == "native":
        from upscale_cli.runtimes.native import open_native

        return open_native(card)
    if runtime == "openvino":
        from upscale_cli.runtimes.openvino import open_chain

        return open_chain(card, threads=threads)
    from upscale_cli.runtimes.litert import open_tflite

    return open_tflite(card)
