"""Transparency: no fringes, exact plateaus, a constant plane for nothing."""

import cv2
import numpy as np
import pytest

from upscale_cli import alpha
from upscale_cli.pixels import peak


def disc(dtype, hidden=(0, 0, 0)):
    """A red disc with a soft edge on a transparent ground whose hidden colour is given."""
    full = peak(dtype)
    y, x = np.mgrid[:41, :53]
    cover = np.clip(14.5 - np.hypot(y - 20, x - 26), 0, 1)
    red = np.array([1, 0.25, 0.125]) * full
    picture = np.empty((41, 53, 4))
    picture[:, :, :3] = np.where(cover[:, :, None] > 0, red, np.array(hidden) * full)
    picture[:, :, 3] = cover * full
    return picture.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("hidden", [(0, 0, 0), (1, 1, 1), (0, 1, 0)])
def test_hidden_colour_cannot_reach_the_edge(dtype, hidden):
    picture = disc(dtype, hidden)
    colour, plane = alpha.split(picture)
    big = cv2.resize(colour, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    cover = cv2.resize(plane, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    expected = picture[20, 26, :3].astype(float)
    visible = cover > 0.02 * peak(dtype)
    assert np.abs(big[visible].astype(float) - expected).max() <= 0.01 * peak(dtype)


def test_visible_pixels_are_not_touched_and_hidden_ones_get_the_mean_of_their_neighbours():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (33, 20, 4), dtype=np.uint8)
    picture[:, :, 3] = np.where(rng.random((33, 20)) < 0.4, 0, 200)
    colour, plane = alpha.split(picture)
    shown = plane[:, :, 0] > 0
    np.testing.assert_array_equal(colour[shown], picture[shown, :3])
    lone = np.zeros((2, 2, 4), np.uint8)
    lone[0, 0] = (10, 20, 30, 255)
    np.testing.assert_array_equal(alpha.split(lone)[0], np.broadcast_to([10, 20, 30], (2, 2, 3)))


def test_bleeding_weighs_by_opacity():
    row = np.array([[[200, 255], [0, 0], [0, 1]]], np.uint8)  # opaque 200, hidden, nearly hidden 0
    colour, _ = alpha.split(row)
    assert colour[0, 1, 0] > 140
    assert colour[0, 2, 0] == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (2, 3), (17, 16)])
@pytest.mark.parametrize("channels", [2, 4])
def test_any_size(shape, channels):
    picture = np.full((*shape, channels), 90, np.uint8)
    picture[:, :, -1] = 0
    picture[0, 0, -1] = 255
    colour, plane = alpha.split(picture)
    assert colour.shape == (*shape, channels - 1)
    assert plane.shape == (*shape, 1)
    assert (colour == 90).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_constant_plane_is_known_and_leaves_the_colour_alone(value):
    picture = np.random.default_rng(2).integers(0, 256, (8, 9, 4), dtype=np.uint8)
    picture[:, :, 3] = value
    colour, plane = alpha.split(picture)
    assert alpha.is_constant(plane)
    np.testing.assert_array_equal(colour, picture[:, :, :3])
    np.testing.assert_array_equal(alpha.join(colour, plane[:1, :1]), picture)


def test_plateaus_stay_exact_and_edges_stay_free():
    plane = np.zeros((12, 12, 1), np.uint8)
    plane[3:9, 3:9] = 255
    enlarged = np.full((24, 24, 1), 100, np.uint8)
    out = alpha.keep_plateaus(enlarged, plane)
    assert (out[8:16, 8:16] == 255).all()
    assert (out[:4] == 0).all()
    assert (out[6:8, 6:8] == 100).all()
    assert (enlarged == 100).all()


def test_split_and_join_give_back_an_opaque_picture():
    picture = np.random.default_rng(3).integers(1, 65536, (6, 5, 4), dtype=np.uint16)
    np.testing.assert_array_equal(alpha.join(*alpha.split(picture)), picture)


def test_flatten():
    picture = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [100, 0, 200, 51]]], np.uint8)
    out = alpha.flatten(picture, (255, 0, 100))
    np.testing.assert_array_equal(out[0], [[10, 20, 30], [255, 0, 100], [224, 0, 120]])


def test_flatten_reaches_every_row():
    assert (alpha.flatten(np.zeros((600, 2, 4), np.uint8), (1, 2, 3)) == (1, 2, 3)).all()


def test_flatten_grey():
    grey = np.array([[[1000, 65535], [1000, 0]]], np.uint16)
    np.testing.assert_array_equal(alpha.flatten(grey, (255, 255, 255))[0, :, 0], [1000, 65535])
    np.testing.assert_array_equal(alpha.flatten(grey, (255, 0, 0))[0], [[1000] * 3, [65535, 0, 0]])
