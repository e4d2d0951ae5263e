"""BMP against Pillow and against files written by hand."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError, UnsupportedImageError
from upscale_cli.image_io import bmp


def by_hand(width, height, bits, compression, body, palette=b"", masks=b"", colours=0):
    offset = 54 + len(masks) + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + info + masks + palette + body


def greys(count):
    return b"".join(bytes((10 * n, 10 * n, 10 * n, 0)) for n in range(count))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 2)])
def test_reads_what_pillow_writes(mode, size):
    picture = Image.fromarray(draw(size[1], size[0])).convert(mode)
    file = io.BytesIO()
    picture.save(file, "BMP")
    out = bmp.decode(file.getvalue(), "x")
    expected = np.asarray(picture.convert("RGB" if out.shape[2] == 3 else "L"))
    np.testing.assert_array_equal(out.squeeze(), expected.squeeze())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (2, 33)])
def test_pillow_reads_what_is_written(channels, size):
    picture = draw(*size, channels)
    data = b"".join(bmp.encode(picture))
    np.testing.assert_array_equal(bmp.decode(data, "x"), picture)
    np.testing.assert_array_equal(
        np.asarray(Image.open(io.BytesIO(data))),
        picture.reshape(*size, channels).squeeze(2) if channels == 1 else picture,
    )


def test_grey_with_alpha_becomes_colour_with_alpha():
    picture = draw(5, 7, 2)
    expected = picture[:, :, [0, 0, 0, 1]]
    np.testing.assert_array_equal(bmp.decode(b"".join(bmp.encode(picture)), "x"), expected)


def test_rows_stored_from_the_top():
    data = by_hand(1, -2, 24, 0, b"\x01\x02\x03\0\x04\x05\x06\0")
    np.testing.assert_array_equal(bmp.decode(data, "x"), [[[3, 2, 1]], [[6, 5, 4]]])


def test_the_last_row_need_not_be_padded():
    data = by_hand(1, 2, 24, 0, b"\x01\x02\x03\0\x04\x05\x06")
    np.testing.assert_array_equal(bmp.decode(data, "x"), [[[6, 5, 4]], [[3, 2, 1]]])


def test_the_oldest_header():
    palette = bytes((0, 0, 0, 1, 2, 3, 10, 20, 30))
    info = struct.pack("<IHHHH", 12, 3, 1, 1, 8)
    data = b"BM" + struct.pack("<IHHI", 39, 0, 0, 35) + info + palette + b"\x01\x02\x00\x00"
    np.testing.assert_array_equal(bmp.decode(data, "x"), [[[3, 2, 1], [30, 20, 10], [0, 0, 0]]])


def test_a_short_header_leaves_out_what_is_0():
    info = struct.pack("<IiiHH", 16, 3, 1, 1, 8)
    data = b"BM" + struct.pack("<IHHI", 46, 0, 0, 42) + info + greys(3) + b"\x01\x02\x00\x00"
    np.testing.assert_array_equal(bmp.decode(data, "x")[:, :, 0], [[10, 20, 0]])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_resolution_is_stated(channels):
    data = b"".join(bmp.encode(draw(4, 5, channels), (300 / 25.4, 150 / 25.4)))
    assert Image.open(io.BytesIO(data)).info["dpi"] == pytest.approx((300, 150), rel=1e-3)
    assert bmp.header(data, "x").resolution == pytest.approx((300 / 25.4, 150 / 25.4), rel=1e-3)
    assert bmp.header(b"".join(bmp.encode(draw(4, 5, channels))), "x").resolution is None


def test_a_profile_behind_the_pixels():
    info = struct.pack("<IiiHHIIiiII", 124, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(16)
    info += b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 128, 7, 0)
    data = b"BM" + struct.pack("<IHHI", 149, 0, 0, 138) + info + b"\x01\x02\x03\0" + b"profile"
    assert bmp.header(data, "x").profile == b"profile"
    assert bmp.decode(data, "x").tolist() == [[[3, 2, 1]]]


def test_a_palette_ends_where_the_pixels_begin():
    data = by_hand(2, 1, 8, 0, b"\x01\x03\0\0", palette=greys(4))
    np.testing.assert_array_equal(bmp.decode(data, "x")[0, :, 0], [10, 30])


@pytest.mark.parametrize(
    ("bits", "masks", "pixel", "expected"),
    [
        (16, (), 0x7C1F, [255, 0, 255]),
        (16, (0xF800, 0x07E0, 0x001F), 0x07E0, [0, 255, 0]),
        (16, (0x0F00, 0x00F0, 0x000F), 0x0F08, [255, 0, 136]),
        (32, (0x3FF00000, 0x000FFC00, 0x000003FF), 0x3FF001FF, [255, 0, 127]),
    ],
)
def test_bit_fields(bits, masks, pixel, expected):
    body = struct.pack("<I", pixel)
    data = by_hand(
        1, 1, bits, 3 if masks else 0, body, masks=b"".join(struct.pack("<I", mask) for mask in masks)
    )
    np.testing.assert_array_equal(bmp.decode(data, "x")[0, 0], expected)


def test_32_bits_without_masks_have_no_transparency():
    assert bmp.decode(by_hand(1, 1, 32, 0, b"\x01\x02\x03\x00"), "x").tolist() == [[[3, 2, 1]]]


def test_masks_may_have_one_for_transparency():
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = by_hand(1, 1, 32, 6, b"\x01\x02\x03\x80", masks=masks)
    assert bmp.decode(data, "x").tolist() == [[[3, 2, 1, 128]]]


@pytest.mark.parametrize(
    ("bits", "body", "rows"),
    [
        (8, b"\x03\x05\0\0\x00\x03\x01\x02\x03\0\0\x01", [[10, 20, 30], [50, 50, 50]]),
        (8, b"\x01\x05\0\x02\x01\x01\x01\x07\0\x01", [[0, 0, 70], [50, 0, 0]]),
        (4, b"\x03\x12\0\0\x00\x03\x12\x30\0\x01", [[10, 20, 30], [10, 20, 10]]),
    ],
)
def test_run_lengths(bits, body, rows):
    data = by_hand(3, 2, bits, 1 if bits == 8 else 2, body, palette=greys(16), colours=16)
    np.testing.assert_array_equal(bmp.decode(data, "x")[:, :, 0], rows)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (by_hand(2, 2, 24, 0, bytes(15))[:60], "cut short"),
        (by_hand(2, 2, 24, 0, bytes(8)), "cut short"),
        (by_hand(-2, 2, 24, 0, bytes(16)), "asks for -2x2"),
        (by_hand(2, 2, 23, 0, bytes(16)), "23 bits"),
        (by_hand(2, 2, 8, 0, bytes(16), palette=greys(4), colours=300), "300 colours"),
        (by_hand(2, 2, 8, 0, bytes(16)), "palette is missing"),
        (by_hand(1, 1, 24, 0, bytes(4)).replace(struct.pack("<I", 54), bytes(4), 1), "within the header"),
        (by_hand(2, 1, 8, 0, b"\x00\x09\0\0", palette=greys(4), colours=4), "colour 9 in a palette of 4"),
        (by_hand(2, 2, 8, 1, b"\x09\x01", palette=greys(4), colours=4), "beyond the picture"),
        (by_hand(2, 3, 8, 1, b"\x02\x01", palette=greys(4), colours=4), "cut short"),
    ],
)
def test_damage(data, cause):
    with pytest.raises(DamagedImageError, match=f"x.bmp: .*{cause}"):
        bmp.decode(data, "x.bmp")


def test_other_pictures_inside():
    with pytest.raises(UnsupportedImageError, match="compression 5"):
        bmp.decode(by_hand(1, 1, 24, 5, b"\x89PNG"), "x.bmp")


@pytest.mark.parametrize(("bits", "compression"), [(64, 0), (1, 3)])
def test_rare_kinds_are_not_called_damaged(bits, compression):
    with pytest.raises(UnsupportedImageError, match=f"compression {compression} of {bits} bits"):
        bmp.header(by_hand(1, 1, bits, compression, bytes(32)), "x.bmp")
