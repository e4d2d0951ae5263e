"""The way into libvips: arrays without copies, sources that live, complaints in one line, silence."""

import errno
import gc
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.image_io import libvips


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_are_images(dtype, channels):
    picture = draw(5, 6, channels, dtype)
    image = libvips.image_of(picture)
    assert (image.width, image.height, image.bands) == (6, 5, channels)
    assert libvips.DTYPES[image.format] == np.dtype(dtype).name
    np.testing.assert_array_equal(image.numpy().reshape(picture.shape), picture)
    assert image.hasalpha() == (channels in (2, 4))


def test_bytes_live_as_long_as_the_image():
    file = io.BytesIO()
    Image.fromarray(draw(400, 400)).save(file, "PNG")
    image = libvips.load("pngload", bytes(bytearray(file.getvalue())), access="sequential")
    gc.collect()
    rubbish = [bytes(len(file.getvalue())) for _ in range(50)]
    np.testing.assert_array_equal(image.numpy(), draw(400, 400))
    assert len(rubbish) == 50


def test_the_reason_is_one_line_of_this_picture():
    for data in (b"\xff\xd8 not a picture at all", b"\xff\xd8\xff"):
        with pytest.raises(libvips.Error) as info:
            libvips.load("jpegload", data)
        line = libvips.reason(info.value)
        assert line
        assert "\n" not in line
        assert "VipsJpeg" not in line
    assert libvips.reason(libvips.Error("unable to", "unable to load\n")) == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_the_systems_error(number):
    detail = f"x.png: write error\nsystem error: {os.strerror(number)}\nvips2png: unable to write\n"
    assert libvips.full_disk(libvips.Error("unable to", detail)).errno == number
    assert libvips.full_disk(libvips.Error("unable to", "x.png: write error\n")) is None


QUIET = """
import sys
from upscale_cli.errors import UpscaleError
from upscale_cli.image_io import open_picture

picture = open_picture(sys.argv[1])
with picture.rows() as read:
    try:
        read(0, picture.height)
    except UpscaleError:
        print("ours")
"""


def test_nothing_reaches_stderr_not_even_at_the_end(tmp_path):
    file = io.BytesIO()
    Image.fromarray(draw(100, 100)).save(file, "JPEG")
    (tmp_path / "x.jpg").write_bytes(file.getvalue()[:-500])
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(tmp_path / "x.jpg")], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("ours\n", "")
