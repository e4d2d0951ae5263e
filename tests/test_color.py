"""BT.601, against the standard's own numbers and OpenCV."""

import cv2
import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.color import luma


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
