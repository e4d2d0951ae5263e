"""GIF's structure against files that Pillow writes."""

import io

import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError
from upscale_cli.image_io import gif, open_picture, write_picture


def moving(count=3):
    """An animation whose frames are long enough for several sub-blocks."""
    frames, file = [Image.fromarray(draw(40, 50, seed=n)).convert("P") for n in range(count)], io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def test_a_file_cut_anywhere_is_known():
    data = moving()
    assert not gif.is_cut_short(data)
    assert not gif.is_cut_short(data[:-1])  # the end mark
    assert not gif.is_cut_short(data + b"more")
    starts = {n for n in range(len(data)) if not gif.is_cut_short(data[:n])}
    assert len(starts) < 15  # only between two blocks can nothing be said
    assert gif.is_cut_short(data[: len(data) // 2])


def test_xmp_goes_into_other_formats(tmp_path):
    data, packet = moving(1), b"<x:xmpmeta/>"
    whole = b"\x21\xff\x0bXMP DataXMP" + packet + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    start = 13 + (3 << (data[10] & 7) + 1)
    like = open_picture(data[:start] + whole + data[start:], name="x")
    assert like.metadata.xmp == packet
    assert write_picture(tmp_path / "x.png", [like.pixels()], like=like) == []
    assert open_picture(tmp_path / "x.png").metadata.xmp == packet
    assert write_picture(tmp_path / "x.gif", [like.pixels()], like=like) == ["x: GIF has no XMP: left out"]
    assert gif.xmp(data) == gif.xmp(whole[:28]) == b""


@pytest.mark.parametrize(
    ("stated", "whole"),
    [
        ([50, 100, 200], [50, 100, 200]),
        ([33] * 10, [30, 40, 30, 30, 40, 30, 30, 30, 40, 30]),
        ([0, 5, 10, 20], [0, 5, 10, 20]),
        ([12, 16, 17, 500], [20, 20, 20, 500]),
        ([700_000, 500], [655_350, 500]),
    ],
)
def test_delays_add_up_in_hundredths(stated, whole, tmp_path):
    assert gif.delays(stated) == whole
    frames = [Image.fromarray(draw(9, 8, seed=n)) for n in range(len(stated))]
    frames[0].save(tmp_path / "x.png", save_all=True, append_images=frames[1:], duration=stated)
    like = open_picture(tmp_path / "x.png")
    write_picture(tmp_path / "x.gif", like.each_frame(), like=like)
    assert open_picture(tmp_path / "x.gif").delays == tuple(round(delay / 10) * 10 for delay in whole)


@pytest.mark.parametrize("share", [0.4, 0.6, 0.95])
def test_an_animation_that_is_cut_short_is_refused(share):
    data = moving()
    with pytest.raises(DamagedImageError, match=r"x\.gif: the GIF data is cut short"):
        open_picture(data[: int(share * len(data))], name="x.gif")
