"""Models made of models."""

import numpy as np
import pytest

from tests.conftest import Facts, TinyNetwork, draw
from upscale_cli.model import BackProjected, Chained, SelfEnsemble, inner
from upscale_cli.probe import measure_halo
from upscale_cli.resample import Interpolation, enlarge_batch, shrink_batch


def batch(height=16, width=20):
    return np.stack([draw(height, width, 1, np.float32, seed) for seed in range(2)])


def test_a_chain_of_residuals_is_the_sum_of_what_the_passes_add(tiny):
    other = TinyNetwork(seed=1)
    chain = Chained([tiny, other])
    y = batch()
    first = enlarge_batch(y, 2) + tiny(y)
    expected = enlarge_batch(first, 2) + other(first)
    assert (chain.scale, chain.channels, chain.residual) == (4, 1, True)
    np.testing.assert_allclose(enlarge_batch(y, 4) + chain(y), expected, atol=1e-6)


def test_a_chain_of_pictures_is_one_after_the_other():
    bicubic = Interpolation("bicubic", 2, channels=1)
    chain = Chained(bicubic, 3)
    y = batch()
    assert (chain.scale, chain.residual) == (8, False)
    assert np.array_equal(chain(y), bicubic(bicubic(bicubic(y))))


def test_a_mixed_chain_answers_with_a_picture(tiny):
    chain = Chained([tiny, Interpolation("box", 2, channels=1)])
    y = batch()
    assert not chain.residual
    assert np.array_equal(chain(y), np.repeat(np.repeat(enlarge_batch(y, 2) + tiny(y), 2, 1), 2, 2))


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_the_halo_of_a_chain_is_enough_and_not_far_too_much(tiny, passes):
    chain = Chained(tiny, passes)
    seen = measure_halo(lambda values: enlarge_batch(values, chain.scale) + chain(values), chain.scale, 1)
    assert seen is not None
    assert seen <= chain.halo <= seen + 2


@pytest.mark.parametrize("spare", [1, 4, 5, 8])
@pytest.mark.parametrize("passes", [2, 3])
def test_spared_pixels_do_not_change_the_others(tiny, passes, spare):
    chain = Chained(tiny, passes)
    y = batch(24, 30)
    assert np.array_equal(chain(y, spare=spare), inner(chain(y), spare * chain.scale))


def test_the_ensemble_spares_its_models_work(tiny):
    seen = []
    model = Facts(tiny)
    model.model = lambda values: seen.append(values.shape[1]) or tiny(values)
    ensemble, y = SelfEnsemble(Chained(model, 2)), batch(24, 24)
    assert np.array_equal(ensemble(y, spare=6), inner(ensemble(y), 24))
    assert min(seen) < 2 * 24


def test_later_passes_are_spared_work(tiny):
    seen = []
    model = Facts(tiny)
    model.model = lambda values: seen.append(values.shape[1]) or tiny(values)
    Chained(model, 3)(batch(32, 32), spare=6)
    # the third pass looks at 3 pixels around what it answers, the second at 3 + 2, of its own input
    assert seen == [32, 2 * (32 - 2 * 3), 2 * (52 - 2 * (6 - 2))]


def test_the_halo_of_a_chain_by_hand(tiny):
    assert [Chained(Facts(tiny, halo=9), n).halo for n in (1, 2, 3)] == [9, 14, 16]
    assert Chained([tiny, Facts(tiny, halo=None)]).halo is None


def test_channels_of_a_chain_must_agree(tiny):
    with pytest.raises(ValueError, match="same number of channels"):
        Chained([tiny, Interpolation("box", 2)])


def test_the_ensemble_is_the_mean_over_flips_and_turns(tiny):
    y = batch(6, 9)
    ensemble = SelfEnsemble(tiny)
    total = np.zeros((2, 12, 18, 1))
    for turns in range(4):
        for flip in (1, -1):
            turned = np.rot90(y[:, :, ::flip], turns, (1, 2))
            total += np.rot90(tiny(turned), -turns, (1, 2))[:, :, ::flip]
    assert (ensemble.scale, ensemble.halo, ensemble.residual) == (2, 3, True)
    np.testing.assert_allclose(ensemble(y), total / 8, atol=1e-6)


def test_the_ensemble_turns_with_its_input(tiny):
    y = batch(6, 9)
    turned = SelfEnsemble(tiny)(np.rot90(y, 1, (1, 2)))
    np.testing.assert_allclose(turned, np.rot90(SelfEnsemble(tiny)(y), 1, (1, 2)), atol=1e-6)


@pytest.mark.parametrize(("views", "group"), [(2, [0, 2]), (4, [0, 2]), (8, [0, 1, 2, 3])])
def test_a_mean_over_fewer_views_turns_with_its_input(tiny, views, group):
    y, ensemble = batch(6, 9), SelfEnsemble(tiny, views)
    asked = []
    ensemble.model = Facts(tiny)
    ensemble.model.model = lambda values: asked.append(values.shape) or tiny(values)
    wanted = ensemble(y)
    assert len(asked) == views and (views == 8 or set(asked) == {y.shape})
    for turns in group:
        turned = ensemble(np.rot90(y, turns, (1, 2)))
        np.testing.assert_allclose(turned, np.rot90(wanted, turns, (1, 2)), atol=1e-6)
    if views > 2:
        np.testing.assert_allclose(ensemble(y[:, :, ::-1]), wanted[:, :, ::-1], atol=1e-6)


@pytest.mark.parametrize("passes", [1, 2])
def test_back_projection_brings_the_shrunken_answer_closer_to_the_input(tiny, passes):
    model = Chained(tiny, passes)
    corrected, y = BackProjected(model), batch(24, 30)
    assert (corrected.scale, corrected.channels, corrected.residual) == (model.scale, 1, True)

    def far(one):
        missing = y - shrink_batch(enlarge_batch(y, one.scale) + one(y), one.scale)
        return np.abs(inner(missing, one.halo)).mean()

    assert 0 < far(corrected) < far(model) / 2


def test_back_projection_of_a_picture_is_added_to_the_picture():
    """Shrunk, nearest gives other values than its input, since the bicubic kernel is wider than a pixel."""
    box, y = Interpolation("box", 2, channels=1), batch(20, 22)
    missing = y - shrink_batch(box(y), 2)
    assert np.abs(missing).max() > 0.01
    assert np.array_equal(BackProjected(box)(y), box(y) + enlarge_batch(missing, 2))
    assert not BackProjected(box).residual
    assert BackProjected(Facts(box, halo=None)).halo is None


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_the_halo_of_back_projection_is_enough_and_not_far_too_much(tiny, passes):
    corrected = BackProjected(Chained(tiny, passes))
    scale = corrected.scale
    seen = measure_halo(lambda values: enlarge_batch(values, scale) + corrected(values), scale, 1)
    assert seen is not None
    assert seen <= corrected.halo <= seen + 2


@pytest.mark.parametrize("spare", [1, 4, 5, 11])
@pytest.mark.parametrize("passes", [1, 2])
def test_spared_pixels_do_not_change_the_others_of_back_projection(tiny, passes, spare):
    corrected, y = BackProjected(Chained(tiny, passes)), batch(32, 36)
    given, whole = corrected(y, spare=spare), inner(corrected(y), spare * corrected.scale)
    rim = max(0, corrected.halo - spare) * corrected.scale
    assert np.array_equal(inner(given, rim), inner(whole, rim))


def test_back_projection_spares_its_model_work(tiny):
    asked = []
    model = Facts(tiny)
    model.model = lambda values: asked.append(values.shape[1]) or tiny(values)
    corrected = BackProjected(Chained(model, 2))
    corrected(batch(32, 36), spare=corrected.halo)
    assert asked[1] < 2 * 32
