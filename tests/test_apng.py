"""Animated PNG against OpenCV and Pillow, both ways."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from tests.test_png import chunk, encoded
from upscale_cli.errors import DamagedImageError
from upscale_cli.image_io import apng, open_picture
from upscale_cli.image_io.encode import write_picture


def moving(frames, **options):
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def as_pillow_shows(data, mode):
    picture = Image.open(io.BytesIO(data))
    for number in range(picture.n_frames):
        picture.seek(number)
        yield np.asarray(picture.convert(mode))


@pytest.mark.parametrize("blend", [0, 1])
@pytest.mark.parametrize("dispose", [0, 1, 2])
@pytest.mark.skipif(not hasattr(cv2, "imdecodeanimation"), reason="OpenCV is too old")
def test_frames_of_every_kind_are_shown_as_by_opencv(blend, dispose):
    rng = np.random.default_rng(0)
    frames = []
    for number in range(4):
        layer = np.zeros((24, 30, 4), np.uint8)
        layer[3 * number : 3 * number + 8, 5 * number : 5 * number + 12] = rng.integers(0, 256, (8, 12, 4))
        layer[:, :, 3] = np.where(layer[:, :, 3] > 100, 255, 0)
        frames.append(Image.fromarray(layer))
    data = moving(frames, blend=blend, disposal=dispose, duration=[20, 40, 60, 80], loop=3)
    picture = open_picture(data)
    assert (picture.frames, picture.delays, picture.loop) == (4, (20, 40, 60, 80), 3)
    assert (picture.width, picture.height, picture.channels) == (30, 24, 4)
    _, shown = cv2.imdecodeanimation(np.frombuffer(data, np.uint8))
    for got, expected in zip(picture.each_frame(), shown.frames, strict=True):
        visible = got[:, :, 3] > 0
        np.testing.assert_array_equal(got[:, :, 3], expected[:, :, 3])
        np.testing.assert_array_equal(got[visible, :3], expected[visible, 2::-1])


def test_half_transparent_over_half_transparent():
    below, above = (Image.new("RGBA", (4, 4), colour) for colour in ((255, 0, 0, 128), (0, 0, 255, 128)))
    picture = open_picture(moving([below, above], blend=1))
    np.testing.assert_array_equal(picture.pixels(1)[0, 0], [85, 0, 170, 192])


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_any_colour_kind(mode):
    frames = [Image.fromarray(draw(12, 16, seed=n)).convert(mode) for n in range(3)]
    data = moving(frames)
    picture = open_picture(data)
    first = picture.pixels()
    assert first.shape == (12, 16, picture.channels)
    assert picture.channels in {"L": (1,), "RGB": (3,), "P": (3,), "RGBA": (4,), "LA": (2,)}[mode]
    for number, expected in enumerate(as_pillow_shows(data, "RGBA")):
        got = picture.pixels(number)
        rgb = np.repeat(got[:, :, :1], 3, 2) if got.shape[2] <= 2 else got[:, :, :3]
        np.testing.assert_array_equal(rgb, expected[:, :, :3])


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_written_animations_come_back(channels, dtype, tmp_path):
    like = open_picture(
        moving([Image.fromarray(draw(5, 6, seed=n)) for n in range(3)], duration=[70, 80, 90], loop=2)
    )
    frames = [draw(10, 12, channels, dtype, seed=n) for n in range(3)]
    assert write_picture(tmp_path / "x.png", iter(frames), like=like) == []
    again = open_picture(tmp_path / "x.png")
    assert (again.frames, again.delays, again.loop) == (3, (70, 80, 90), 2)
    for got, frame in zip(again.each_frame(), frames, strict=True):
        np.testing.assert_array_equal(got, frame)
    if dtype == np.uint8:
        shown = as_pillow_shows((tmp_path / "x.png").read_bytes(), "RGBA")
        for got, frame in zip(shown, frames, strict=True):
            np.testing.assert_array_equal(got[:, :, 0], frame[:, :, 0])


def test_an_animated_gif_becomes_an_animated_png(tmp_path):
    file = io.BytesIO()
    frames = [Image.fromarray(draw(12, 16, seed=n)).quantize(64) for n in range(3)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=[50, 100, 200], loop=0)
    like = open_picture(file.getvalue())
    write_picture(tmp_path / "x.png", like.each_frame(), like=like)
    again = open_picture(tmp_path / "x.png")
    assert (again.delays, again.loop) == ((50, 100, 200), 0)
    for got, frame in zip(again.each_frame(), like.each_frame(), strict=True):
        np.testing.assert_array_equal(got, frame)


def test_a_first_picture_that_is_no_frame_is_not_shown():
    data = moving([Image.fromarray(draw(12, 16, seed=n)) for n in range(3)], default_image=True)
    picture = open_picture(data)
    assert picture.frames == 2
    np.testing.assert_array_equal(picture.pixels(0), draw(12, 16, seed=1))


@pytest.mark.parametrize(
    "broken",
    [
        encoded(chunk(b"acTL", b"\0\0\0\2\0\0\0\0")),
        encoded(chunk(b"acTL", b"\xff\xff\xff\xff\0\0\0\0"), apng.control(0, 7, 6, 1)),
        encoded(chunk(b"acTL", b"\0\0\0\2\0\0\0\0"), apng.control(0, 9, 6, 1), apng.control(1, 7, 6, 1)),
    ],
    ids=["no frames", "too few frames", "frame beyond the picture"],
)
def test_damage(broken):
    with pytest.raises(DamagedImageError, match=r"x: .*damaged"):
        open_picture(broken, name="x", max_pixels=10**18)


def test_damaged_data_of_a_later_frame():
    data = bytearray(moving([Image.fromarray(draw(12, 16, seed=n)) for n in range(3)]))
    at = data.rindex(b"fdAT")
    data[at + 20 : at + 40] = bytes(20)
    picture = open_picture(bytes(data))
    picture.pixels(0)
    with pytest.raises(DamagedImageError):
        picture.pixels(2)
