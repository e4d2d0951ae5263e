"""PNG chunks: what the numbers mean as colours, and editing on the way through."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.image_io import png


def chunk(kind, content=b""):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def encoded(*chunks):
    """A small PNG with chunks behind its header."""
    file = io.BytesIO()
    Image.fromarray(draw(6, 7)).save(file, "PNG")
    data = file.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


GAMMA = chunk(b"gAMA", struct.pack(">I", 100_000))
SRGB_GAMMA = chunk(b"gAMA", struct.pack(">I", 45_455))
SENSELESS = [chunk(b"gAMA", struct.pack(">I", value)) for value in (1, 2**31 - 1)]
SRGB = chunk(b"sRGB", b"\0")
WIDE = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
CODED = chunk(b"cICP", bytes((1, 13, 0, 1)))
PQ = chunk(b"cICP", bytes((9, 16, 0, 1)))
PROFILE = chunk(b"iCCP", b"p\0\0" + zlib.compress(b"profile"))
MOVES = chunk(b"acTL", struct.pack(">II", 3, 0))


@pytest.mark.parametrize(
    ("chunks", "gamma", "wide", "colour"),
    [
        ((), 0, False, b""),
        ((SRGB,), 0, False, b""),
        ((SRGB, SRGB_GAMMA), 0, False, b""),
        ((SRGB_GAMMA,), 0, False, SRGB_GAMMA),
        ((GAMMA,), 1.0, False, GAMMA),
        ((GAMMA, WIDE), 1.0, True, GAMMA + WIDE),
        ((PQ, SRGB), 0, True, SRGB + PQ),
        ((CODED, SRGB), 0, False, SRGB + CODED),
        ((PROFILE, GAMMA, WIDE), 0, False, b""),
        ((PROFILE, PQ, GAMMA), 0, False, PQ),  # the profile is for those who do not know the other
        *(((odd,), 0, False, odd) for odd in SENSELESS),
    ],
)
def test_colour(chunks, gamma, wide, colour):
    facts = png.facts(encoded(*chunks))
    assert (facts.gamma, facts.wide, facts.colour) == (gamma, wide, colour)
    assert facts.frames == 1


def test_text_before_and_behind_the_pixels_is_carried_whole():
    before, behind = chunk(b"tEXt", b"Title\0A"), chunk(b"zTXt", b"Note\0\0" + zlib.compress(b"B"))
    others = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>") + chunk(b"zTXt", b"Raw profile type exif\0\0")
    data = encoded(before, others, chunk(b"pHYs", bytes(8) + b"\1"))
    facts = png.facts(data[:-12] + behind + data[-12:])
    assert facts.text == before + behind
    assert facts.resolution
    assert not png.facts(encoded(chunk(b"pHYs", bytes(9)))).resolution


def test_an_animation():
    assert png.facts(encoded(MOVES)).frames == 3


def test_damaged_chunks_end_the_search_quietly():
    data = encoded(GAMMA, WIDE, MOVES)
    for end in range(0, 160, 3):
        png.facts(data[:end])
    assert png.facts(data[:33] + b"\xff\xff\xff\xffgAMA" + bytes(20)) == png.PngFacts()
    assert png.facts(encoded(chunk(b"gAMA", b"\0"), chunk(b"cHRM", b"\0"), chunk(b"acTL", b"\0"))).frames == 1


def test_linear_numbers_become_srgb_and_alpha_stays():
    linear = np.array([[[0, 188 * 257, 65535, 1000]]], np.uint16)
    out = png.to_srgb(linear, 1.0)
    encoded_value = 1.055 * (188 / 255) ** (1 / 2.4) - 0.055
    assert out[0, 0].tolist() == [0, round(encoded_value * 65535), 65535, 1000]
    same = png.to_srgb(np.arange(256, dtype=np.uint8).reshape(1, -1, 1), 1 / 2.2)
    assert np.abs(same[0, 100:, 0].astype(int) - np.arange(100, 256)).max() <= 2


def test_chunks_are_added_and_dropped_before_the_pixels():
    data = encoded(chunk(b"pHYs", bytes(9)), SRGB)
    assert png.with_chunks(data, GAMMA, (b"pHYs",)) == encoded(GAMMA, SRGB)
    assert png.with_chunks(data[:50], GAMMA, (b"pHYs",)) is None


def test_exif_xmp_and_iptc_have_their_own_chunks():
    assert png.stated(b"", b"", b"") == b""
    with Image.open(io.BytesIO(encoded(png.stated(b"II*\0", b"<x/>", b"8BIM" * 20)))) as picture:
        picture.load()
        assert picture.text["Raw profile type iptc"].split() == [
            "iptc",
            "80",
            "3842494d" * 9,
            "3842494d" * 9,
            "3842494d" * 2,
        ]
        assert picture.info["exif"] == b"Exif\0\0II*\0"
        assert picture.info["xmp"] == b"<x/>"
