"""Metrics: literal numbers from the published definitions, and scikit-image's values on the same arrays."""

import math

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from upscale_cli.metrics import compare_luma, crop_border, psnr, ssim, studio_luma


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A photograph and the same with noise of eight levels, 8-bit RGB."""
    original = data.astronaut()[40:201, 140:330]
    noise = np.random.default_rng(7).normal(0, 8, original.shape)
    return original, np.clip(original + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("rgb", "luma"),
    [  # corners of BT.601's studio range: black, white and the three primaries
        ((0, 0, 0), 16.0),
        ((255, 255, 255), 235.0),
        ((255, 0, 0), 81.481),
        ((0, 255, 0), 144.553),
        ((0, 0, 255), 40.966),
    ],
)
def test_luma_of_the_primaries(rgb: tuple[int, int, int], luma: float) -> None:
    assert studio_luma(np.array([[rgb]], np.uint8))[0, 0] == pytest.approx(luma, abs=1e-12)


def test_luma_equals_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    np.testing.assert_allclose(studio_luma(pair[0]), rgb2ycbcr(pair[0])[:, :, 0], atol=1e-9)


def test_grey_scores_the_same_in_one_channel_or_three() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    three = studio_luma(np.repeat(grey[:, :, None], 3, axis=2))
    np.testing.assert_allclose(studio_luma(grey), three, atol=1e-12)
    np.testing.assert_allclose(studio_luma(grey[:, :, None]), three, atol=1e-12)


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)]
)
def test_luma_refuses_what_it_would_misread(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="studio_luma takes"):
        studio_luma(pixels)


@pytest.mark.parametrize(
    ("error", "peak", "decibels"),
    [  # 10 log10(peak² / error²)
        (1, 255.0, 48.130803608679),
        (5, 255.0, 34.151403521959),
        (255, 255.0, 0.0),
        (1, 65535.0, 96.329466075305),
    ],
)
def test_psnr_of_a_constant_error(error: int, peak: float, decibels: float) -> None:
    a = np.zeros((8, 9), np.uint8)
    assert psnr(a, a + np.uint8(error), data_range=peak) == pytest.approx(decibels, abs=1e-9)


def test_psnr_of_equal_pictures_is_infinite() -> None:
    assert psnr(np.ones((3, 3)), np.ones((3, 3))) == math.inf


def test_psnr_does_not_wrap_around() -> None:
    dark, bright = np.zeros((4, 4), np.uint8), np.full((4, 4), 200, np.uint8)
    assert psnr(dark, bright) == psnr(bright, dark) == pytest.approx(2.1102035, abs=1e-6)


def test_psnr_equals_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair), abs=1e-9)


def test_ssim_of_two_constants_is_the_luminance_term() -> None:
    # Without variance SSIM is (2 a b + C1) / (a² + b² + C1), C1 = (0.01 * 255)² = 6.5025.
    a, b = np.full((12, 13), 100.0), np.full((12, 13), 110.0)
    assert ssim(a, b) == pytest.approx(0.9954764441, abs=1e-9)


def test_ssim_of_an_inverted_checkerboard_is_negative() -> None:
    board = np.indices((16, 16)).sum(axis=0) % 2 * 255.0
    assert ssim(board, board) == pytest.approx(1.0, abs=1e-12)
    assert ssim(board, 255 - board) < -0.9


def test_ssim_equals_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = (studio_luma(pixels) for pixels in pair)
    expected = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert 0.5 < expected < 0.95
    assert ssim(x, y) == pytest.approx(expected, abs=1e-9)


def test_ssim_needs_one_whole_window() -> None:
    with pytest.raises(ValueError, match="11x11"):
        ssim(np.zeros((10, 40)), np.zeros((10, 40)))


def test_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        psnr(np.zeros((4, 4)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match="one size"):
        ssim(np.zeros((12, 12)), np.zeros((12, 13)))


def test_crop_border() -> None:
    pixels = np.arange(30).reshape(5, 6)
    np.testing.assert_array_equal(crop_border(pixels, 0), pixels)
    np.testing.assert_array_equal(crop_border(pixels, 2), [[14, 15]])
    with pytest.raises(ValueError, match="leaves nothing of 6x5"):
        crop_border(pixels, 3)


def test_compare_luma_ignores_the_border_and_nothing_else(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, noisy = pair
    framed = original.copy()
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 255, 0, 255
    assert compare_luma(framed, original, border=4) == (math.inf, pytest.approx(1.0))
    assert compare_luma(framed, original, border=3)[0] < 40
    inside = (studio_luma(pixels)[4:-4, 4:-4] for pixels in pair)
    assert compare_luma(noisy, original, border=4)[0] == pytest.approx(psnr(*inside), abs=1e-12)


def test_compare_luma_of_a_tiny_picture_has_no_ssim() -> None:
    pixels = np.zeros((15, 40, 3), np.uint8)
    assert compare_luma(pixels, pixels, border=2)[1] == pytest.approx(1)
    assert math.isnan(compare_luma(pixels[1:], pixels[1:], border=2)[1])
