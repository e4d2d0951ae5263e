"""BT.601, against the standard's own numbers and OpenCV."""

import cv2
import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.color import luma, rgb_to_ycbcr, studio_luma, ycbcr_to_rgb


def test_luma_of_the_primaries():
    primaries = np.eye(3, dtype=np.float64)[None]
    assert luma(primaries)[0, :, 0].tolist() == [0.299, 0.587, 0.114]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conversion_agrees_with_opencv(dtype):
    rgb = draw(20, 30, dtype=np.float32)
    ycrcb = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    ours = rgb_to_ycbcr(rgb.astype(dtype))
    assert ours.dtype == dtype
    np.testing.assert_allclose(
        ours, ycrcb[..., [0, 2, 1]], atol=1e-3
    )  # OpenCV rounds the factors to 3 places


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back(dtype):
    rgb = draw(20, 30, dtype=np.float32).astype(dtype)
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(rgb)), rgb, atol=1e-6)


def test_grey_has_no_colour_difference():
    grey = np.repeat(np.linspace(0, 1, 50, dtype=np.float64)[None, :, None], 3, axis=2)
    np.testing.assert_allclose(rgb_to_ycbcr(grey)[..., 1:], 0.5, atol=1e-12)


def test_adding_to_all_channels_moves_luma_alone():
    rgb = draw(8, 8, dtype=np.float32).astype(np.float64)
    before, after = rgb_to_ycbcr(rgb), rgb_to_ycbcr(rgb + 0.1)
    np.testing.assert_allclose(after - before, [[[0.1, 0, 0]] * 8] * 8, atol=1e-12)


def test_luma_of_a_pixel_does_not_depend_on_its_place():
    rgb = draw(31, 37, dtype=np.float32)
    whole = luma(rgb)
    for y, x in ((0, 0), (3, 5), (17, 29)):
        assert np.array_equal(luma(rgb[y:, x:]), whole[y:, x:])


def test_studio_luma_as_matlab():
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    np.testing.assert_allclose(studio_luma(colours), [16, 235, 81.481, 144.553, 40.966], atol=1e-9)
