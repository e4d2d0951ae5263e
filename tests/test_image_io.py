"""Opening pictures: facts from the header, and one clear error for everything that is none."""

import io
import os
import sys
import threading
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.conftest import draw
from tests.test_png import chunk
from upscale_cli.errors import (
    DamagedImageError,
    MissingInputError,
    NotAnImageError,
    TooLargeError,
    UnsupportedImageError,
)
from upscale_cli.image_io import MAX_PIXELS, open_picture


def encoded(fmt="PNG", size=(30, 20), **options):
    file = io.BytesIO()
    Image.fromarray(draw(size[1], size[0])).save(file, fmt, **options)
    return file.getvalue()


def test_facts_without_decoding(tmp_path):
    path = tmp_path / "photo.dat"
    path.write_bytes(encoded("JPEG"))
    picture = open_picture(path)
    assert (picture.name, picture.format) == (str(path), "jpeg")
    assert (picture.width, picture.height, picture.channels, picture.dtype) == (30, 20, 3, "uint8")
    assert (picture.frames, picture.orientation, picture.has_alpha, picture.notes) == (1, 1, False, ())
    assert picture.pixels().shape == (20, 30, 3)


@pytest.mark.parametrize(
    "name",
    ["a [x].png", "-n.png", "ö файл.png", "a'b\"c;$d.png", "noend", "photo.png[page=1]", "two\nlines.png"],
)
def test_names_mean_nothing(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(encoded("WEBP"))
    assert open_picture(path).format == "webp"
    assert open_picture(path).pixels().shape == (20, 30, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_names_that_are_no_text(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xfe.png")
    path.write_bytes(encoded()[:-20])
    with pytest.raises(DamagedImageError):
        open_picture(path).pixels()


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "XMP"])
def test_orientation_counts_once(value, fmt):
    tags = Image.Exif()
    tags[0x0112] = value
    options = {"exif": tags.tobytes()}
    if fmt == "XMP":
        fmt, options = "PNG", {}
    data = encoded(fmt, lossless=True, **options)
    if not options:
        packet = b'<x:xmpmeta><r tiff:Orientation="%d"/></x:xmpmeta>' % value
        data = data[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet) + data[33:]
    picture = open_picture(data)
    assert picture.orientation == value
    assert (picture.width, picture.height) == ((20, 30) if value >= 5 else (30, 20))
    expected = draw(20, 30)
    turned = {1: expected, 2: expected[:, ::-1], 3: expected[::-1, ::-1], 4: expected[::-1]}
    across = expected.transpose(1, 0, 2)
    turned |= {5: across, 6: across[:, ::-1], 7: across[::-1, ::-1], 8: across[::-1]}
    off = np.abs(picture.pixels().astype(int) - turned[value])
    assert off.max() == 0 if fmt != "JPEG" else off.mean() < 12


def test_animations():
    frames = [Image.fromarray(draw(20, 30, seed=n)) for n in range(3)]
    for fmt in ("GIF", "WEBP"):
        file = io.BytesIO()
        frames[0].save(file, fmt, save_all=True, append_images=frames[1:], duration=[50, 100, 200], loop=3)
        picture = open_picture(file.getvalue())
        assert (picture.frames, picture.delays, picture.width, picture.height) == (3, (50, 100, 200), 30, 20)
        assert picture.loop in (3, 4)  # GIF counts the repetitions, WebP the rounds
        each = list(picture.each_frame())
        assert len(each) == 3
        for number, frame in enumerate(each):
            np.testing.assert_array_equal(frame, picture.pixels(number))
        assert not np.array_equal(each[0], each[2])


def test_pages_of_different_sizes(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(draw(4, 5), photometric="rgb")
        writer.write(draw(7, 6, 1, np.uint16)[:, :, 0])
    picture = open_picture(tmp_path / "x.tif")
    assert picture.frames == 2
    assert [frame.shape for frame in picture.each_frame()] == [(4, 5, 3), (7, 6, 1)]


def test_every_page_has_its_own_orientation(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        for value in (1, 6, 3):
            writer.write(draw(4, 5), photometric="rgb", extratags=[(274, "H", 1, value, True)])
    first, second, third = open_picture(tmp_path / "x.tif").each_frame()
    np.testing.assert_array_equal(first, draw(4, 5))
    np.testing.assert_array_equal(second, draw(4, 5).transpose(1, 0, 2)[:, ::-1])
    np.testing.assert_array_equal(third, draw(4, 5)[::-1, ::-1])


def test_an_animation_that_is_stored_turned():
    frames, file, tags = [Image.fromarray(draw(20, 30, seed=n)) for n in range(3)], io.BytesIO(), Image.Exif()
    tags[0x0112] = 6
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True, exif=tags.tobytes())
    picture = open_picture(file.getvalue())
    assert (picture.width, picture.height, picture.frames) == (20, 30, 3)
    for number, frame in enumerate(picture.each_frame()):
        expected = draw(20, 30, seed=number).transpose(1, 0, 2)[:, ::-1]
        np.testing.assert_array_equal(frame[:, :, :3], expected)


def test_a_multi_picture_jpeg_says_what_is_left_out():
    file = io.BytesIO()
    first, second = (Image.fromarray(draw(20, 30, seed=n)) for n in (1, 2))
    first.save(file, "MPO", save_all=True, append_images=[second])
    assert open_picture(file.getvalue()).notes == ("<bytes>: 1 further picture in the file left out",)


def test_missing_folder_empty_and_other_files(tmp_path):
    with pytest.raises(MissingInputError, match=r"gone.jpg: no such file") as info:
        open_picture(tmp_path / "gone.jpg")
    assert info.value.hint
    with pytest.raises(NotAnImageError, match="is a folder") as info:
        open_picture(tmp_path)
    assert info.value.hint == "name one of the pictures in it"
    for content, error, words in (
        (b"", NotAnImageError, "is empty"),
        (b"\0", NotAnImageError, "not a picture"),
        (b"words words words", NotAnImageError, "not a picture"),
        (b"\x89PNG\n\x1a\n....", DamagedImageError, "transfer as text"),
        (b"%PDF-1.7 ....", UnsupportedImageError, "PDF"),
        (b"8BPS....", UnsupportedImageError, "Photoshop"),
    ):
        path = tmp_path / "x.jpg"
        path.write_bytes(content)
        with pytest.raises(error, match=f"{path}: .*{words}") as info:
            open_picture(path)
        assert info.value.hint
        with pytest.raises(error):
            open_picture(content)


def test_a_null_in_the_name():
    with pytest.raises(MissingInputError):
        open_picture("a\0b.jpg")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(encoded())
    path.chmod(0)
    with pytest.raises(MissingInputError, match="Permission denied"):
        open_picture(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_named_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    data = encoded()
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    np.testing.assert_array_equal(open_picture(tmp_path / "pipe").pixels(), draw(20, 30))
    writer.join()


def test_too_many_pixels_by_the_header():
    data = encoded(size=(30, 20))
    open_picture(data, max_pixels=600)
    with pytest.raises(TooLargeError, match=r"30x20 is more than the 0.000599 megapixels") as info:
        open_picture(data, max_pixels=599)
    assert "--max-pixels" in info.value.hint
    bomb = data[:16] + (60_000).to_bytes(4, "big") * 2 + data[24:]
    bomb = bomb[:29] + zlib.crc32(bomb[12:29]).to_bytes(4, "big") + bomb[33:]
    with pytest.raises(TooLargeError, match="60000x60000"):
        open_picture(bomb)
    assert MAX_PIXELS == 500_000_000


def test_all_frames_count():
    frames = [Image.fromarray(draw(20, 30, seed=n)) for n in range(3)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(TooLargeError, match="30x20 x 3 frames"):
        open_picture(file.getvalue(), max_pixels=1799)


def test_a_raw_file_is_refused_in_place_of_its_preview(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.dng") as writer:
        writer.write(draw(16, 24), photometric="rgb", extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    with pytest.raises(UnsupportedImageError, match=r"x.dng: a camera's raw file is not supported"):
        open_picture(tmp_path / "x.dng")


def test_a_pages_reduced_copies_are_left_out(tmp_path):
    pages = [draw(16, 24), draw(8, 12), draw(9, 7)]
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        for kind, page in zip((0, 1, 0), pages, strict=True):
            writer.write(page, photometric="rgb", subfiletype=kind)
    picture = open_picture(tmp_path / "x.tif")
    assert picture.frames == 2
    assert picture.notes == (f"{picture.name}: 1 reduced copy left out",)
    np.testing.assert_array_equal(picture.pixels(1), pages[2])
