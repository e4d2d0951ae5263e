"""Blending: smooth ramps, nothing invented, nothing lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import draw
from upscale_cli.geometry import plan_grid
from upscale_cli.stitch import blend_windows, feather, ramp


@pytest.mark.parametrize("length", [0, 1, 2, 7, 32])
def test_ramps_rise_and_are_symmetric(length):
    weights = ramp(length)
    assert len(weights) == length
    assert (np.diff(weights) > 0).all()
    np.testing.assert_allclose(weights + weights[::-1], 1, atol=1e-6)


def test_ramps_are_flat_at_both_ends():
    steps = np.diff(ramp(32))
    assert steps[0] < steps[15] / 4
    assert steps[-1] < steps[15] / 4


def test_feather_goes_from_one_to_the_other():
    first, second = np.zeros((16, 3, 1), np.float32), np.ones((16, 3, 1), np.float32)
    mixed = feather(first, second)
    assert mixed[0].max() < 0.01
    assert mixed[-1].min() > 0.99
    assert np.array_equal(feather(second, second), second)


@given(
    st.integers(1, 30), st.integers(1, 30), st.integers(1, 12), st.integers(0, 9), st.sampled_from([1, 2, 4])
)
def test_windows_that_agree_give_the_picture_back(height, width, tile, overlap, scale):
    margin = (overlap // 2, overlap - overlap // 2)
    grid = plan_grid(height, width, (tile, tile), margin)
    picture = draw(height * scale, width * scale, 3, np.float32)
    around = [(margin[0] * scale, margin[1] * scale)] * 2 + [(0, 0)]
    padded = np.pad(picture, around, mode="edge")

    def windows(row):
        for part in grid.row(row):
            y, x = (part.window.y + margin[0]) * scale, (part.window.x + margin[0]) * scale
            yield padded[y : y + grid.window_height * scale, x : x + grid.window_width * scale]

    rows = (np.stack(list(windows(row))) for row in range(len(grid.rows)))
    bands = list(blend_windows(rows, grid, margin, scale))
    assert len(bands) == len(grid.rows)
    np.testing.assert_array_equal(np.concatenate(bands), picture)


def from_black_to_white(width):
    """A row of that width, blended from a black window, whose core has 8 pixels, and a white one."""
    grid = plan_grid(4, width, (8, 8), (2, 2))
    windows = np.zeros((2, grid.window_height, grid.window_width, 1), np.float32)
    windows[1] = 1
    (band,) = blend_windows([windows], grid, (2, 2), 1)
    return band[0, :, 0]


def test_windows_that_disagree_meet_halfway():
    row = from_black_to_white(16)
    assert (row[:6] == 0).all()
    assert (row[10:] == 1).all()
    assert (np.diff(row[5:11]) > 0).all()
    assert row[7] + row[8] == pytest.approx(1)


def test_a_fade_ends_where_the_picture_does():
    """The last core is one pixel wide: beyond it there is nothing to fade over."""
    row = from_black_to_white(9)
    assert (row[:6] == 0).all()
    np.testing.assert_array_equal(row[6:], ramp(3))
