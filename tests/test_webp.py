"""Whether a WebP was stored without loss, and that its result is, too; what finished files are given."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.image_io import open_picture, webp
from upscale_cli.image_io.encode import SaveOptions, write_picture


def encoded(channels=3, frames=1, **options):
    pictures = [Image.fromarray(draw(20, 30, channels, seed=n)) for n in range(frames)]
    file = io.BytesIO()
    pictures[0].save(file, "WEBP", save_all=frames > 1, append_images=pictures[1:], **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("options", [{}, {"icc_profile": b"x" * 131}])
@pytest.mark.parametrize("lossless", [False, True])
def test_told_apart(channels, frames, options, lossless):
    data = encoded(channels, frames, lossless=lossless, **options)
    assert webp.is_lossless(data) == lossless
    for end in (0, 12, 19, 40):
        webp.is_lossless(data[:end])


@pytest.mark.parametrize("size", [0, 1, 70_000])
def test_exif_is_put_in_the_place_of_what_is_there(size, tmp_path):
    path, block = tmp_path / "x.webp", b"II*\0" + bytes(size)
    path.write_bytes(encoded(exif=webp.NO_EXIF, xmp=b"<x/>"))
    webp.put_exif(path, block)
    with Image.open(path) as picture:
        picture.load()
        assert picture.info["exif"] == block
        assert picture.info["xmp"] == b"<x/>"
    assert int.from_bytes(path.read_bytes()[4:8], "little") == path.stat().st_size - 8


@pytest.mark.parametrize("data", [encoded(), encoded(exif=webp.NO_EXIF)[:60], b""])
def test_where_no_exif_is_none_is_put(data, tmp_path):
    (tmp_path / "x.webp").write_bytes(data)
    webp.put_exif(tmp_path / "x.webp", b"II*\0")
    assert (tmp_path / "x.webp").read_bytes() == data


@pytest.mark.parametrize("seeds", [(0, 1, 2, 3), (0, 0, 1, 1), (0, 1, 1, 1)])
def test_delays_are_put_exactly_also_where_equal_frames_became_one(seeds, tmp_path):
    delays = (0, 10, 7, 2**24)
    like = replace(open_picture(encoded(frames=4)), delays=delays)
    write_picture(tmp_path / "x.webp", [draw(20, 30, seed=seed) for seed in seeds], like=like)
    expected = {seed: sum(d for s, d in zip(seeds, delays, strict=True) if s == seed) for seed in seeds}
    assert open_picture(tmp_path / "x.webp").delays == tuple(min(d, 2**24 - 1) for d in expected.values())


def test_a_still_gets_no_delays(tmp_path):
    (tmp_path / "x.webp").write_bytes(encoded())
    webp.put_delays(tmp_path / "x.webp", (10, 20))
    assert (tmp_path / "x.webp").read_bytes() == encoded()


def test_a_lossless_source_has_a_lossless_result_unless_quality_is_asked_for(tmp_path):
    like = open_picture(encoded(lossless=True))
    for options, exact in ((SaveOptions(), True), (SaveOptions(quality=90), False)):
        write_picture(tmp_path / "x.webp", [draw(20, 30)], like=like, options=options)
        assert np.array_equal(open_picture(tmp_path / "x.webp").pixels(), draw(20, 30)) == exact
    write_picture(tmp_path / "x.webp", [draw(20, 30)], like=open_picture(encoded()))
    assert not np.array_equal(open_picture(tmp_path / "x.webp").pixels(), draw(20, 30))
