"""JPEG segments: stray bytes between them, and further pictures behind the first."""

import io
import itertools
import struct

import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.image_io import jpeg, open_picture


@pytest.fixture
def data():
    file = io.BytesIO()
    Image.fromarray(draw(20, 30)).save(file, "JPEG", comment=b"hello")
    return file.getvalue()


def test_segments_follow_each_other_up_to_the_scan(data):
    found = list(jpeg.segments(data))
    assert found[0][:2] == (0xE0, 2)
    assert all(end == start for (_, _, end), (_, start, _) in itertools.pairwise(found))
    assert found[-1][0] == 0xDA


def test_a_clean_file_stays_as_it_is(data):
    assert jpeg.tidied(data) == data


def test_pictures_one_behind_the_other(data):
    assert [jpeg.following(data * count) for count in (1, 2, 3)] == [0, 1, 2]
    assert jpeg.following(data + b"rest") == jpeg.following(data[:-2]) == jpeg.following(b"\xff\xd8") == 0
    assert open_picture(data * 2, name="x").notes == ("x: 1 further picture in the file left out",)


@pytest.mark.parametrize("stray", [b"\0", b"\x12\x34\x56", b"\xff\xff\xff", b"\xff\0junk"])
def test_stray_bytes_are_taken_out(data, stray):
    _, _, end = next(jpeg.segments(data))
    assert jpeg.tidied(data[:end] + stray + data[end:]) == data


def test_a_segment_of_impossible_length_ends_the_search(data):
    (segment,) = jpeg.segments(data[:4] + b"\xff\xff" + data[6:])
    assert segment == (0xE0, 2, 4 + 0xFFFF)
    assert list(jpeg.segments(b"\xff\xd8\xff")) == []
    assert next(jpeg.segments(b"\xff\xd8" + b"\xff\xfe\0\0" + data[2:])) == (0xFE, 2, 6)


def test_further_pictures():
    file = io.BytesIO()
    first, second = (Image.fromarray(draw(20, 30, seed=seed)) for seed in (1, 2))
    first.save(file, "MPO", save_all=True, append_images=[second])
    assert jpeg.pictures(file.getvalue()) == 2


def test_an_index_that_is_cut_short(data):
    for length in (4, 8, 12, 16, 20):
        index = b"MPF\0MM\0*\0\0\0\x08\0\x03" + struct.pack(">HHI", 0xB001, 4, 1)
        segment = b"\xff\xe2" + struct.pack(">H", length + 2) + index[:length]
        assert jpeg.pictures(data[:2] + segment + data[2:]) == 1
    assert jpeg.pictures(data) == 1


def test_complaints():
    assert jpeg.harmless("VipsJpeg: Corrupt JPEG data: 5 extraneous bytes before marker 0xdb\n")
    assert not jpeg.harmless("VipsJpeg: Corrupt JPEG data: bad Huffman code")
    assert not jpeg.harmless(
        "VipsJpeg: 5 extraneous bytes before marker 0xdb\nVipsJpeg: premature end of JPEG image"
    )
    assert not jpeg.harmless("")


@pytest.mark.parametrize(
    ("resolution", "unit", "stated"),
    [
        ((11.811, 5.9055), "in", (1, (300, 150))),
        ((12.0, 24.0), "cm", (2, (120, 240))),
        (None, "in", (0, (1, 1))),
    ],
)
def test_jfif_states_the_resolution(data, resolution, unit, stated):
    _, _, end = next(jpeg.segments(data))
    bare = data[:2] + data[end:]
    again = jpeg.with_segments(bare, jpeg.segment(jpeg.APP0, jpeg.jfif(resolution, unit)))
    with Image.open(io.BytesIO(again)) as picture:
        assert (picture.info["jfif_unit"], picture.info["jfif_density"]) == stated
    assert jpeg.with_segments(b"\xff", b"") is None
