"""BT.601, against the standard's own numbers and OpenCV."""

import cv2
import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.color import luma, slopes


def test_luma_of_the_primaries():
    primaries = np.eye(3, dtype=np.float64)[None]
    assert luma(primaries)[0, :, 0].tolist() == [0.299, 0.587, 0.114]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_luma_agrees_with_opencv(dtype):
    rgb = draw(20, 30, dtype=np.float32)
    ours = luma(rgb.astype(dtype))
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours[..., 0], cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), atol=1e-6)


def test_adding_to_all_channels_adds_to_the_luma():
    rgb = draw(8, 8, dtype=np.float32).astype(np.float64)
    np.testing.assert_allclose(luma(rgb + 0.1) - luma(rgb), 0.1, atol=1e-12)


def test_luma_of_a_pixel_does_not_depend_on_its_place():
    rgb = draw(31, 37, dtype=np.float32)
    whole = luma(rgb)
    for y, x in ((0, 0), (3, 5), (17, 29)):
        assert np.array_equal(luma(rgb[y:, x:]), whole[y:, x:])


def test_slopes_are_the_regression_of_each_channel_on_luma():
    rgb = draw(9, 11)
    y = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float64)
    for top, left in ((0, 0), (3, 5), (6, 8)):
        area = np.s_[top : top + 3, left : left + 3]
        spread = y[area].var() + 100
        for channel in (0, 2):
            shared = np.cov(rgb[area][..., channel].ravel() - y[area].ravel(), y[area].ravel(), ddof=0)[0, 1]
            got = slopes(rgb)[top + 1, left + 1, channel]
            assert got == pytest.approx(1 + shared / spread, rel=1e-5)
    np.testing.assert_allclose(luma(slopes(rgb).astype(np.float64)), 1, atol=1e-5)


def test_slopes_of_grey_and_of_constants_are_one():
    assert (slopes(np.repeat(draw(9, 11, 1), 3, axis=2)) == 1).all()
    assert (slopes(np.full((5, 6, 3), (250, 3, 77), np.uint8)) == 1).all()


def test_slopes_do_not_depend_on_the_place():
    rgb = draw(31, 90)
    whole = slopes(rgb)
    for y, x in ((0, 1), (3, 5), (17, 29)):
        assert np.array_equal(slopes(np.ascontiguousarray(rgb[y:, x:]))[1:, 1:], whole[y + 1 :, x + 1 :])
