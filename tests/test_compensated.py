"""Rounding weights one after the other, each making up for those before."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra")
pytest.importorskip("tensorflow", reason="needs the train extra")

from tests.conftest import draw  # noqa: E402
from upscale_cli.architectures.fsrcnn import convolutions, fsrcnn, merged  # noqa: E402
from upscale_cli.training.compensated import Layer, compensated, layers  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def seen():
    """What a layer of four channels sees, (positions, 36): much the same at all pixels of all channels."""
    common = RNG.standard_normal((2000, 3)) @ RNG.standard_normal((3, 36))
    return 1 + common + 0.1 * RNG.standard_normal((2000, 36))


@pytest.fixture(scope="module")
def layer(seen):
    rows = np.column_stack([seen, np.ones(len(seen))])
    kernel, bias = RNG.standard_normal((3, 3, 4, 16)), RNG.standard_normal(16)
    return Layer(kernel.astype(np.float32), bias.astype(np.float32), rows.T @ rows / len(rows))


def answers(seen, kernel, bias):
    return seen @ kernel.reshape(36, -1) + bias


def test_answers_come_closer_than_by_rounding_each_weight_alone(layer, seen):
    step = np.abs(layer.kernel).max((0, 1, 2)) / 31.0
    rounded, bias = compensated(layer, step)
    wanted = answers(seen, layer.kernel, layer.bias)
    alone = answers(seen, np.rint(layer.kernel / step) * step, layer.bias)
    made = answers(seen, rounded.transpose(1, 2, 3, 0) * step, bias)
    assert np.std(made - wanted) < 0.3 * np.std(alone - wanted)
    assert np.abs((made - wanted).mean(axis=0)).max() < 1e-3 * np.abs(wanted).max()


def test_weights_stay_in_range_and_near_what_they_were(layer):
    step = np.abs(layer.kernel).max((0, 1, 2)).astype(np.float64) / 127
    rounded, _ = compensated(layer, step)
    assert rounded.dtype == np.int8
    assert rounded.min() >= -127
    assert (
        np.abs(rounded.transpose(1, 2, 3, 0) * step - layer.kernel).max() < 0.25 * np.abs(layer.kernel).max()
    )


def test_weights_that_are_multiples_already_are_kept(layer):
    multiples = RNG.integers(-127, 128, layer.kernel.shape)
    rounded, bias = compensated(layer._replace(kernel=(0.5 * multiples).astype(np.float32)), np.full(16, 0.5))
    np.testing.assert_array_equal(rounded.transpose(1, 2, 3, 0), multiples)
    np.testing.assert_allclose(bias, layer.bias, rtol=1e-6)


def test_inputs_that_are_never_seen_do_no_harm(layer):
    """A channel that is silent in all pictures, and a layer that sees nothing at all."""
    some, none = layer.gram.copy(), np.zeros_like(layer.gram)
    some[:36:4] = some[:, :36:4] = 0
    none[-1, -1] = 1
    step = np.abs(layer.kernel).max((0, 1, 2)).astype(np.float64) / 127
    for gram in (some, none):
        rounded, bias = compensated(layer._replace(gram=gram), step)
        nearest = np.rint(layer.kernel / step)
        np.testing.assert_array_equal(rounded.transpose(1, 2, 3, 0)[:, :, 0], nearest[:, :, 0])
        assert np.isfinite(bias).all()


def test_layers_are_told_with_what_they_see():
    keras.utils.set_random_seed(0)
    plain = merged(fsrcnn(16, 1))
    pictures = [draw(32, 32, 1, np.float32, seed)[:, :, 0] for seed in range(2)]
    first, second, _ = layers(plain, pictures)
    assert (first.gram.shape, second.gram.shape) == ((10, 10), (145, 145))
    assert first.gram[-1, -1] == pytest.approx(1)
    centre = np.mean([picture[1:-1:3, 1:-1:3].mean() for picture in pictures])
    assert first.gram[4, -1] == pytest.approx(centre, rel=1e-5)
    np.testing.assert_array_equal(second.kernel, convolutions(plain)[1].get_weights()[0])
