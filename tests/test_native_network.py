"""Networks run by this project's own kernels: the pictures of LiteRT, whatever the tiles."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.conftest import draw
from tests.networks import batch, check_that_pictures_are_the_same_whatever_the_tiles
from tests.test_inside import CARDS, skip, stride
from upscale_cli import zoo
from upscale_cli.errors import MissingExtraError, ModelError
from upscale_cli.model import inner
from upscale_cli.native import arithmetic
from upscale_cli.runtimes import native as module
from upscale_cli.runtimes import open_model, quickest
from upscale_cli.runtimes.tflite import packed, parsed
from upscale_cli.settings import Settings
from upscale_cli.tiler import upscale
from upscale_cli.upscaler import Upscaler
from upscale_cli.zoo import read_weights

if not arithmetic():
    pytest.skip("there are no kernels for this CPU", allow_module_level=True)
SECOND = [
    card for name in ("fsrcnn-s", "fsrcnn-m", "fsrcnn-l") if (card := zoo.second(zoo.find(name, "int8")))
]
INTEGERS = [card for card in CARDS if card.precision == "int8"] + SECOND


@pytest.fixture(params=INTEGERS, ids=[card.path.name for card in INTEGERS], scope="module")
def card(request):
    return request.param


@pytest.fixture(scope="module")
def model(card):
    return open_model(card, runtime="native")


def test_answers_are_those_of_litert(card, model):
    values = batch(50, 61, 2)
    answer, expected = model(values), open_model(card)(values)
    assert answer.shape == expected.shape
    assert answer.dtype == np.float32
    difference = 255 * np.abs(answer - expected)
    assert difference.mean() < 0.4  # LiteRT rounds its answers to integers, and halves by other rules
    assert difference.max() < 8


def test_answers_are_nearer_to_float_than_those_of_litert(card, model):
    values = batch(50, 61, 2)
    whole = open_model(zoo.in_precision(card, "float"))(values)
    assert np.abs(model(values) - whole).mean() < 0.995 * np.abs(open_model(card)(values) - whole).mean()


@pytest.mark.parametrize(("rows", "columns"), [(7, 6), (16, 29), (40, 40), (1, 1)])
def test_the_answers_inside_are_those_of_the_whole_window(card, model, rows, columns):
    values = batch(rows + 2 * card.halo + 4, columns + 2 * card.halo + 4, 2)
    whole = model(values)
    for spare in (0, 3, card.halo, card.halo + 2):
        assert np.array_equal(model(values, spare=spare), inner(whole, card.scale * spare))


def test_pictures_are_the_same_whatever_the_tiles(model):
    check_that_pictures_are_the_same_whatever_the_tiles(model)


def test_one_colour_stays_as_it_is(model):
    for level in range(0, 256, 15):
        picture = np.full((40, 40, 3), level, np.uint8)
        big = np.full((40 * model.scale, 40 * model.scale, 3), level, np.uint8)
        assert np.abs(upscale(picture, model).astype(int) - big).max() <= 1


def test_calls_from_several_threads_and_results_of_the_callers_own(model):
    pictures = [batch(16 + number % 3, 16) for number in range(12)]
    expected = [model(picture).copy() for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(model, pictures))
    answers[0][:] = 0  # may be written to
    assert all(np.array_equal(a, b) for a, b in zip(answers[1:], expected[1:], strict=True))


def test_any_memory_layout_will_do(model):
    turned = batch(24, 20).swapaxes(1, 2)
    assert np.array_equal(model(turned), model(np.ascontiguousarray(turned)))


def test_facts_of_a_file_without_a_card_are_measured(tmp_path):
    known = zoo.find("fsrcnn-s", "int8")
    path = shutil.copy(known.path, tmp_path / "copy.tflite")
    model = open_model(zoo.find(str(path), ""), runtime="native")
    facts = model.scale, model.channels, model.halo, model.residual
    assert facts == (known.scale, known.channels, known.halo, known.residual)


def rectify(network):
    convolutions = [one for one in network.subgraphs[0].operators if hasattr(one.builtinOptions, "strideH")]
    convolutions[3].builtinOptions.fusedActivationFunction = 3  # ReLU6


@pytest.mark.parametrize("change", [stride, skip, rectify])
def test_other_networks_are_refused(change, tmp_path):
    network = parsed(read_weights(zoo.find("fsrcnn-s", "int8")))
    for operator in network.subgraphs[0].operators:
        operator.inputs = operator.inputs.copy()
    change(network)
    path = tmp_path / "other.tflite"
    path.write_bytes(packed(network))
    with pytest.raises(ModelError, match=r"other\.tflite: the compiled kernels run plain chains") as caught:
        open_model(zoo.find(str(path), ""), runtime="native")
    assert "--runtime" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000)])
def test_files_that_hold_no_network_are_refused(content, tmp_path):
    path = tmp_path / "none.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"none\.tflite"):
        open_model(zoo.find(str(path), ""), runtime="native")


def test_float_is_refused(tmp_path):
    with pytest.raises(ModelError, match="float was asked for") as caught:
        open_model(zoo.find("fsrcnn-s", "float"), runtime="native")
    assert "--precision int8" in caught.value.hint
    path = shutil.copy(zoo.find("fsrcnn-s").path, tmp_path / "copy.tflite")
    with pytest.raises(ModelError, match="layers in float"):
        open_model(zoo.find(str(path), ""), runtime="native")
    with pytest.raises(ModelError, match="only TensorFlow"):
        open_model(zoo.find(precision="keras"), runtime="native")


def test_without_kernels_the_way_out_is_named(monkeypatch):
    card = zoo.find("fsrcnn-s", "int8")
    monkeypatch.setattr(module, "arithmetic", lambda: "")
    with pytest.raises(ModelError, match="AVX-512 VNNI") as caught:
        open_model(card, runtime="native")
    assert "--runtime" in caught.value.hint
    monkeypatch.setattr(module, "compiled", None)
    with pytest.raises(MissingExtraError, match="no compiled kernels") as caught:
        open_model(card, runtime="native")
    assert "C compiler" in caught.value.hint


def test_int8_networks_of_every_size_of_picture_are_for_the_kernels(monkeypatch, tmp_path):
    for card in INTEGERS:
        assert quickest(card, 1, 1) == quickest(card, 10**9, 8) == "native"
    assert quickest(zoo.find("fsrcnn-s", "float"), 1, 1) != "native"
    copy = shutil.copy(zoo.find("fsrcnn-s", "int8").path, tmp_path / "copy.tflite")
    assert quickest(zoo.find(str(copy), ""), 1, 1) == "litert"  # which runs any network
    monkeypatch.setattr("upscale_cli.runtimes.arithmetic", lambda: "")
    assert quickest(zoo.find("fsrcnn-s", "int8"), 1, 1) == "litert"


def test_who_asks_for_the_kernels_has_int8_for_deep_pictures_too():
    deep = draw(20, 20, 3, np.uint16)
    chosen, asked = Upscaler(Settings()), Upscaler(Settings(runtime="native"))
    assert asked.model_for(20, 20, deep.dtype).card.precision == "int8"
    assert chosen.model_for(20, 20, deep.dtype).card.precision == "float"
    assert (asked(deep) != chosen(deep)).any()
