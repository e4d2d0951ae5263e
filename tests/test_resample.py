"""Resampling against Pillow, and the fixed enlargement against its definition."""

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.resample import DOUBLE_HALO, Interpolation, double, enlarge_batch, resize, shrink_batch

FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
SIZES = [(20, 30), (41, 37), (82, 111), (1, 1), (120, 9), (13, 100), (41, 300)]


def pillow(pixels, height, width, kernel):
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., c])) for c in range(pixels.shape[2])]
    return np.stack([np.asarray(p.resize((width, height), FILTERS[kernel])) for p in planes], axis=2)


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_floats_agree_with_pillow(kernel, height, width):
    picture = draw(41, 37, dtype=np.float32)
    ours = np.clip(resize(picture, height, width, kernel), 0, 1)
    np.testing.assert_allclose(ours, np.clip(pillow(picture, height, width, kernel), 0, 1), atol=2e-6)


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_8_bit_agrees_with_pillow_within_one_level(kernel, height, width, channels):
    picture = draw(41, 37, channels)
    ours = resize(picture, height, width, kernel)
    assert ours.dtype == np.uint8
    assert ours.shape == (height, width, channels)
    assert np.abs(ours.astype(int) - pillow(picture, height, width, kernel)).max() <= 1


def test_16_bit_uses_all_16_bits():
    floats = draw(60, 60, 1, np.float32)
    picture = np.rint(floats * 65535).astype(np.uint16)
    expected = np.clip(pillow(floats, 31, 47, "bicubic"), 0, 1) * 65535
    assert np.abs(resize(picture, 31, 47).astype(float) - expected).max() <= 1


def test_same_size_changes_nothing():
    picture = draw(33, 70)
    assert np.array_equal(resize(picture, 33, 70), picture)


def test_rows_in_chunks_join_without_a_trace():
    tall = draw(700, 5, 1, np.float32)
    np.testing.assert_allclose(
        resize(tall, 333, 5), np.clip(pillow(tall, 333, 5, "bicubic"), 0, 1), atol=2e-6
    )


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, -1)])
def test_sizes_without_pixels_are_refused(height, width):
    with pytest.raises(ValueError, match="cannot resize"):
        resize(draw(5, 5), height, width)


def keys(distance, a):
    x = abs(distance)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def test_double_is_keys_cubic_with_a_of_three_quarters():
    row = draw(1, 12, 1, np.float32)[0, :, 0]
    ours = double(np.tile(row, (6, 1)))[6]
    for out in range(8, 16):
        center = (out + 0.5) / 2 - 0.5
        expected = sum(row[i] * keys(i - center, -0.75) for i in range(12))
        assert ours[out] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_double_of_a_part_is_the_part_of_the_double(channels):
    picture = draw(60, 90, channels, np.float32)
    whole = double(picture)
    for y, x, height, width in ((5, 7, 23, 31), (13, 16, 32, 64), (20, 29, 8, 9)):
        margin = 4
        part = double(picture[y - margin : y + height + margin, x - margin : x + width + margin])
        inner = part[2 * margin : -2 * margin, 2 * margin : -2 * margin]
        assert np.array_equal(inner, whole[2 * y : 2 * (y + height), 2 * x : 2 * (x + width)])


def test_double_sees_as_far_as_it_says():
    picture = draw(21, 21, 1, np.float32)
    changed = picture.copy()
    changed[10, 10] += 0.5
    rows = np.flatnonzero((double(picture) != double(changed)).any(axis=(1, 2))) // 2
    assert max(10 - rows.min(), rows.max() - 10) == DOUBLE_HALO


def test_double_keeps_shapes():
    assert double(np.zeros((3, 4), np.float32)).shape == (6, 8)
    assert double(np.zeros((3, 4, 1), np.float32)).shape == (6, 8, 1)


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_batches_are_doubled_picture_by_picture(scale):
    batch = np.stack([draw(5, 6, 1, np.float32, seed) for seed in range(3)])
    big = enlarge_batch(batch, scale)
    assert big.shape == (3, 5 * scale, 6 * scale, 1)
    if scale == 2:
        assert np.array_equal(big[1], double(batch[1]))


def test_batches_grow_by_powers_of_two_only():
    with pytest.raises(ValueError, match="power of two"):
        enlarge_batch(np.zeros((1, 4, 4, 1), np.float32), 3)


@pytest.mark.parametrize("kernel", FILTERS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8, 64])
def test_interpolation_agrees_with_pillow_inside(kernel, scale):
    picture = draw(24, 30, 3, np.float32)
    model = Interpolation(kernel, scale)
    ours = model(picture[None])[0]
    expected = pillow(picture, 24 * scale, 30 * scale, kernel)
    edge = model.halo * scale
    inside = slice(edge, -edge or None)
    np.testing.assert_allclose(ours[inside, inside], expected[inside, inside], atol=2e-6)


def test_box_interpolation_repeats_pixels():
    picture = draw(5, 7, 3, np.float32)
    model = Interpolation("box", 2)
    assert model.halo == 0
    assert np.array_equal(
        model(picture[None])[0], cv2.resize(picture, (14, 10), interpolation=cv2.INTER_NEAREST)
    )


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_shrunken_batch_is_what_resize_makes_of_each_picture(scale):
    """But for the edges, whose pixels are repeated there and left out here."""
    pictures = [draw(12 * scale, 9 * scale, 1, np.float32, seed) for seed in range(3)]
    shrunk = shrink_batch(np.stack(pictures), scale)
    assert shrunk.shape == (3, 12, 9, 1) and shrunk.dtype == np.float32
    for picture, ours in zip(pictures, shrunk, strict=True):
        np.testing.assert_allclose(ours[2:-2, 2:-2], resize(picture, 12, 9)[2:-2, 2:-2], atol=2e-6)


def test_a_shrunken_batch_keeps_constants_up_to_its_edges():
    np.testing.assert_allclose(shrink_batch(np.full((1, 8, 12, 2), 0.7, np.float32), 4), 0.7, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", [(102, 141), (80, 111), (20, 30)])
def test_grey_is_the_same_in_one_channel_or_three(dtype, size):
    for seed in range(3):
        grey = draw(34, 47, 1, dtype, seed)
        assert (resize(np.repeat(grey, 3, axis=2), *size) == resize(grey, *size)).all()
