"""PBM, PGM and PPM against examples written by hand and against Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError
from upscale_cli.image_io import open_picture, pnm


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"P1\n# a comment\n3 2\n1 0 1\n010", [[0, 255, 0], [255, 0, 255]]),
        (b"P1 3 2 101010", [[0, 255, 0], [255, 0, 255]]),
        (b"P2 2 2 15 0 5\n10 15", [[0, 85], [170, 255]]),
        (b"P2 2 1 1000 0 1000", [[0, 65535]]),
        (b"P2\n3 1\n9\n0 # nine 9\n9 3\n", [[0, 255, 85]]),
        (b"P1\n3 1\n1# 0 0\n0 1\n", [[0, 255, 0]]),
        (b"P4 10 2\n\xaa\x80\x55\x00", [[0, 255] * 4 + [0, 255], [255, 0] * 4 + [255, 255]]),
        (b"P5 2 1 255\n\x07\xff", [[7, 255]]),
        (b"P5 2 1 256\n\x00\x80\x01\x00", [[32768, 65535]]),
        (b"P5\n2 1 65535\n\x12\x34\xff\xff", [[0x1234, 65535]]),
    ],
)
def test_examples(data, expected):
    out = pnm.decode(data, "x")
    assert out.dtype == (np.uint16 if max(map(max, expected)) > 255 else np.uint8)
    assert open_picture(data).dtype == out.dtype
    np.testing.assert_array_equal(out[:, :, 0], expected)


def test_colour():
    np.testing.assert_array_equal(pnm.decode(b"P3 1 2 255 1 2 3 4 5 6", "x"), [[[1, 2, 3]], [[4, 5, 6]]])
    np.testing.assert_array_equal(
        pnm.decode(b"P6 2 1 255\n\x01\x02\x03\x04\x05\x06", "x"), [[[1, 2, 3], [4, 5, 6]]]
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_written_is_read_again(channels, dtype):
    picture = draw(17, 23, channels, dtype)
    data = b"".join(pnm.encode(picture))
    np.testing.assert_array_equal(pnm.decode(data, "x"), picture)
    if channels == 1 or dtype == np.uint8:  # Pillow reads 16-bit colour as 8-bit
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), picture.squeeze())


@pytest.mark.parametrize("first", [b"P4 10 2\n\xaa\x80\x55\x00", b"P5 1 1 256\n\0\1", b"P6 1 1 9\n\1\2\3"])
def test_further_pictures_are_counted(first):
    picture = open_picture(first * 3, name="x")
    assert picture.notes == ("x: 2 further pictures in the file left out",)
    assert open_picture(first + b"\nrest").notes == ()
    np.testing.assert_array_equal(picture.pixels(), open_picture(first).pixels())


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"P6 2 2 255\n\x01\x02", "cut short"),
        (b"P4 10 2\n\xaa", "cut short"),
        (b"P1 3 2 1010", "cut short"),
        (b"P2 2 2 255 1 2 3", "cut short"),
        (b"P2 2 1 255 1 -2", "no numbers"),
        (b"P2 2 1 255 1 300", "above the stated 255"),
        (b"P5 2 1 100\n\x01\xff", "above the stated 100"),
        (b"P1 3 1 107", "above the stated 1"),
        (b"P5 0 1 255\n", "asks for 0x1"),
        (b"P5 1 1 70000\n\x01\x01", "asks for"),
        (b"P5 1", "header"),
        (b"P5 99999999999 1 255\n", "header"),
    ],
)
def test_damage(data, cause):
    with pytest.raises(DamagedImageError, match=f"x.pnm: .*{cause}") as info:
        pnm.decode(data, "x.pnm")
    assert info.value.hint
