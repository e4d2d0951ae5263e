"""Opening models, sound and otherwise."""

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli import zoo
from upscale_cli.color import luma
from upscale_cli.errors import MissingExtraError, ModelError, UsageError
from upscale_cli.image_io import write_picture
from upscale_cli.native import arithmetic
from upscale_cli.resample import Interpolation
from upscale_cli.runtimes import RUNTIMES, litert, open_model, runtime_for
from upscale_cli.runtimes.litert import _dequantised, _quantised
from upscale_cli.tiler import Tiling, upscale


def batch(height=20, width=24, count=1):
    return luma(np.stack([draw(height, width, 3, np.float32, seed) for seed in range(count)]))


@pytest.fixture
def copy(tmp_path):
    """The default model's float file, copied somewhere else."""
    return shutil.copy(zoo.find().path, tmp_path / "copy.tflite")


def test_a_network_enlarges(shipped):
    answer = shipped(batch())
    assert answer.shape == (1, 40, 48, 1)
    assert answer.dtype == np.float32
    assert 1e-4 < np.abs(answer).mean() < 0.2  # a residual


def test_results_belong_to_the_caller(shipped):
    first = shipped(batch())
    kept = first.copy()
    shipped(1 - batch())
    assert np.array_equal(first, kept)
    first[:] = 0  # and may be written to
    assert np.array_equal(shipped(batch()), kept)


def test_batches_are_pictures_side_by_side(shipped):
    three = batch(count=3)
    answers = shipped(three)
    for number in range(3):
        assert np.array_equal(answers[number], shipped(three[number : number + 1])[0])


def test_any_memory_layout_will_do(shipped):
    turned = batch(24, 20).swapaxes(1, 2)
    assert np.array_equal(shipped(turned), shipped(np.ascontiguousarray(turned)))


def test_calls_from_several_threads(shipped):
    pictures = [batch(16 + number % 3, 16) for number in range(12)]
    expected = [shipped(picture) for picture in pictures]
    answers = [None] * len(pictures)

    def work(first):
        for number in range(first, len(pictures), 4):
            answers[number] = shipped(pictures[number])

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(answers, expected, strict=True))


def test_interpreters_are_laid_out_one_at_a_time(monkeypatch):
    models = [open_model(zoo.find()) for _ in range(2)]  # of its own: they keep the stand-ins
    at_work, seen = [], []

    class Slow:
        def __init__(self, content, shape):
            at_work.append(shape)
            time.sleep(0.02)
            seen.append(len(at_work))
            at_work.remove(shape)

        def run(self, batch):
            return np.zeros((len(batch), *(2 * n for n in batch.shape[1:3]), 1), np.float32)

    monkeypatch.setattr(litert, "Prepared", Slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: models[number % 2](batch(8, 8 + number)), range(4)))
    assert seen == [1, 1, 1, 1]


def test_interpreters_are_kept_while_they_are_of_use(shipped):
    for _ in range(20):
        shipped(batch(10, 10))
        shipped(batch(11, 11))
    kept = dict(shipped._idle)
    shipped(batch(10, 10))
    assert shipped._idle[0, 1, 10, 10, 1] is kept[0, 1, 10, 10, 1]
    for size in range(12, 40):
        shipped(batch(size, size))
    assert len(shipped._idle) <= 18
    assert (0, 1, 39, 39, 1) in shipped._idle
    assert (0, 1, 10, 10, 1) not in shipped._idle


def test_an_interpreter_is_kept_for_sixteen_calls_after_its_last():
    model, key = open_model(zoo.find()), (0, 1, 10, 10, 1)
    for size in (10, *range(11, 19), 10, *range(19, 35)):
        model(batch(size, size))
    assert key in model._idle
    model(batch(35, 35))
    assert key not in model._idle


def test_both_precisions_agree_closely():
    big = [
        upscale(draw(60, 60), open_model(zoo.find(precision=precision))) for precision in ("float", "int8")
    ]
    difference = np.abs(big[0].astype(int) - big[1])
    assert difference.mean() < 1
    assert difference.max() < 24


def test_integer_tensors_are_converted():
    details = {"dtype": np.int8, "quantization": (1 / 255, -128)}
    values = np.array([0.0, 0.599, 0.601, 1.0, 7.0, -1.0], np.float32)
    levels = _quantised(values, details)
    assert levels.tolist() == [-128, 25, 25, 127, 127, -128]
    assert levels.dtype == np.int8
    np.testing.assert_allclose(_dequantised(levels, details), [0, 0.6, 0.6, 1, 1, 0], atol=1e-6)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_nothing_is_written_to_stderr(runtime):
    if runtime == "tensorflow":
        pytest.importorskip("tensorflow")
    if runtime == "native" and not arithmetic():
        pytest.skip("there are no kernels for this CPU")
    precision = "int8" if runtime == "native" else "float"
    code = (
        "import numpy as np; from upscale_cli import zoo; from upscale_cli.runtimes import open_model\n"
        f"model = open_model(zoo.find(precision={precision!r}), runtime={runtime!r})\n"
        "print(model(np.zeros((1, 8, 8, 1), np.float32)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 16, 16, 1)\n"
    assert done.stderr == ""


def test_it_works_without_stderr():
    code = (
        "import os; os.close(2); import numpy as np; from upscale_cli import zoo\n"
        "from upscale_cli.runtimes import open_model\n"
        "print(open_model(zoo.find())(np.zeros((1, 8, 8, 1), np.float32)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "(1, 16, 16, 1)\n"


# Files without a card.


def test_the_facts_of_a_file_without_a_card_are_measured(copy):
    expected, model = open_model(zoo.find()), open_model(zoo.find(str(copy)))
    for fact in ("scale", "channels", "halo", "residual"):
        assert getattr(model, fact) == getattr(expected, fact)
    assert np.array_equal(upscale(draw(30, 40), model), upscale(draw(30, 40), expected))


def test_a_card_beside_the_file_is_believed(copy):
    facts = {"scale": 2, "channels": 1, "halo": 30, "residual": True}
    copy.with_name("copy.tflite.json").write_text(json.dumps(facts))
    assert open_model(zoo.find(str(copy))).halo == 30


@pytest.mark.parametrize("size", [0, 3, 1000, 40_000])
def test_truncated_files_are_refused(copy, size):
    copy.write_bytes(copy.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"copy\.tflite") as caught:
        open_model(zoo.find(str(copy)))
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_files_of_another_kind_are_refused(copy):
    copy.write_bytes(b"TFL3" * 5000)
    with pytest.raises(ModelError, match=r"copy\.tflite"):
        open_model(zoo.find(str(copy)))


def test_altered_files_are_refused(copy, monkeypatch):
    manifest = {
        "models": [{"name": "a", "scale": 2, "files": {"float": {"file": copy.name, "sha256": "0" * 64}}}]
    }
    (copy.parent / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("UPSCALE_MODELS", str(copy.parent))
    with pytest.raises(ModelError, match="sha256"):
        open_model(zoo.find("a"))


def test_each_runtime_has_its_kind_of_file(copy):
    with pytest.raises(ModelError, match=r"fsrcnn.*\.keras: only TensorFlow") as caught:
        open_model(zoo.find(precision="keras"))
    assert "--runtime tensorflow" in caught.value.hint
    pytest.importorskip("tensorflow")
    with pytest.raises(ModelError, match=r"copy\.tflite: TensorFlow runs \.keras files only"):
        open_model(zoo.find(str(copy)), runtime="tensorflow")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_interpolation_needs_no_runtime(runtime):
    model, picture = open_model(zoo.find("lanczos"), runtime=runtime), draw(9, 8)
    assert np.array_equal(upscale(picture, model), upscale(picture, Interpolation("lanczos", 2)))


@pytest.mark.parametrize(("runtime", "opens"), [("tensorflow", "open_keras"), ("openvino", "open_chain")])
def test_libraries_that_have_threads_of_their_own_are_told_how_many(monkeypatch, runtime, opens):
    monkeypatch.setattr(f"upscale_cli.runtimes.{runtime}.{opens}", lambda card, threads: threads)
    assert open_model(zoo.find(), runtime=runtime, threads=3) == 3


def test_only_keras_files_have_a_runtime_of_their_own():
    assert runtime_for(zoo.find("fsrcnn-s", "keras")) == "tensorflow"
    assert [runtime_for(zoo.find("fsrcnn-s", kind)) for kind in ("float", "int8")] == ["", ""]


def test_unknown_runtimes_are_refused():
    with pytest.raises(UsageError, match="onnx"):
        open_model(zoo.find(), runtime="onnx")


# TensorFlow, only when asked for.


def test_without_tensorflow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match="TensorFlow") as caught:
        open_model(zoo.find(precision="keras"), runtime="tensorflow")
    assert "pip install 'upscale-cli[train]'" in caught.value.hint


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        pytest.param(
            "torch", "torch", marks=pytest.mark.skipif(bool(find_spec("torch")), reason="it is there")
        ),
        ("nonsense", "backend : nonsense"),
    ],
)
@pytest.mark.parametrize(
    "words", [["train", "fsrcnn-s", "--data", "."], ["evaluate", ".", "-n", "own.keras"]]
)
def test_what_keras_cannot_run_on_is_told(words, backend, told, tmp_path):
    pytest.importorskip("keras")
    shutil.copy(zoo.find("fsrcnn-s", "keras").path, tmp_path / "own.keras")
    write_picture(tmp_path / "a.png", [draw(64, 64)])
    done = subprocess.run(
        [sys.executable, "-m", "upscale_cli", *words],
        cwd=tmp_path, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True,
    )  # fmt: skip
    error, hint = done.stderr.splitlines()
    assert done.returncode == 1
    assert error.startswith("error: Keras cannot start: ") and told in error
    assert hint.startswith("hint: ") and "KERAS_BACKEND=tensorflow" in hint


@pytest.fixture(scope="module")
def keras_model():
    """The default model, run by Keras on TensorFlow."""
    pytest.importorskip("tensorflow")
    return open_model(zoo.find(), runtime="tensorflow")


def test_tensorflow_does_not_warn_of_pictures_of_many_sizes(keras_model):
    assert not logging.getLogger("tensorflow").isEnabledFor(logging.WARNING)


def test_tensorflow_takes_as_many_threads_as_it_is_told(keras_model, monkeypatch):
    import tensorflow

    asked = []
    monkeypatch.setattr(tensorflow.config.threading, "set_intra_op_parallelism_threads", asked.append)
    for threads in (0, 3):
        open_model(zoo.find(), runtime="tensorflow", threads=threads)
    assert asked == [3]


def test_keras_agrees_with_litert_within_one_level(keras_model):
    litert = open_model(zoo.find())
    assert (keras_model.scale, keras_model.halo, keras_model.residual) == (2, litert.halo, True)
    picture = draw(50, 60)
    ours = upscale(picture, keras_model, Tiling(tile=24, batch=2)).astype(int)
    assert np.abs(ours - upscale(picture, litert)).max() <= 1


def test_the_facts_of_a_keras_file_are_measured(keras_model, tmp_path):
    path = shutil.copy(zoo.find(precision="keras").path, tmp_path / "copy.keras")
    model = open_model(zoo.find(str(path), ""), runtime="tensorflow")
    assert (model.scale, model.channels, model.halo, model.residual) == (2, 1, keras_model.halo, True)


def test_damaged_keras_files_are_refused(keras_model, tmp_path):
    path = tmp_path / "copy.keras"
    path.write_bytes(zoo.find(precision="keras").path.read_bytes()[:500])
    with pytest.raises(ModelError, match=r"copy\.keras"):
        open_model(zoo.find(str(path), ""), runtime="tensorflow")


def test_altered_keras_files_are_refused(keras_model, tmp_path, monkeypatch):
    path = shutil.copy(zoo.find(precision="keras").path, tmp_path / "a.keras")
    files = {"keras": {"file": path.name, "sha256": "0" * 64}}
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [{"name": "a", "files": files}]}))
    monkeypatch.setenv("UPSCALE_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="sha256"):
        open_model(zoo.find("a", "keras"), runtime="tensorflow")


def saved(tmp_path, channels, layer):
    """The card of a network of one layer."""
    import keras

    source = keras.Input((None, None, channels))
    keras.Model(source, layer(source)).save(tmp_path / "one.keras")
    return zoo.find(str(tmp_path / "one.keras"), "")


def test_keras_networks_of_colours_answer_in_floats(keras_model, tmp_path):
    import keras

    card = saved(tmp_path, 3, keras.layers.UpSampling2D(2))
    model = open_model(card, runtime="tensorflow")
    assert (model.scale, model.channels, model.halo, model.residual) == (2, 3, 0, False)
    picture = draw(9, 8, dtype=np.float32)
    answer = model(picture[None])
    assert answer.dtype == np.float32
    assert np.array_equal(answer[0], picture.repeat(2, axis=0).repeat(2, axis=1))


def test_keras_networks_that_make_no_pictures_are_refused(keras_model, tmp_path):
    import keras

    card = saved(tmp_path, 1, keras.layers.GlobalAveragePooling2D())
    with pytest.raises(ModelError, match="not a network that enlarges pictures"):
        open_model(card, runtime="tensorflow")


def test_keras_files_that_hold_code_are_refused(keras_model, tmp_path):
    import keras

    card = saved(tmp_path, 1, keras.layers.Lambda(lambda batch: batch))
    with pytest.raises(ModelError, match="cannot load this network"):
        open_model(card, runtime="tensorflow")
