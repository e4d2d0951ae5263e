"""Run ``.keras`` files with TensorFlow, on a graphics processor where there is one. Only when asked for."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from dataclasses import replace
from typing import Any

import numpy as np

from upscale_cli.errors import MissingExtraError, ModelError
from upscale_cli.model import ModelCard, inner
from upscale_cli.pixels import Batch
from upscale_cli.probe import measured
from upscale_cli.quiet import silenced
from upscale_cli.zoo import read_weights


def start_keras() -> Any:
    """Import Keras and return it. Raises MissingExtraError without it, or without what it shall run on."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of pictures of many sizes
    try:
        with silenced():
            import keras
    except (ImportError, ValueError) as error:  # ValueError: no library that Keras can run on has that name
        if getattr(error, "name", "") in ("keras", "tensorflow"):
            raise MissingExtraError(
                "running .keras files needs TensorFlow, which is not installed",
                hint="pip install 'upscale-cli[train]'",
            ) from error
        raise MissingExtraError(
            f"Keras cannot start: {error}", hint="give the same command again with KERAS_BACKEND=tensorflow"
        ) from error
    return keras


def open_keras(card: ModelCard, *, threads: int = 0) -> KerasModel:
    """The Keras network of ``card``. Raises MissingExtraError without TensorFlow, ModelError for an
    unusable file.
    """
    keras = start_keras()
    if threads and keras.backend.backend() == "tensorflow":
        import tensorflow

        with contextlib.suppress(RuntimeError):  # TensorFlow has already started: too late to change
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    card = _keras_card(card)
    read_weights(card)
    try:
        with silenced():
            network = keras.saving.load_model(card.path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds
        raise ModelError(
            f"{card.path}: Keras cannot load this network: {str(error).splitlines()[0]}",
            hint="use a .keras file written by `upscale train`",
        ) from error
    return KerasModel(card, network)


def _keras_card(card: ModelCard) -> ModelCard:
    """The card of the same model's ``.keras`` file."""
    if card.precision == "keras":
        return card
    if "keras" not in card.files:
        raise ModelError(
            f"{card.path}: TensorFlow runs .keras files only",
            hint="give a .keras file, or use --runtime litert",
        )
    facts = card.files["keras"]
    return replace(card, path=card.path.with_name(facts["file"]), precision="keras", sha256=facts["sha256"])


class KerasModel:
    """One Keras network; `model.Model` with the facts of its card, or measured ones where it has none."""

    def __init__(self, card: ModelCard, network: Any) -> None:
        self._network = network
        self._lock = threading.Lock()  # one call at a time: TensorFlow itself uses all cores or the device
        if not card.scale:
            card = self._described(card)
        self.card = card
        self.scale, self.channels = card.scale, card.channels
        self.halo, self.residual = card.halo, card.residual

    def _described(self, card: ModelCard) -> ModelCard:
        try:
            return measured(replace(card, channels=int(self._network.input_shape[-1])), self._run)
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"{card.path}: not a network that enlarges pictures: {error}",
                hint="it must take (N, H, W, 1 or 3) values and answer with a whole multiple of H and W",
            ) from error

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Run the network; see `model.Model`."""
        return inner(self._run(batch), self.scale * spare)

    def _run(self, batch: Batch) -> Batch:
        with self._lock:
            return np.asarray(self._network(batch, training=False), dtype=np.float32)
