"""AVIF's statement of its colours, in files that Pillow writes."""

import io
import struct

import pytest
from PIL import Image

from tests.conftest import draw
from tests.test_png import chunk
from upscale_cli.image_io import avif, open_picture
from upscale_cli.image_io.encode import encode_picture
from upscale_cli.image_io.formats import FORMATS

SRGB, BT2020_PQ, DISPLAY_P3 = (1, 13), (9, 16), (12, 13)


def stating(primaries, transfer):
    file = io.BytesIO()
    Image.fromarray(draw(20, 30)).save(file, "AVIF")
    data = bytearray(file.getvalue())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


@pytest.mark.parametrize("codes", [SRGB, BT2020_PQ, DISPLAY_P3])
def test_colours(codes):
    assert avif.colours(stating(*codes)) == codes


def test_damage_is_no_statement():
    data = stating(*SRGB)
    for end in range(0, len(data), 7):
        assert avif.colours(data[:end]) in (None, SRGB)
    hurt = bytearray(data)
    hurt[data.index(b"colrnclx") - 4 : data.index(b"colrnclx")] = b"\xff\xff\xff\xff"
    assert avif.colours(bytes(hurt)) is None
    assert avif.colours(data.replace(b"colrnclx", b"colrprof")) is None
    assert avif.colours(stating(1, 0x109)) is None


@pytest.mark.parametrize("codes", [SRGB, BT2020_PQ, DISPLAY_P3])
@pytest.mark.parametrize("fmt", ["png", "jpeg", "avif"])
def test_other_colours_than_srgbs_are_kept_or_said(codes, fmt):
    like = open_picture(stating(*codes))
    data, warnings = encode_picture([like.pixels()], fmt=FORMATS[fmt], like=like)
    wide = codes != SRGB
    assert (chunk(b"cICP", bytes((*codes, 0, 1))) in data) == (wide and fmt == "png")
    assert len(warnings) == (wide and fmt != "png")
    assert all("colours are not sRGB's" in warning for warning in warnings)
