"""What a format cannot hold is taken out, with one warning each."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from tests.test_metadata import SRGB, grey_profile
from upscale_cli.image_io import colourspace, libvips, open_picture
from upscale_cli.image_io.formats import FORMATS
from upscale_cli.image_io.metadata import Metadata
from upscale_cli.image_io.reduce import Reduction

WHITE = (255, 255, 255)


def reduced(fmt, pixels, like=None, background=WHITE):
    reduction = Reduction(FORMATS[fmt], like, background)
    return reduction(pixels), reduction.warnings


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("channels", [1, 3])
def test_8_bit_colour_and_grey_go_anywhere_as_they_are(fmt, channels):
    picture = draw(6, 7, channels)
    out, warnings = reduced(fmt, picture)
    assert out is picture
    assert warnings == []


@pytest.mark.parametrize("fmt", ["jpeg", "pnm"])
def test_transparency_is_laid_on_the_background_with_one_warning(fmt):
    picture = draw(6, 7, 4)
    picture[:, :, 3] = 0
    picture[0, 0, 3] = 255
    reduction = Reduction(FORMATS[fmt], None, (10, 20, 30))
    for _ in range(3):
        out = reduction(picture)
    np.testing.assert_array_equal(out[0, 0], picture[0, 0, :3])
    np.testing.assert_array_equal(out[1:], np.broadcast_to([10, 20, 30], (5, 7, 3)))
    assert len(reduction.warnings) == 1
    assert "#0a141e" in reduction.warnings[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_opaque_transparency_is_no_loss(dtype):
    picture = draw(6, 7, 4, dtype)
    picture[:, :, 3] = 1 if dtype == np.float32 else np.iinfo(dtype).max
    out, warnings = reduced("jpeg", picture)
    assert out.shape == (6, 7, 3)
    assert not any("transparency" in warning for warning in warnings)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [2, 4])
def test_half_transparency_is_said_once_in_gif_alone(dtype, channels):
    picture = draw(6, 7, channels, dtype)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    picture[:, :, -1] = 0
    picture[0, 0, -1] = top
    assert not any("half" in warning for warning in reduced("gif", picture)[1])
    picture[5, 6, -1] = top / 2
    reduction = Reduction(FORMATS["gif"], None, WHITE)
    reduction(picture)
    reduction(picture)
    assert ["half" in warning for warning in reduction.warnings].count(True) == 1
    assert not any("half" in warning for warning in reduced("webp", picture)[1])


def test_the_soft_edges_of_an_enlarged_gif_are_not_worth_a_word():
    file = io.BytesIO()
    Image.fromarray(draw(6, 7)).save(file, "GIF")
    picture = draw(6, 7, 4)
    assert reduced("gif", picture, open_picture(file.getvalue()))[1] == []
    assert len(reduced("gif", picture)[1]) == 1


def test_16_bits_are_rounded_to_the_nearest_of_8():
    deep = np.array([0, 128, 129, 257, 32767, 65406, 65407, 65535], np.uint16).reshape(1, -1, 1)
    out, warnings = reduced("jpeg", deep)
    assert out.ravel().tolist() == [0, 0, 1, 1, 127, 254, 255, 255]
    assert ["16 bits" in warning for warning in warnings] == [True]
    for fmt in ("png", "tiff", "pnm"):
        assert reduced(fmt, deep) == (deep, []) or reduced(fmt, deep)[0] is deep
    assert ["12 bits" in warning for warning in reduced("avif", deep)[1]] == [True]


def test_floats_become_integers_outside_tiff():
    picture = draw(6, 7, 3, np.float32)
    assert reduced("tiff", picture)[0] is picture
    for fmt, dtype in (("png", np.uint16), ("jpeg", np.uint8)):
        out, warnings = reduced(fmt, picture)
        assert out.dtype == dtype
        np.testing.assert_array_equal(out, np.rint(picture * np.iinfo(dtype).max))
        assert "floating point" in warnings[0]


def test_linear_numbers_keep_their_look_outside_png():
    file = io.BytesIO()
    Image.fromarray(draw(6, 7)).save(file, "PNG")
    like = open_picture(file.getvalue())
    linear = replace(like, png=replace(like.png, gamma=1.0, wide=True))
    picture = np.full((2, 2, 3), 55, np.uint8)  # 21.6 % of the light, which sRGB writes as 128
    assert reduced("png", picture, linear)[0] is picture
    out, warnings = reduced("jpeg", picture, linear)
    assert out.min() == out.max() == 128
    assert ["PNG keeps them (--format png)" in warning for warning in warnings] == [True]


@pytest.mark.parametrize("fmt", ["bmp", "gif", "pnm", "png"])
def test_a_profile_that_does_not_fit_in_is_said_once_unless_it_is_srgbs(fmt):
    file = io.BytesIO()
    Image.fromarray(draw(6, 7)).save(file, "PNG", icc_profile=SRGB)
    like = open_picture(file.getvalue())
    wide = libvips.image_of(draw(2, 2)).icc_transform("p3").get("icc-profile-data")
    assert reduced(fmt, draw(6, 7), like)[1] == []
    warnings = reduced(fmt, draw(6, 7), replace(like, metadata=Metadata(profile=wide)))[1]
    assert ["profile" in warning for warning in warnings] == [True] * (fmt != "png")


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_looks_the_same_where_its_profile_does_not_fit_in(fmt, channels, dtype):
    file = io.BytesIO()
    Image.fromarray(draw(6, 7, 1).squeeze()).save(file, "PNG", icc_profile=grey_profile())
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    picture = np.full((2, 3, channels), white, dtype)
    picture[0, :, 0] = np.array([0, 64, 128]) / 255 * white
    out, warnings = reduced(fmt, picture, open_picture(file.getvalue()))
    kept = fmt in ("png", "jpeg", "tiff")
    looks = np.array([[0, 64, 128], [255] * 3]) if kept else np.array([[0, 82, 147], [255] * 3])  # gamma 1.8
    assert (
        np.abs(out[:, :, 0] / (1 if out.dtype == np.float32 else np.iinfo(out.dtype).max) * 255 - looks).max()
        < 1
    )
    assert not any("profile" in warning for warning in warnings)
    if channels == 2 and FORMATS[fmt].alpha:
        assert (out[:, :, 1] == out[1, 0, 0]).all()


def test_grey_by_srgbs_curve_keeps_its_numbers():
    assert colourspace.greys(SRGB, np.uint8) is None
    assert colourspace.greys(b"no profile", np.uint8) is None


def test_bands_are_contiguous():
    out, _ = reduced("png", draw(8, 8)[::2, ::-1])
    assert out.flags.c_contiguous
