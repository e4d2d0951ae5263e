"""From a trained network to files that anybody can run, and the manifest row that describes them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from upscale_cli.architectures.fsrcnn import convolutions
from upscale_cli.atomic import atomic
from upscale_cli.errors import MissingExtraError, ModelError
from upscale_cli.probe import measure_halo
from upscale_cli.quiet import silenced
from upscale_cli.training.compensated import layers
from upscale_cli.training.data import Plane
from upscale_cli.training.rounding import corrected

CALIBRATION_SIDE = 96


def to_float(plain: keras.Model) -> bytes:
    """Convert a merged network to a float32 ``.tflite`` file's content.

    Raises:
        MissingExtraError: without TensorFlow, which holds the converter.
    """
    return convert(converter(plain))


def to_int8(plain: keras.Model, pictures: list[Plane]) -> bytes:
    """Convert a merged network to ``.tflite`` with int8 weights and activations, float32 at both ends.

    Args:
        plain: The network.
        pictures: Luma planes, (H, W) in [0, 1], that show the range of every activation.

    Raises:
        MissingExtraError: without TensorFlow, which holds the converter.
    """
    import tensorflow as tf

    corners = [picture[:CALIBRATION_SIDE, :CALIBRATION_SIDE] for picture in pictures]

    def samples() -> Iterator[list[np.ndarray]]:
        ramp = np.tile(np.linspace(0, 1, CALIBRATION_SIDE, dtype=np.float32), (CALIBRATION_SIDE, 1))
        for plane in (ramp, *corners):  # the ramp pins the input to 1/255 a step
            yield [plane[None, ..., None]]

    job = converter(plain)
    job.optimizations = [tf.lite.Optimize.DEFAULT]
    job.representative_dataset = samples
    job.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return corrected(convert(job), layers(plain, corners))


def converter(plain: keras.Model) -> Any:
    """Return TensorFlow's converter for a network, whatever backend trained it."""
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError(
            "exporting needs TensorFlow", hint="pip install 'upscale-cli[train]'"
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            "export runs on Keras' TensorFlow backend",
            hint="give the same command again with KERAS_BACKEND=tensorflow: the run is kept",
        )
    return tf.lite.TFLiteConverter.from_keras_model(plain)


def convert(job: Any) -> bytes:
    """Run TensorFlow's converter without its reports; what it cannot convert raises."""
    with contextlib.redirect_stdout(io.StringIO()), silenced(), warnings.catch_warnings():
        # not needed with sample pictures
        warnings.filterwarnings("ignore", "Statistics for quantized inputs")
        return bytes(job.convert())


def scale_of(plain: keras.Model) -> int:
    """Return what a merged network enlarges by: its last layer has a channel for each sub-pixel."""
    return math.isqrt(convolutions(plain)[-1].filters)


def facts(plain: keras.Model) -> dict[str, Any]:
    """Return what the program must know of a network to use it: scale, channels, halo, residual, sizes."""
    kernels, scale = [layer.kernel.shape for layer in convolutions(plain)], scale_of(plain)
    return {
        "scale": scale,
        "channels": 1,
        "halo": measure_halo(lambda batch: keras.ops.convert_to_numpy(plain(batch)), scale, 1),
        "residual": True,
        "parameters": int(plain.count_params()),
        "macs_per_pixel": sum(map(math.prod, kernels)),
    }


def write_files(
    plain: keras.Model, folder: Path, stem: str, calibration: list[Plane]
) -> dict[str, dict[str, Any]]:
    """Write ``<stem>.keras``, ``.tflite`` and ``.int8.tflite`` into ``folder``, each whole or not at all.

    Args:
        plain: The merged network.
        folder: Made if missing.
        stem: Name of the files.
        calibration: Luma planes that show int8 the range of every activation.

    Returns:
        Name and sha256 of each file, by kind, as the manifest holds them.
    """
    contents = {
        "float": (f"{stem}.tflite", to_float(plain)),
        "int8": (f"{stem}.int8.tflite", to_int8(plain, calibration)),
        "keras": (f"{stem}.keras", keras_file(plain)),
    }
    files: dict[str, dict[str, Any]] = {}
    for kind, (file, content) in contents.items():
        with atomic(folder / file) as temporary:
            temporary.write_bytes(content)
        files[kind] = {"file": file, "sha256": hashlib.sha256(content).hexdigest()}
    return files


def keras_file(plain: keras.Model) -> bytes:
    """Return the content of the network's ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        plain.save(path)
        return path.read_bytes()
