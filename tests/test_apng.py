"""Animated PNG against OpenCV and Pillow, both ways."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from tests.test_png import chunk, encoded
from upscale_cli.errors import DamagedImageError, TooLargeError
from upscale_cli.image_io import apng, open_picture, png
from upscale_cli.image_io.encode import write_picture

STILLS = [Image.fromarray(draw(12, 16, seed=n)) for n in range(3)]


def moving(frames, **options):
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def changed(data, kind, change):
    """A PNG whose chunks of a kind hold what ``change`` makes of it."""
    out = png.SIGNATURE
    for name, start, end in png.chunks(data):
        body = data[start + 8 : end - 4]
        out += chunk(name, change(body) if name == kind else body)
    return out


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
    data = moving([still.convert(mode) for still in STILLS])
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
    frames = [still.quantize(64) for still in STILLS]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=[50, 100, 200], loop=0)
    like = open_picture(file.getvalue())
    write_picture(tmp_path / "x.png", like.each_frame(), like=like)
    again = open_picture(tmp_path / "x.png")
    assert (again.delays, again.loop) == ((50, 100, 200), 0)
    for got, frame in zip(again.each_frame(), like.each_frame(), strict=True):
        np.testing.assert_array_equal(got, frame)


def test_a_first_picture_that_is_no_frame_is_not_shown():
    picture = open_picture(moving(STILLS, default_image=True))
    assert picture.frames == 2
    np.testing.assert_array_equal(picture.pixels(0), draw(12, 16, seed=1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_frames_that_are_cleared_are_opaque_while_they_are_shown(dtype, tmp_path):
    frames = [draw(12, 16, 3, dtype, seed=n) for n in range(3)]
    write_picture(tmp_path / "x.png", iter(frames), like=open_picture(moving(STILLS)))
    data = (tmp_path / "x.png").read_bytes()
    picture = open_picture(changed(data, b"fcTL", lambda body: body[:24] + b"\1" + body[25:]))
    assert picture.channels == 4
    for got, frame in zip(picture.each_frame(), frames, strict=True):
        np.testing.assert_array_equal(got[:, :, :3], frame)
        assert (got[:, :, 3] == np.iinfo(dtype).max).all()


def test_what_no_frame_draws_is_transparent():
    data = changed(moving(STILLS), b"IHDR", lambda body: struct.pack(">II", 18, 13) + body[8:])
    picture = open_picture(data)
    assert (picture.width, picture.height, picture.channels) == (18, 13, 4)
    for frame in picture.each_frame():
        assert frame[12, 17].tolist() == [0, 0, 0, 0]
        assert (frame[:12, :16, 3] == 255).all()


def test_frames_beyond_the_announced_ones_are_not_shown():
    picture = open_picture(changed(moving(STILLS), b"acTL", lambda body: struct.pack(">II", 2, 0)))
    assert (picture.frames, len(list(picture.each_frame())), len(picture.delays)) == (2, 2, 2)


def test_a_delay_over_0_is_in_hundredths():
    data = changed(moving(STILLS), b"fcTL", lambda body: body[:20] + struct.pack(">HH", 7, 0) + body[24:])
    assert open_picture(data).delays == (70, 70, 70)


def test_all_frames_count():
    assert open_picture(moving(STILLS), max_pixels=3 * 12 * 16).frames == 3
    with pytest.raises(TooLargeError, match="x 3 frames"):
        open_picture(moving(STILLS), max_pixels=3 * 12 * 16 - 1)


def test_an_animation_that_is_stored_turned():
    tags = Image.Exif()
    tags[0x0112] = 6
    picture = open_picture(moving(STILLS, exif=tags.tobytes()))
    assert (picture.width, picture.height, picture.frames) == (12, 16, 3)
    for got, still in zip(picture.each_frame(), STILLS, strict=True):
        np.testing.assert_array_equal(got, np.rot90(np.asarray(still), -1))


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
    data = bytearray(moving(STILLS))
    at = data.rindex(b"fdAT")
    data[at + 20 : at + 40] = bytes(20)
    picture = open_picture(bytes(data))
    picture.pixels(0)
    with pytest.raises(DamagedImageError):
        picture.pixels(2)


@pytest.mark.parametrize(
    ("delay", "kept"),
    [
        (0, 0),
        (65_535, 65_535),
        (65_536, 65_540),
        (70_010, 70_010),
        (3_600_000, 3_600_000),
        (10**8, 65_535_000),
    ],
)
def test_long_delays_are_kept_or_the_nearest_that_there_is(delay, kept):
    _, _, _, _, _, number, base, _, _ = struct.unpack(">5I2H2B", apng.control(0, 8, 8, delay)[8:-4])
    assert 1000 * number / base == kept
