"""Colour spaces other than grey and RGB become sRGB; those two keep their numbers."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests.conftest import draw
from tests.test_metadata import grey_profile
from upscale_cli.errors import UnsupportedImageError
from upscale_cli.image_io import libvips, open_picture
from upscale_cli.image_io.colourspace import is_srgb, to_rgb


def cmyk_jpeg(colour, **options):
    file = io.BytesIO()
    Image.new("CMYK", (16, 16), colour).save(file, "JPEG", quality=100, **options)
    return file.getvalue()


PAPER, INK, CYAN, YELLOW = (0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 0), (0, 0, 255, 0)


@pytest.mark.parametrize(
    ("colour", "low", "high"),
    [
        (PAPER, (250, 250, 250), (255, 255, 255)),
        (INK, (0, 0, 0), (60, 60, 60)),
        (CYAN, (0, 120, 180), (40, 200, 255)),
        (YELLOW, (220, 200, 0), (255, 255, 60)),
    ],
)
def test_cmyk_looks_as_printed(colour, low, high):
    picture = open_picture(cmyk_jpeg(colour))
    assert (picture.channels, picture.dtype) == (3, "uint8")
    assert picture.notes == ("<bytes>: CMYK converted to sRGB",)
    out = picture.pixels()[8, 8]
    assert (out >= low).all() and (out <= high).all(), out


def test_a_profile_that_does_not_fit_is_not_used():
    wrong = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(
        open_picture(cmyk_jpeg(CYAN, icc_profile=wrong)).pixels(), open_picture(cmyk_jpeg(CYAN)).pixels()
    )


def test_16_bit_cmyk_stays_16_bit(tmp_path):
    ramp = np.zeros((2, 256, 4), np.uint16)
    ramp[:, :, 3] = np.arange(256) * 16
    tifffile.imwrite(tmp_path / "x.tif", ramp, photometric="separated")
    out = open_picture(tmp_path / "x.tif").pixels()
    assert out.dtype == np.uint16
    assert len(np.unique(out[0, :, 0])) > 200


def test_16_bit_lab(tmp_path):
    middle = np.zeros((4, 5, 3), np.uint16)
    middle[:, :, 0] = 32768  # L* = 50 is 46.6 % of sRGB's range
    tifffile.imwrite(tmp_path / "x.tif", middle, photometric="cielab")
    picture = open_picture(tmp_path / "x.tif")
    assert "Lab converted to sRGB" in picture.notes[0]
    np.testing.assert_allclose(picture.pixels()[0, 0] / 65535, 0.4663, atol=0.002)


@pytest.mark.parametrize("order", "<>")
def test_8_bit_lab_as_by_littlecms(tmp_path, order):
    stored = np.array([[[128, 0, 0], [120, 50, 30], [170, 210, 40], [255, 0, 0]]], np.uint8)
    with tifffile.TiffWriter(tmp_path / "x.tif", byteorder=order) as writer:
        writer.write(np.zeros((2, 2), np.uint8))
        writer.write(stored, photometric="cielab", compression="deflate")
    picture = open_picture(tmp_path / "x.tif")
    lab, srgb = (ImageCms.createProfile(name) for name in ("LAB", "sRGB"))
    convert = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
    expected = np.asarray(ImageCms.applyTransform(Image.fromarray(stored, "LAB"), convert)).astype(int)
    assert picture.pixels(1).dtype == np.uint8
    assert np.abs(picture.pixels(1) - expected).max() <= 2


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_and_rgb_keep_their_numbers(channels, dtype):
    picture = draw(6, 7, channels, dtype)
    image, notes = to_rgb(libvips.image_of(picture), "x")
    assert notes == []
    np.testing.assert_array_equal(image.numpy().reshape(picture.shape), picture)


def test_many_channels_lose_those_beyond_transparency():
    image = libvips.Image.black(4, 5, bands=6).copy(interpretation="srgb")
    out, notes = to_rgb(image, "x")
    assert out.bands == 4
    assert notes == ["2 extra channels left out"]
    out, notes = to_rgb(image, "x", extra=(0, 0, 0))
    assert out.bands == 3
    assert notes == ["3 extra channels left out"]


def test_other_samples():
    with pytest.raises(UnsupportedImageError, match=r"x.tif: its samples are of the kind int32"):
        to_rgb(libvips.Image.black(2, 2).cast("int"), "x.tif")


def test_which_profiles_are_srgbs():
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = libvips.image_of(draw(2, 2))
    builtin = {name: image.icc_transform(name).get("icc-profile-data") for name in ("srgb", "p3")}
    assert is_srgb(made)
    assert is_srgb(builtin["srgb"])
    assert not is_srgb(builtin["p3"])
    assert not is_srgb(grey_profile())
    assert is_srgb(b"not a profile, which changes no colours")
