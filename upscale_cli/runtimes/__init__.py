"""Open a model: from its card to something that can be called."""

from __future__ import annotations

from upscale_cli.errors import ModelError, ScaleError, UsageError
from upscale_cli.model import Chained, Model, ModelCard
from upscale_cli.resample import Interpolation

RUNTIMES = ("litert", "tensorflow")


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


def open_for_scale(card: ModelCard, scale: int, *, runtime: str = "litert", threads: int = 0) -> Model:
    """A model that enlarges ``scale`` times: a chain of passes, or one pass of an interpolation kernel.

    Raises ScaleError if ``scale`` is not a power of the network's own scale.
    """
    if card.kernel:
        if scale < 1:
            raise ScaleError(f"cannot enlarge {scale} times", hint="ask for a whole number above 1")
        return Interpolation(card.kernel, scale)
    model = open_model(card, runtime=runtime, threads=threads)
    if model.scale < 2:
        raise ModelError(f"{card.path}: does not enlarge (scale {model.scale})", hint="use another model")
    passes, reached = 1, model.scale
    while reached < scale:
        passes, reached = passes + 1, reached * model.scale
    if reached != scale:
        raise ScaleError(
            f"{card.name} cannot enlarge {scale} times",
            hint=f"its scales are {', '.join(str(model.scale**n) for n in (1, 2, 3))}, …",
        )
    return model if passes == 1 else Chained(model, passes)
