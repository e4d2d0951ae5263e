"""Networks that answer for the inside of their window."""

import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.conftest import draw
from upscale_cli import zoo
from upscale_cli.model import inner
from upscale_cli.runtimes import inside as rewriting
from upscale_cli.runtimes import litert, open_model
from upscale_cli.runtimes.inside import inside
from upscale_cli.runtimes.tflite import packed, parsed
from upscale_cli.tiler import Tiling, upscale
from upscale_cli.zoo import read_weights

OWN = [zoo.find(card.name, kind) for card in zoo.models() for kind in ("float", "int8") if kind in card.files]
CARDS = [card for own in OWN for card in (own, zoo.direct(own)) if card]


@pytest.fixture(params=CARDS, ids=[card.path.name for card in CARDS])
def card(request):
    return request.param


@pytest.fixture(params=[8, 16], ids=["registers of 8", "registers of 16"])
def always(request, monkeypatch):
    """Calls of any size are worth rewriting the network, for either width of vector registers."""
    monkeypatch.setattr(litert, "_WORTH_REWRITING", 0)
    monkeypatch.setattr(rewriting, "wide_registers", lambda: request.param == 16)


@pytest.mark.parametrize(("rows", "columns"), [(7, 6), (16, 29), (40, 40)])
def test_the_answers_inside_are_those_of_the_whole_window(card, always, rows, columns):
    model, height, width = open_model(card), rows + 2 * card.halo, columns + 2 * card.halo
    values = np.stack([draw(height, width, 1, np.float32, seed) for seed in range(2)])
    whole = model(values)
    for spare in (card.halo, card.halo + 2):
        assert np.array_equal(model(values, spare=spare), inner(whole, card.scale * spare))
    assert model._inside.rim == card.halo
    assert sorted({key[0] for key in model._idle}) == [0, card.halo]


def test_less_to_spare_than_the_network_sees_needs_the_whole_network(card, always):
    model = open_model(card)
    values = draw(40, 40, 1, np.float32)[None]
    assert np.array_equal(model(values, spare=3), inner(model(values), card.scale * 3))
    assert {key[0] for key in model._idle} == {0}


def test_calls_that_are_large_enough_are_answered_by_the_rewritten_network(monkeypatch):
    card = zoo.find("fsrcnn-s")
    rim, side = card.halo, 2 * card.halo + 8
    monkeypatch.setattr(litert, "_WORTH_REWRITING", 2 * side * side)
    for count, spare, expected in ((1, rim, 0), (2, 0, 0), (2, rim - 1, 0), (2, rim, rim), (2, rim + 1, rim)):
        model = open_model(card)
        model(np.zeros((count, side, side, 1), np.float32), spare=spare)
        assert {key[0] for key in model._idle} == {expected}
        assert ("_inside" in vars(model)) == (count == 2 and spare > 0)  # it takes a while


def test_pictures_are_the_same_with_and_without(card, monkeypatch):
    picture = draw(150, 163)
    tilings = [Tiling(), Tiling(tile=70, batch=2), Tiling(tile=140)]
    monkeypatch.setattr(litert, "_WORTH_REWRITING", 10**9)
    expected = upscale(picture, open_model(card), Tiling(tile=48))
    for least in (0, 16_384):
        monkeypatch.setattr(litert, "_WORTH_REWRITING", least)
        for tiling in tilings:
            assert np.array_equal(upscale(picture, open_model(card), tiling), expected)


def test_small_pictures_do_not_wait_for_the_rewriting():
    code = (
        "import sys, numpy as np, upscale_cli; upscale_cli.upscale(np.zeros((64, 64, 3), np.uint8))\n"
        "print('upscale_cli.runtimes.inside' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def stride(model):
    model.subgraphs[0].operators[3].builtinOptions.strideH = 2


def valid(model):
    model.subgraphs[0].operators[3].builtinOptions.padding = schema.Padding.VALID


def skip(model):
    operators = model.subgraphs[0].operators
    operators[4].inputs[0] = operators[2].outputs[0]


def unknown(model):
    for code in model.operatorCodes:
        code.builtinCode = schema.BuiltinOperator.TRANSPOSE_CONV


def two_answers(model):
    graph = model.subgraphs[0]
    graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]


def two_graphs(model):
    model.subgraphs.append(model.subgraphs[0])


@pytest.mark.parametrize("change", [stride, valid, skip, unknown, two_answers, two_graphs])
def test_other_networks_are_left_alone(card, change):
    model = parsed(read_weights(card))
    for operator in model.subgraphs[0].operators:
        operator.inputs = operator.inputs.copy()
    assert inside(packed(model))
    change(model)
    assert inside(packed(model)) is None


@pytest.mark.parametrize(("register", "paired"), [(8, 1), (16, 12)])
def test_few_channels_are_those_that_a_register_holds(register, paired, monkeypatch):
    monkeypatch.setattr(rewriting, "wide_registers", lambda: register == 16)
    model = parsed(inside(read_weights(zoo.find("fsrcnn-s", "float"))).content)
    tensors = model.subgraphs[0].tensors
    kernels = [
        tensors[one.inputs[1]]
        for one in model.subgraphs[0].operators
        if len(one.inputs) == 3  # convolutions
    ]
    assert sum(kernel.shape[2] != 3 or kernel.shape[0] != 16 for kernel in kernels) == paired
