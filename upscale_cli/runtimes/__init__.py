"""Open a model: from its card to something that can be called."""

from __future__ import annotations

from upscale_cli.errors import ModelError, UsageError
from upscale_cli.model import Model, ModelCard
from upscale_cli.resample import Interpolation

RUNTIMES = ("litert", "tensorflow")


def runtime_for(card: ModelCard) -> str:
    """The runtime that runs the file of ``card``, for callers without a setting for it."""
    return "tensorflow" if card.precision == "keras" else "litert"


def open_model(card: ModelCard, *, runtime: str = "litert", threads: int = 0) -> Model:
    """Read, check and prepare the network of ``card``, for one pass of its own scale.

    ``threads`` (0 = all) limits TensorFlow; LiteRT uses as many as call the model. Raises ModelError for a
    damaged file, MissingExtraError if TensorFlow is asked for and not installed.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"no runtime named {runtime!r}", hint=f"choose one of: {', '.join(RUNTIMES)}")
    if card.kernel:
        return Interpolation(card.kernel, card.scale)
    if runtime == "tensorflow":
        from upscale_cli.runtimes.tensorflow import open_keras

        return open_keras(card, threads=threads)
    if card.precision == "keras":
        raise ModelError(f"{card.path}: LiteRT cannot run Keras files", hint="add --runtime tensorflow")
    from upscale_cli.runtimes.litert import open_tflite

    return open_tflite(card)
