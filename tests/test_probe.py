"""Facts found by running a network."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TinyNetwork
from upscale_cli.model import Chained, ModelCard
from upscale_cli.probe import measure_halo, measure_residual, measure_scale, measured
from upscale_cli.resample import Interpolation


@pytest.mark.parametrize(
    ("model", "halo"),
    [
        (TinyNetwork(), 3),
        (Interpolation("box", 2), 0),
        (Interpolation("bicubic", 3), 2),
        (Interpolation("lanczos", 4), 3),
    ],
)
def test_known_models(model, halo):
    assert measure_scale(model, model.channels) == model.scale
    assert measure_halo(model, model.scale, model.channels) == halo
    assert measure_residual(model, model.channels) == model.residual


def looks_up(reach):
    """A network that sees one pixel, ``reach`` rows above its own."""

    def network(batch):
        seen = np.pad(batch, ((0, 0), (reach, 0), (0, 0), (0, 0)))[:, : batch.shape[1]]
        return np.repeat(np.repeat(seen, 2, 1), 2, 2)

    return network


def test_one_far_pixel_in_one_direction_is_found():
    assert measure_halo(looks_up(40), 2, 1) == 40
    assert measure_halo(lambda batch: looks_up(40)(batch[:, ::-1])[:, ::-1], 2, 1) == 40
    assert measure_halo(lambda batch: looks_up(9)(batch.swapaxes(1, 2)).swapaxes(1, 2), 2, 1) == 9


def test_sight_without_limit_is_told():
    assert measure_halo(lambda batch: looks_up(0)(batch) + batch.mean(), 2, 1) is None


def test_shipped_facts_are_the_measured_ones(each_shipped):
    assert measure_scale(each_shipped, 1) == each_shipped.scale
    assert measure_halo(each_shipped, each_shipped.scale, 1) == each_shipped.halo
    assert measure_residual(each_shipped, 1) == each_shipped.residual


def test_a_card_is_filled_in():
    card = measured(ModelCard(name="x", path=Path("x.tflite")), Chained(TinyNetwork(), 2))
    assert (card.name, card.scale, card.residual) == ("x", 4, True)
    assert card.halo == 5


def test_networks_that_do_not_enlarge_both_axes_alike_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 32, 16, 1\)"):
        measure_scale(lambda batch: np.repeat(batch, 2, 1), 1)
    with pytest.raises(ValueError, match=r"\(1, 8, 8, 1\)"):
        measure_scale(lambda batch: batch[:, ::2, ::2], 1)
