"""Decoding: the same numbers as Pillow's, upright, strict about damage and quiet about it."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError, TooLargeError, UnsupportedImageError
from upscale_cli.image_io import decode, ifd, open_picture


def encoded(picture, fmt, **options):
    file = io.BytesIO()
    picture.save(file, fmt, **options)
    return file.getvalue()


@pytest.mark.parametrize("fmt", ["PNG", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_lossless_formats_give_the_numbers_that_went_in(fmt, mode):
    picture = Image.fromarray(draw(31, 17)).convert(mode)
    out = open_picture(encoded(picture, fmt)).pixels()
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out.squeeze(), np.asarray(picture))
    assert out.shape[2] == (1 if mode == "L" else 3)


def test_jpeg_is_decoded_as_by_pillow():
    data = encoded(Image.fromarray(draw(100, 90)), "JPEG", quality=90)
    expected = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    assert np.abs(open_picture(data).pixels().astype(int) - expected).max() <= 2


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("channels", [1, 3])
def test_upright(value, channels):
    stored = draw(5, 7, channels)
    transposed = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    picture = Image.fromarray(stored.squeeze())
    if value > 1:
        picture = picture.transpose(Image.Transpose(transposed[value]))
    np.testing.assert_array_equal(decode.upright(stored, value).squeeze(), np.asarray(picture))


@pytest.mark.parametrize("value", [0, 9, -1, 65535])
def test_nonsense_orientations_do_nothing(value):
    stored = draw(5, 7)
    assert decode.upright(stored, value) is stored


def test_palettes_bits_and_transparency_are_expanded():
    colours = Image.fromarray(draw(16, 16)).quantize(200)
    np.testing.assert_array_equal(
        open_picture(encoded(colours, "PNG")).pixels(), np.asarray(colours.convert("RGB"))
    )
    keyed = open_picture(encoded(colours, "PNG", transparency=3)).pixels()
    np.testing.assert_array_equal(keyed[:, :, 3], np.where(np.asarray(colours) == 3, 0, 255))
    bits = Image.fromarray(draw(16, 16, 1).squeeze()).convert("1")
    for fmt in ("PNG", "TIFF"):
        out = open_picture(encoded(bits, fmt)).pixels()
        np.testing.assert_array_equal(out[:, :, 0], np.asarray(bits) * np.uint8(255))
    for depth in (2, 4):
        grey = Image.fromarray((np.arange(2**depth, dtype=np.uint8) * (255 // (2**depth - 1)))[None])
        out = open_picture(encoded(grey, "PNG", bits=8)).pixels()
        np.testing.assert_array_equal(out[:, :, 0], np.asarray(grey))
    grey_alpha = Image.merge("LA", [Image.fromarray(draw(8, 8, 1, seed=n).squeeze()) for n in (1, 2)])
    np.testing.assert_array_equal(open_picture(encoded(grey_alpha, "PNG")).pixels(), np.asarray(grey_alpha))
    tkey = Image.fromarray(np.array([[7, 8]], np.uint8))
    assert open_picture(encoded(tkey, "PNG", transparency=7)).pixels().tolist() == [[[7, 0], [8, 255]]]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_dark_16_bit_pictures_are_16_bit(channels, tmp_path):
    dark = np.arange(200 * channels, dtype=np.uint16).reshape(10, 20, channels) % 201
    tifffile.imwrite(
        tmp_path / "x.tif",
        dark.squeeze(),
        photometric="rgb" if channels > 1 else "minisblack",
        extrasamples=["unassalpha"] if channels == 4 else None,
    )
    picture = open_picture(tmp_path / "x.tif")
    assert (picture.dtype, picture.channels) == ("uint16", channels)
    np.testing.assert_array_equal(picture.pixels(), dark)


def test_premultiplied_colour_becomes_straight(tmp_path):
    stored = np.array([[[50, 100, 0, 100], [10, 20, 30, 255], [0, 0, 0, 0]]], np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    out = open_picture(tmp_path / "x.tif").pixels()
    assert out.tolist() == [[[127, 255, 0, 100], [10, 20, 30, 255], [0, 0, 0, 0]]]


def ycbcr_tiff(picture, across, down, order="<", weights=(0.299, 0.587, 0.114), studio=False):
    """An uncompressed YCbCr TIFF of an RGB picture, with one Cb and Cr for each block of pixels."""
    red, green, blue = np.moveaxis(picture.astype(float), 2, 0)
    luma = weights[0] * red + weights[1] * green + weights[2] * blue
    cb, cr = (blue - luma) / (2 - 2 * weights[2]), (red - luma) / (2 - 2 * weights[0])
    if studio:
        luma, cb, cr = 16 + luma * 219 / 255, cb * 112 / 127, cr * 112 / 127
    stored = bytearray()
    for y in range(0, picture.shape[0], down):
        for x in range(0, picture.shape[1], across):
            block = slice(y, y + down), slice(x, x + across)
            stored += np.rint(luma[block]).astype(np.uint8).tobytes()
            stored += bytes(round(128 + colour[block].mean()) for colour in (cb, cr))
    reference = (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)
    weighed = [part for weight in weights for part in (round(weight * 10_000), 10_000)]
    numbers = {
        0x0100: (4, picture.shape[1:2]), 0x0101: (4, picture.shape[:1]), 0x0102: (3, (8, 8, 8)),
        0x0103: (3, (1,)), 0x0106: (3, (6,)), 0x0111: (4, (8,)), 0x0115: (3, (3,)),
        0x0116: (4, picture.shape[:1]), 0x0117: (4, (len(stored),)), 0x0212: (3, (across, down)),
    }  # fmt: skip
    tags = {tag: ifd.entry(*value, order) for tag, value in numbers.items()}
    tags[0x0211] = ifd.Entry(5, struct.pack(order + "6I", *weighed))
    if studio:
        tags[0x0214] = ifd.Entry(5, struct.pack(order + "12I", *reference))
    where, at = ifd.Layout(order, big=False), 8 + len(stored)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", at) + bytes(stored) + ifd.pack(tags, where, at)


@pytest.mark.parametrize("ratio", [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("weights", [(0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722)])
@pytest.mark.parametrize("studio", [False, True])
def test_ycbcr_of_three_samples_becomes_rgb(ratio, order, weights, studio):
    colours = np.array([[[200, 30, 40], [20, 180, 60]], [[30, 60, 220], [250, 250, 250]]], np.uint8)
    picture = np.repeat(np.repeat(colours, 4, 0), 8, 1)
    opened = open_picture(ycbcr_tiff(picture, *ratio, order, weights, studio))
    assert (opened.channels, opened.dtype, opened.notes) == (3, "uint8", ())
    assert np.abs(opened.pixels().astype(int) - picture).max() <= 3


def test_extra_channels_that_are_no_transparency_are_left_out_and_said(tmp_path):
    stored = draw(4, 5, 4)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", extrasamples=["unspecified"])
    picture = open_picture(tmp_path / "x.tif")
    np.testing.assert_array_equal(picture.pixels(), stored[:, :, :3])
    assert "1 extra channel left out" in picture.notes[0]


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_floats_within_0_and_1_are_kept(kind, tmp_path):
    stored = draw(6, 5, 3, np.float32).astype(kind)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb")
    out = open_picture(tmp_path / "x.tif").pixels()
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, stored.astype(np.float32))


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan, np.inf])
def test_floats_beyond_are_refused(value, tmp_path):
    stored = np.full((4, 5, 3), 0.5, np.float32)
    stored[2, 2, 1] = value
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb")
    with pytest.raises(UnsupportedImageError, match="range of 0 to 1"):
        open_picture(tmp_path / "x.tif").pixels()


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint32, np.float64, np.complex64])
def test_other_samples_are_refused(kind, tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((4, 5, 3), kind), photometric="rgb")
    with pytest.raises(UnsupportedImageError, match="not supported"):
        open_picture(tmp_path / "x.tif")


def test_a_place_on_the_earth_is_said_to_be_left_out(tmp_path):
    tags = [(33550, 12, 3, (1.0, 1.0, 0.0), True)]  # ModelPixelScale
    tifffile.imwrite(tmp_path / "x.tif", draw(9, 8), photometric="rgb", extratags=tags, metadata=None)
    picture = open_picture(tmp_path / "x.tif", name="x")
    assert picture.notes == ("x: the place on the earth (GeoTIFF) left out",)


@pytest.mark.parametrize(
    ("photometric", "channels", "words"), [("icclab", 3, "ICC Lab"), (32803, 1, "the mosaic of a sensor")]
)
def test_numbers_that_are_no_colours_are_refused(photometric, channels, words, tmp_path):
    picture = draw(9, 8, channels).squeeze()
    tifffile.imwrite(tmp_path / "x.tif", picture, photometric=photometric, metadata=None)
    with pytest.raises(UnsupportedImageError, match=f"x.tif: a TIFF of {words}"):
        open_picture(tmp_path / "x.tif")


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_reaches_white(bits):
    from upscale_cli.image_io import libvips

    white = libvips.image_of(np.full((16, 16, 3), 65535, np.uint16))
    data = white.heifsave_buffer(compression="av1", bitdepth=bits, lossless=True)
    picture = open_picture(data)
    assert (picture.dtype, picture.bits) == ("uint16", bits)
    assert picture.pixels().min() == 65535


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP", "PPM"])
@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
def test_a_truncated_file_is_an_error(fmt, part):
    data = encoded(Image.fromarray(draw(64, 64)), fmt)
    with pytest.raises(DamagedImageError, match="photo") as info:
        open_picture(data[: int(len(data) * part)], name="photo").pixels()
    assert info.value.hint


def test_stray_bytes_in_a_jpeg_header_do_not_matter_but_damage_in_the_scan_does():
    data = encoded(Image.fromarray(draw(64, 64)), "JPEG")
    stray = data[:20] + b"\1\2\3\4\5" + data[20:]
    np.testing.assert_array_equal(open_picture(stray).pixels(), open_picture(data).pixels())
    for whole in (data, stray):
        hurt = bytearray(whole)
        middle = len(whole) * 2 // 3
        hurt[middle : middle + 40] = b"\xff\x33" * 20
        with pytest.raises(DamagedImageError):
            open_picture(bytes(hurt)).pixels()


def test_an_odd_version_of_jfif_does_not_matter():
    data = encoded(Image.fromarray(draw(64, 64)), "JPEG")
    odd = data.replace(b"JFIF\0\1", b"JFIF\0\3", 1)
    assert odd != data
    np.testing.assert_array_equal(open_picture(odd).pixels(), open_picture(data).pixels())


def test_pages_are_checked_one_by_one(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(draw(4, 5), photometric="rgb")
        writer.write(draw(50, 50), photometric="rgb", compression="deflate")
    picture = open_picture(tmp_path / "x.tif", max_pixels=1000)
    picture.pixels(0)
    with pytest.raises(TooLargeError):
        picture.pixels(1)


FUZZ = """
import sys
import numpy as np
from upscale_cli.errors import UpscaleError
from upscale_cli.image_io import open_picture

data, rng = open(sys.argv[1], "rb").read(), np.random.default_rng(7)
ends = {"picture": 0, "error": 0}
for _ in range(120):
    hurt = bytearray(data)
    for at in rng.integers(8, len(data), rng.integers(1, 6)):
        hurt[at] = rng.integers(0, 256)
    try:
        picture = open_picture(bytes(hurt), max_pixels=10**6)
        for frame in picture.each_frame():
            assert frame.ndim == 3 and 1 <= frame.shape[2] <= 4
        ends["picture"] += 1
    except UpscaleError:
        ends["error"] += 1
print(ends)
"""


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP", "PPM"])
def test_damage_anywhere_ends_in_a_picture_or_one_of_our_errors_and_silence(fmt, tmp_path):
    pictures = [Image.fromarray(draw(24, 24, seed=n)) for n in (1, 2)]
    more = {"save_all": True, "append_images": pictures[1:]} if fmt in ("GIF", "WEBP", "TIFF") else {}
    path = tmp_path / "x"
    path.write_bytes(encoded(pictures[0], fmt, **more))
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(path)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
