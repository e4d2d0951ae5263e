"""Grids cover every pixel once, with windows of one shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upscale_cli.geometry import Region, choose_tile, plan_grid

SIDES = st.integers(1, 70)


@given(SIDES, SIDES, st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.integers(0, 9))
def test_cores_cover_every_pixel_exactly_once(height, width, tile_height, tile_width, before, after):
    grid = plan_grid(height, width, (tile_height, tile_width), (before, after))
    covered = np.zeros((height, width), int)
    for tile in grid:
        covered[tile.core.slices] += 1
    assert (covered == 1).all()
    assert len(list(grid)) == len(grid)


@given(SIDES, SIDES, st.integers(1, 40), st.integers(0, 9), st.integers(0, 9))
def test_windows_have_one_shape_and_reach_the_margin_around_their_core(height, width, tile, before, after):
    for part in plan_grid(height, width, (tile, tile), (before, after)):
        core, window = part.core, part.window
        assert (window.height, window.width) == (
            min(tile, height) + before + after,
            min(tile, width) + before + after,
        )
        assert window.y <= core.y - before
        assert window.x <= core.x - before
        assert window.bottom >= core.bottom + after
        assert window.right >= core.right + after
        # Never further beyond the picture than the margin, so that mirrored pixels exist.
        assert window.y >= -before
        assert window.bottom <= height + after


def test_the_last_window_of_a_row_is_shifted_inwards():
    grid = plan_grid(8, 20, (8, 8), (2, 2))
    assert [(c.start, c.stop, c.window) for c in grid.columns] == [(0, 8, -2), (8, 16, 6), (16, 20, 10)]


def test_rows_are_the_grid_in_order():
    grid = plan_grid(20, 30, (8, 16), (1, 1))
    assert [tile for index in range(len(grid.rows)) for tile in grid.row(index)] == list(grid)


def test_region_arithmetic():
    region = Region(2, 3, 4, 5)
    assert (region.bottom, region.right, region.pixels) == (6, 8, 20)
    assert region.scaled(2) == Region(4, 6, 8, 10)
    assert region.relative_to(Region(1, 1, 9, 9)) == Region(1, 2, 4, 5)
    assert np.arange(100).reshape(10, 10)[region.slices].shape == (4, 5)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 20), st.integers(1, 16))
def test_chosen_tiles_are_never_above_the_limit(height, width, margin, workers):
    tile = choose_tile(height, width, margin, workers, (128, 700))
    assert 1 <= tile[0] <= min(128, height)
    assert 1 <= tile[1] <= min(700, width)


def test_large_pictures_are_cut_into_large_tiles_of_equal_size():
    height, width = choose_tile(3000, 4000, 10, 2, (256, 256))
    assert min(height, width) > 180
    assert 3000 % height < height * 0.2 or 3000 % height > height * 0.8


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_small_pictures_are_shared_out(workers):
    grid = plan_grid(256, 256, choose_tile(256, 256, 10, workers, (256, 256)), (10, 10))
    assert len(grid) % workers == 0


@pytest.mark.parametrize(
    ("height", "width", "tile", "margin"),
    [(0, 5, (1, 1), (0, 0)), (5, 5, (0, 1), (0, 0)), (5, 5, (1, 1), (-1, 0))],
)
def test_impossible_grids_are_refused(height, width, tile, margin):
    with pytest.raises(ValueError, match="no grid"):
        plan_grid(height, width, tile, margin)
