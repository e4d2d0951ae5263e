"""Pictures a few rows at a time: the pixels of the whole, whatever the format and orientation."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError
from upscale_cli.image_io import open_picture


def encoded(fmt, orientation=1, **options):
    file, tags = io.BytesIO(), Image.Exif()
    tags[0x0112] = orientation
    more = {"exif": tags.tobytes()} if fmt in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    Image.fromarray(draw(300, 70)).save(file, fmt, **more, **options)
    return file.getvalue()


def in_bands(picture, step, folder=None):
    with picture.rows(folder) as read:
        return np.concatenate(
            [read(top, min(top + step, picture.height)) for top in range(0, picture.height, step)]
        )


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF", "BMP", "PPM"])
@pytest.mark.parametrize("step", [1, 64, 1000])
def test_any_format(fmt, step):
    picture = open_picture(encoded(fmt))
    np.testing.assert_array_equal(in_bands(picture, step), picture.pixels())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_any_orientation(orientation, tmp_path):
    picture = open_picture(encoded("PNG", orientation))
    np.testing.assert_array_equal(in_bands(picture, 11, tmp_path), picture.pixels())
    assert list(tmp_path.iterdir()) == []


def test_progressive_and_interlaced():
    for data in (encoded("JPEG", progressive=True), encoded("JPEG", 6, progressive=True)):
        picture = open_picture(data)
        np.testing.assert_array_equal(in_bands(picture, 50), picture.pixels())


def test_stray_bytes_in_a_jpeg_header():
    data = encoded("JPEG")
    picture = open_picture(data[:20] + b"\1\2\3" + data[20:])
    np.testing.assert_array_equal(in_bands(picture, 50), open_picture(data).pixels())


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "TIFF"])
def test_damage_shows_when_it_is_reached_and_leaves_nothing(fmt, tmp_path):
    data = encoded(fmt, 3)
    with pytest.raises(DamagedImageError):
        in_bands(open_picture(data[: len(data) * 2 // 3]), 10, tmp_path)
    assert list(tmp_path.iterdir()) == []
