"""Networks run by OpenVINO: the pictures of LiteRT, whatever the tiles."""

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
from tests.networks import batch, check_that_pictures_are_the_same_whatever_the_tiles
from tests.test_inside import CARDS, skip, stride
from upscale_cli import zoo
from upscale_cli.errors import MissingExtraError, ModelError, UsageError
from upscale_cli.machine import available_cpus, has_vnni
from upscale_cli.model import inner
from upscale_cli.runtimes import open_model, quickest
from upscale_cli.runtimes import openvino as module
from upscale_cli.runtimes.chain import plain_chain
from upscale_cli.runtimes.tflite import packed, parsed
from upscale_cli.tiler import Tiling, upscale
from upscale_cli.zoo import read_weights

if find_spec("openvino") is None:
    pytest.skip("OpenVINO is not installed", allow_module_level=True)
EXACT = [card for card in CARDS if card.precision == "float" or has_vnni()]
module._import_openvino()
bfloat16 = pytest.mark.skipif(not module._has_bfloat16(), reason="the CPU does not multiply bfloat16")


@pytest.fixture(params=EXACT, ids=[card.path.name for card in EXACT], scope="module")
def card(request):
    return request.param


@pytest.fixture(scope="module")
def model(card):
    return open_model(card, runtime="openvino")


def test_answers_are_those_of_litert(card, model):
    values = batch(50, 61, 2)
    answer, expected = model(values), open_model(card)(values)
    assert answer.shape == expected.shape
    assert answer.dtype == np.float32
    difference = 255 * np.abs(answer - expected)
    if card.precision == "float":
        assert difference.max() < 0.01
    else:  # LiteRT rounds its answers to integers, and halves between layers by other rules
        assert difference.mean() < 0.4
        assert difference.max() < 8


INTEGERS = [card for card in EXACT if card.precision == "int8"]


@pytest.mark.parametrize("card", INTEGERS, ids=[card.path.name for card in INTEGERS])
def test_int8_answers_are_nearer_to_float_than_those_of_litert(card):
    values = batch(50, 61, 2)
    whole = open_model(zoo.in_precision(card, "float"))(values)
    off, off_of_litert = (
        np.abs(open_model(card, runtime=runtime)(values) - whole).mean() for runtime in ("openvino", "litert")
    )
    assert off < 0.99 * off_of_litert


@pytest.mark.parametrize(("rows", "columns"), [(7, 6), (16, 29), (40, 40)])
def test_the_answers_inside_are_those_of_the_whole_window(card, model, rows, columns):
    values = batch(rows + 2 * card.halo, columns + 2 * card.halo, 2)
    whole = model(values)
    for spare in (3, card.halo, card.halo + 2):
        assert np.array_equal(model(values, spare=spare), inner(whole, card.scale * spare))


def test_calls_that_spare_the_halo_need_the_network_without_padding_only(monkeypatch):
    compiled = []
    prepared = module.OpenVINOModel._prepared
    monkeypatch.setattr(
        module.OpenVINOModel,
        "_prepared",
        lambda self, padding: compiled.append(padding) or prepared(self, padding),
    )
    halo = zoo.find("fsrcnn-s").halo
    model = open_model(zoo.find("fsrcnn-s"), runtime="openvino")
    for spare, paddings in ((halo + 1, [0]), (halo, [0]), (halo - 1, [0, 1])):
        model(batch(2 * halo + 6, 2 * halo + 6), spare=spare)
        assert compiled == paddings


@pytest.mark.parametrize(("threads", "expected"), [(0, available_cpus()), (3, 3)])
def test_as_many_calls_at_a_time_as_were_asked_for(threads, expected, monkeypatch):
    model = open_model(zoo.find("fsrcnn-s"), runtime="openvino", threads=threads)
    begun, running, most, change = 0, 0, 0, threading.Condition()

    class Request:
        def infer(self, inputs, **options):
            nonlocal begun, running, most
            with change:
                begun, running = begun + 1, running + 1
                most = max(most, running)
                change.notify_all()
                change.wait_for(lambda: begun >= expected, timeout=5)
                change.wait_for(lambda: running > expected, timeout=0.1)
                running -= 1
            return [np.zeros((1, 4, 8, 8), np.float32)]

    monkeypatch.setattr(model, "_prepared", lambda padding: Request())
    with ThreadPoolExecutor(expected + 2) as pool:
        list(pool.map(model, [batch(8, 8)] * (expected + 2)))
    assert most == expected
    assert sum(map(len, model._idle.values())) == expected


def test_the_network_runs_in_the_thread_that_calls():
    """In threads of OpenVINO's own both CPUs wait for each other, and work with cold caches."""
    model = open_model(zoo.find("fsrcnn-m"), runtime="openvino")
    values = batch(200, 200)
    model(values)
    whole, own = time.process_time(), time.thread_time()
    for _ in range(3):
        model(values)
    assert time.thread_time() - own > 0.8 * (time.process_time() - whole)


def test_pictures_are_the_same_whatever_the_tiles(model):
    check_that_pictures_are_the_same_whatever_the_tiles(model)


def test_calls_from_several_threads_and_results_of_the_callers_own(model):
    pictures = [batch(16 + number % 3, 16) for number in range(12)]
    expected = [model(picture).copy() for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(model, pictures))
    answers[0][:] += 1  # may be written to
    assert np.array_equal(answers[0] - 1, expected[0] + 1 - 1)
    assert all(np.array_equal(a, b) for a, b in zip(answers[1:], expected[1:], strict=True))


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 1), (6, 1), (1, 6)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("block", [2, 4])
def test_subpixels_side_by_side(block, channels, height, width):
    planes = np.random.default_rng(0).random((2, block * block * channels, height, width), np.float32)
    expected = planes.reshape(2, block, block, channels, height, width).transpose(0, 4, 1, 5, 2, 3)
    answer = module._depth_to_space(planes, block)
    assert np.array_equal(answer, expected.reshape(2, height * block, width * block, channels))


def test_facts_of_a_file_without_a_card_are_measured(tmp_path):
    path = shutil.copy(zoo.find("fsrcnn-s").path, tmp_path / "copy.tflite")
    model = open_model(zoo.find(str(path), ""), runtime="openvino")
    known = zoo.find("fsrcnn-s")
    facts = model.scale, model.channels, model.halo, model.residual
    assert facts == (known.scale, known.channels, known.halo, known.residual)


@pytest.mark.parametrize("change", [stride, skip])
def test_other_networks_are_refused(change, tmp_path):
    network = parsed(read_weights(zoo.find("fsrcnn-s")))
    for operator in network.subgraphs[0].operators:
        operator.inputs = operator.inputs.copy()
    change(network)
    path = tmp_path / "other.tflite"
    path.write_bytes(packed(network))
    with pytest.raises(ModelError, match=r"other\.tflite: OpenVINO runs plain chains") as caught:
        open_model(zoo.find(str(path), ""), runtime="openvino")
    assert "--runtime litert" in caught.value.hint


def test_other_activations_are_refused(tmp_path):
    network = parsed(read_weights(zoo.find("fsrcnn-s")))
    network.subgraphs[0].operators[1].builtinOptions.fusedActivationFunction = 3  # ReLU6
    assert plain_chain(network)
    path = tmp_path / "other.tflite"
    path.write_bytes(packed(network))
    with pytest.raises(ModelError, match="plain chains"):
        open_model(zoo.find(str(path), ""), runtime="openvino")


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000)])
def test_files_that_hold_no_network_are_refused(content, tmp_path):
    path = tmp_path / "none.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"none\.tflite"):
        open_model(zoo.find(str(path), ""), runtime="openvino")


def test_bytes_need_sums_that_are_exact(monkeypatch):
    monkeypatch.setattr(module, "has_vnni", lambda: False)
    open_model(zoo.find("fsrcnn-s"), runtime="openvino")
    with pytest.raises(ModelError, match="without VNNI") as caught:
        open_model(zoo.find("fsrcnn-s", "int8"), runtime="openvino")
    assert "--precision float" in caught.value.hint


def test_keras_files_are_for_tensorflow():
    with pytest.raises(ModelError, match="only TensorFlow"):
        open_model(zoo.find(precision="keras"), runtime="openvino")


def test_without_openvino_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"OpenVINO cannot be loaded: .*openvino") as caught:
        open_model(zoo.find(), runtime="openvino")
    assert "pip install openvino" in caught.value.hint


def test_nothing_is_reported_to_anybody():
    """OpenVINO's model converter tells its maker that it was loaded; without it nothing does."""
    code = (
        "import sys, numpy as np; from upscale_cli import zoo; from upscale_cli.runtimes import open_model\n"
        "open_model(zoo.find(), runtime='openvino')(np.zeros((1, 40, 40, 1), np.float32))\n"
        "print([name for name in sys.modules if 'telemetry' in name or 'openvino.tools' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


# bfloat16: the weights of float, quicker sums.


@bfloat16
@pytest.mark.parametrize("name", ["fsrcnn-s", "fsrcnn-m"])
def test_bfloat16_is_nearly_float(name):
    values = batch(50, 61)
    answer, whole, integer = (
        open_model(zoo.find(name, precision), runtime="openvino")(values)
        for precision in ("bfloat16", "float", "int8")
    )
    difference = 255 * np.abs(answer - whole)
    assert 0 < difference.mean() < 0.2
    assert difference.mean() < (255 * np.abs(integer - whole)).mean() / 1.5


@bfloat16
@pytest.mark.parametrize("name", ["fsrcnn-s", "fsrcnn-m"])
def test_bfloat16_leaves_one_colour_alone(name):
    model = open_model(zoo.find(name, "bfloat16"), runtime="openvino")
    for level in range(0, 256, 15):
        picture = np.full((40, 40, 3), level, np.uint8)
        assert np.array_equal(upscale(picture, model), np.full((80, 80, 3), level, np.uint8))


@bfloat16
def test_bfloat16_gives_the_same_picture_whatever_the_tiles():
    model = open_model(zoo.find("fsrcnn-m", "bfloat16"), runtime="openvino")
    picture = draw(150, 163)
    expected = upscale(picture, model, Tiling())
    for tiling in (Tiling(tile=8), Tiling(tile=70, batch=2), Tiling(threads=5)):
        assert np.array_equal(upscale(picture, model, tiling), expected)


def test_bfloat16_needs_a_cpu_that_multiplies_it(monkeypatch):
    monkeypatch.setattr(module, "_has_bfloat16", lambda: False)
    with pytest.raises(ModelError, match="does not multiply bfloat16") as caught:
        open_model(zoo.find("fsrcnn-s", "bfloat16"), runtime="openvino")
    assert "--precision float" in caught.value.hint


@pytest.mark.parametrize("runtime", ["litert", "tensorflow"])
def test_bfloat16_is_for_openvino(runtime):
    card = zoo.find("fsrcnn-s", "bfloat16")
    assert quickest(card, 1, 1) == "openvino"
    with pytest.raises(UsageError, match=f"bfloat16, not {runtime}"):
        open_model(card, runtime=runtime)


# Which runtime a picture gets.


@pytest.fixture
def vnni(monkeypatch):
    monkeypatch.setattr("upscale_cli.runtimes.has_vnni", lambda: True)


def test_large_pictures_are_for_openvino(vnni):
    card = zoo.find("fsrcnn-s")
    least = next(pixels for pixels in range(10**5, 10**7, 10**4) if quickest(card, pixels, 1) == "openvino")
    assert 0.5e6 < least < 1.5e6
    assert quickest(card, least - 10**4, 1) == "litert"
    assert quickest(card, least // 8, 8) == "openvino"
    assert quickest(card, least // 8 - 10**4, 8) == "litert"
    assert quickest(zoo.find("fsrcnn-m"), least // 4, 1) == "openvino"
    assert quickest(zoo.find("fsrcnn-l"), 64 * 64, 4) == "litert"


def test_networks_of_unknown_cost_are_for_litert(vnni, tmp_path):
    path = shutil.copy(zoo.find("fsrcnn-s").path, tmp_path / "copy.tflite")
    assert quickest(zoo.find(str(path), ""), 10**9, 1) == "litert"


def test_litert_where_openvino_gains_nothing_or_is_not_there(vnni, monkeypatch):
    card = zoo.find()
    assert quickest(card, 10**9, 1) == "openvino"
    monkeypatch.setattr("upscale_cli.runtimes.find_spec", lambda name: None)
    assert quickest(card, 10**9, 1) == "litert"
    monkeypatch.undo()
    monkeypatch.setattr("upscale_cli.runtimes.has_vnni", lambda: False)
    assert quickest(card, 10**9, 1) == "litert"
