"""The networks: what they promise in their training form, merged, and as files."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra")

from upscale_cli.architectures.fsrcnn import (  # noqa: E402
    assign_merged,
    balanced,
    convolutions,
    fsrcnn,
    merged,
    rep_layers,
    without_silent,
)

# Keras and TensorFlow convert arrays in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def network():
    """A small network with every branch, moved away from its initial values."""
    keras.utils.set_random_seed(3)
    network = fsrcnn(16, 2, expansion=8)
    rng = np.random.default_rng(3)
    for variable in network.trainable_variables:
        variable.assign_add(0.05 * rng.standard_normal(variable.shape).astype("float32"))
    return network


def run(model, batch):
    return keras.ops.convert_to_numpy(model(batch))


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (1, 1)])
def test_smallest_job_and_any_size(network, size):
    batch = np.random.default_rng(0).random((2, *size, 1), np.float32)
    assert run(network, batch).shape == (2, 2 * size[0], 2 * size[1], 1)


def test_merged_is_the_same_function_but_for_the_last_bias(network):
    batch = np.random.default_rng(1).random((1, 24, 25, 1), np.float32)
    difference = run(network, batch) - run(merged(network), batch)
    phases = difference[0, :, :, 0].reshape(24, 2, 25, 2)  # the bias differs by sub-pixel position only
    np.testing.assert_allclose(phases, np.broadcast_to(phases[:1, :, :1, :], phases.shape), atol=1e-6)


def test_merged_has_only_plain_layers(network):
    kinds = {type(layer).__name__ for layer in merged(network).layers}
    assert "RepConv2D" not in kinds
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in merged(network).layers) == 4


@pytest.mark.parametrize("level", [0.0, 0.2, 0.7, 1.0])
def test_constant_pictures_have_no_residual(network, level):
    flat = np.full((1, 20, 20, 1), level, np.float32)
    inside = run(merged(network), flat)[0, 8:-8, 8:-8]
    assert np.abs(inside).max() < 0.5 / 65535  # exact even in 16 bit


def test_zero_sum_filters(network):
    first = rep_layers(network)[0]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(first.collapsed()).sum((0, 1, 2)), 0, atol=1e-6)


def test_assign_merged_goes_back(network):
    plain = merged(network)
    other = fsrcnn(16, 2, expansion=8)
    assign_merged(other, plain)
    batch = np.random.default_rng(2).random((1, 16, 16, 1), np.float32)
    np.testing.assert_allclose(run(other, batch), run(plain, batch), atol=1e-5)


@pytest.mark.parametrize(("channels", "depth"), [(16, 4), (24, 2), (24, 3)])
@pytest.mark.parametrize("expansion", [0, 8])
def test_a_larger_network_starts_as_the_smaller_one(network, channels, depth, expansion):
    plain = merged(network)
    larger = fsrcnn(channels, depth, expansion=expansion)
    assign_merged(larger, plain)
    batch = np.random.default_rng(2).random((1, 24, 24, 1), np.float32)
    inside = (0, slice(16, -16), slice(16, -16))  # further layers see more of the zeros around the patch
    np.testing.assert_allclose(run(larger, batch)[inside], run(plain, batch)[inside], atol=1e-5)
    kernel = keras.ops.convert_to_numpy(rep_layers(larger)[0].collapsed())
    assert np.abs(kernel).sum((0, 1, 2)).min() > 0  # further channels carry something that can be learnt


def test_no_layer_starts_louder_than_another(network):
    """A factor that one layer gives and the next takes back is gone, and the answer is the same."""
    plain = merged(network)
    first, loud, *_ = convolutions(plain)
    for layer, factors in ((first, (500, 500)), (loud, (1 / 500, 1))):
        layer.set_weights([v * np.float32(f) for v, f in zip(layer.get_weights(), factors, strict=True)])
    values = balanced([layer.get_weights() for layer in convolutions(plain)])
    before = convolutions(plain)[0].kernel.numpy().std()
    x = np.random.default_rng(2).random((1, 24, 24, 1), np.float32)
    answer = run(plain, x)
    for layer, own in zip(convolutions(plain), values, strict=True):
        layer.set_weights(own)
    np.testing.assert_allclose(run(plain, x), answer, atol=1e-5)
    noise = np.random.default_rng(3).random((1, 48, 48, 1), np.float32)
    hidden = keras.Model(plain.input, [layer.output for layer in convolutions(plain)[:-1]])
    for heard in hidden(noise):
        assert 0.8 < np.sqrt(np.square(keras.ops.convert_to_numpy(heard)).mean()) < 1.25
    assert convolutions(plain)[0].kernel.numpy().std() < before / 50


def test_a_silent_layer_is_left_as_it_is(network):
    values = [[v * 0 for v in layer.get_weights()] for layer in convolutions(merged(network))]
    assert not any(np.any(v) or not np.all(np.isfinite(v)) for pair in balanced(values) for v in pair)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("copies", [1, 2, 3, 8])
def test_a_network_n_times_as_wide_starts_as_the_mean_over_turned_pictures(scale, copies):
    rng = np.random.default_rng(5)
    network = fsrcnn(16, 2, scale=scale)
    for variable in network.trainable_variables:
        variable.assign_add(0.05 * rng.standard_normal(variable.shape).astype("float32"))
    plain = merged(network)
    wide = fsrcnn(16 * copies, 3, scale=scale)
    assign_merged(wide, plain)
    batch = rng.random((1, 24, 24, 1), np.float32)
    answers = []
    for k in range(copies):
        turned = np.rot90(batch.swapaxes(1, 2) if k >= 4 else batch, k, (1, 2))
        answer = np.rot90(run(plain, turned.copy()), -k, (1, 2))
        answers.append(answer.swapaxes(1, 2) if k >= 4 else answer)
    inside = (0, slice(8 * scale, -8 * scale), slice(8 * scale, -8 * scale))
    if copies > 1:
        assert np.abs(answers[1] - answers[0])[inside].max() > 1e-2
    np.testing.assert_allclose(run(wide, batch)[inside], np.mean(answers, axis=0)[inside], atol=1e-5)


@pytest.mark.parametrize("other", [fsrcnn(16, 1), fsrcnn(8, 2)])
def test_assign_merged_refuses_a_smaller_network(network, other):
    with pytest.raises(ValueError, match="do not fit"):
        assign_merged(other, merged(network))


def test_silent_channels_are_left_out():
    plain = merged(fsrcnn(32, 2))
    _, second, third, _ = convolutions(plain)
    for layer, silent in ((second, slice(3, 20)), (third, slice(5, None))):
        kernel, bias = layer.get_weights()
        kernel[..., silent], bias[silent] = 0, -1
        layer.set_weights([kernel, bias])
    picture = np.random.default_rng(0).uniform(0, 0.5, (64, 64)).astype("float32")
    lean = without_silent(plain, [picture])
    assert [layer.filters for layer in convolutions(lean)] == [32, 16, 16, 4]  # 15 and 5, made multiples
    assert [layer.filters for layer in convolutions(without_silent(plain, [picture], 1.1, 1))] == [1, 1, 1, 4]
    assert [layer.name for layer in convolutions(lean)] == [layer.name for layer in convolutions(plain)]
    x = picture[None, ..., None]
    np.testing.assert_allclose(lean(x), plain(x), atol=1e-6)
    again = fsrcnn(32, 3)
    assign_merged(again, lean)  # and grows back, deeper, too
    np.testing.assert_allclose(merged(again)(x), lean(x), atol=1e-5)


def test_a_channel_that_answers_somewhere_stays():
    plain = merged(fsrcnn(32, 1))
    _, second, _ = convolutions(plain)
    kernel, bias = second.get_weights()
    kernel[..., 10:], bias[10:] = 0, -1
    kernel[..., 20] = np.random.default_rng(1).normal(size=(3, 3, 32))
    bias[20] = 0
    second.set_weights([kernel, bias])
    noise = np.random.default_rng(0).random((2, 24, 24)).astype("float32")
    blank = np.zeros((24, 24), "float32")
    lean = without_silent(plain, [noise[0], blank], multiple=1)
    assert convolutions(lean)[1].filters == 11
    np.testing.assert_allclose(lean(noise[..., None]), plain(noise[..., None]), atol=1e-6)


def test_training_form_survives_saving(network, tmp_path):
    network.save(tmp_path / "n.keras")
    again = keras.saving.load_model(tmp_path / "n.keras", compile=False)
    batch = np.random.default_rng(4).random((1, 12, 12, 1), np.float32)
    np.testing.assert_array_equal(run(again, batch), run(network, batch))
