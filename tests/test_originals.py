"""Originals: read as 8 bit, cropped, and shrunk as Pillow shrinks them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from upscale_cli.errors import UnsupportedImageError
from upscale_cli.originals import bicubic, crop_to_multiple, read_original, shrink


@pytest.mark.parametrize(("height", "width"), [(60, 75), (40, 50), (15, 19), (240, 300)])
def test_bicubic_gives_what_pillow_gives(height: int, width: int) -> None:
    photo = np.ascontiguousarray(data.astronaut()[:120, 150:300])
    expected = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))
    difference = np.abs(bicubic(photo, height, width).astype(int) - expected)
    # Pillow rounds halves up, in fixed point
    assert difference.max() <= 1 and np.mean(difference > 0) < 0.01


def test_originals_are_cropped_and_reduced_to_8_bit(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 43 * 50).reshape(43, 50).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), ramp)
    pixels = crop_to_multiple(read_original(tmp_path / "deep.png"), 4)
    assert (pixels.shape, pixels.dtype) == ((40, 48, 1), np.uint8)
    np.testing.assert_allclose(pixels[:, :, 0], ramp[:40, :48] / 257, atol=0.51)


def test_transparency_is_dropped_only_where_it_is_empty(tmp_path: Path) -> None:
    opaque = np.dstack([data.astronaut()[:40, :40], np.full((40, 40), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    np.testing.assert_array_equal(read_original(tmp_path / "opaque.png"), opaque[:, :, :3])
    opaque[3, 3, 3] = 254
    Image.fromarray(opaque).save(tmp_path / "clear.png")
    with pytest.raises(UnsupportedImageError, match=r"clear\.png: .*transparent"):
        read_original(tmp_path / "clear.png")


def test_shrinking_needs_multiples() -> None:
    assert shrink(np.zeros((40, 42, 3), np.uint8), 2).shape == (20, 21, 3)
    with pytest.raises(ValueError, match="42x40 are no multiples of 4"):
        shrink(np.zeros((40, 42, 3), np.uint8), 4)
