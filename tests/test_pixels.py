"""The pixel contract."""

import numpy as np
import pytest

from upscale_cli.pixels import check_pixels, from_float, peak, to_float


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_integer_survives_the_way_to_float_and_back(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 16, 1)
    floats = to_float(values)
    assert floats.dtype == np.float32
    assert floats.min() == 0
    assert floats.max() == 1
    assert np.array_equal(from_float(floats, dtype), values)


def test_floats_are_clipped_and_rounded_to_nearest():
    values = np.array([-0.5, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 7.0], np.float32)
    assert from_float(values, np.uint8).tolist() == [0, 0, 0, 1, 255, 255]
    assert from_float(values, np.float32).min() == 0
    assert from_float(values, np.float32).max() == 1
    assert values[0] == -0.5  # the argument is left alone


def test_float_pixels_are_not_copied():
    values = np.zeros((2, 2, 3), np.float32)
    assert to_float(values) is values


@pytest.mark.parametrize(
    ("pixels", "error"),
    [
        (np.zeros((4, 4, 3), np.float64), TypeError),
        (np.zeros((4, 4, 3), np.int8), TypeError),
        (np.zeros((4, 4), np.uint8), ValueError),
        (np.zeros((4, 4, 5), np.uint8), ValueError),
        (np.zeros((0, 4, 3), np.uint8), ValueError),
    ],
)
def test_arrays_that_break_the_contract_are_refused(pixels, error):
    with pytest.raises(error):
        check_pixels(pixels)


def test_allowed_channels_can_be_narrowed():
    check_pixels(np.zeros((1, 1, 4), np.uint16))
    with pytest.raises(ValueError, match="1, 3"):
        check_pixels(np.zeros((1, 1, 4), np.uint16), channels=(1, 3))


def test_white():
    assert [peak(np.uint8), peak(np.uint16), peak(np.float32)] == [255, 65535, 1]
