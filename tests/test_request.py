from dataclasses import replace

import pytest

from tests.command import paint
from tests.conftest import draw
from upscale_cli.errors import ScaleError, TooLargeError, UsageError
from upscale_cli.image_io import open_picture, write_picture
from upscale_cli.image_io.formats import FORMATS
from upscale_cli.request import WORKSPACE, check_request, fits_bands, memory_needed
from upscale_cli.settings import Settings
from upscale_cli.upscaler import Upscaler


@pytest.fixture
def picture(tmp_path):
    return open_picture(paint(tmp_path / "a.png", 30, 20))


def upscaler(**settings):
    return Upscaler(Settings(model="bicubic", **settings))


@pytest.mark.parametrize(
    ("target", "settings", "error", "word"),
    [
        ("b.webp", {"scale": 64, "memory": 10**12}, None, ""),
        ("b.xyz", {}, UsageError, "xyz"),
        ("b.png", {"width": 30 * 65}, ScaleError, "64 times"),
        ("b.png", {"memory": 10**6}, TooLargeError, "30x20 to 60x40 takes about 0.2 GB of memory; 0.0 GB"),
    ],
)
def test_refusals(picture, target, settings, error, word):
    if error is None:
        check_request(picture, target, upscaler(**settings))
        return
    with pytest.raises(error, match=word) as caught:
        check_request(picture, target, upscaler(**settings))
    assert caught.value.hint


def test_format_limits(tmp_path):
    long = open_picture(paint(tmp_path / "a.png", 300, 2))
    with pytest.raises(TooLargeError, match="16383"):
        check_request(long, "b.webp", upscaler(scale=64))
    check_request(long, "b.png", upscaler(scale=64))


@pytest.mark.parametrize(
    ("channels", "settings", "bands"),
    [
        (3, {}, True),
        (1, {"scale": 4}, True),
        (4, {}, False),
        (3, {"scale": 1.95}, False),
        (3, {"scale": 1}, False),
        (3, {"width": 60}, True),
    ],
)
def test_what_can_flow(tmp_path, channels, settings, bands):
    write_picture(tmp_path / "a.png", [draw(40, 30, channels)])
    assert fits_bands(open_picture(tmp_path / "a.png"), upscaler(**settings)) is bands


def large(tmp_path, fmt="png", channels=3):
    """20 megapixels, as the header says; the pixels are never looked at."""
    write_picture(tmp_path / f"a.{fmt}", [draw(10, 10, channels)])
    return replace(open_picture(tmp_path / f"a.{fmt}"), width=2000, height=10_000)


def test_a_picture_in_flow_takes_a_share_of_the_whole(tmp_path):
    whole = 5 * 20e6
    png = FORMATS["png"]
    assert memory_needed(large(tmp_path), png, upscaler()) - WORKSPACE < 0.2 * 3 * whole
    assert memory_needed(large(tmp_path), png, upscaler(tile=2000)) - WORKSPACE == 3 * whole
    assert memory_needed(large(tmp_path, channels=4), png, upscaler()) - WORKSPACE == 4 * whole
    assert memory_needed(large(tmp_path), png, upscaler(scale=1.95)) - WORKSPACE > 0.9 * 3 * whole


def test_what_has_to_be_whole_counts_as_a_whole(tmp_path):
    png, webp = FORMATS["png"], FORMATS["webp"]
    least = memory_needed(large(tmp_path), png, upscaler())
    assert memory_needed(large(tmp_path), webp, upscaler()) == least + 240_000_000
    assert memory_needed(large(tmp_path, "webp"), png, upscaler()) == least + 60_000_000
    for orientation, more in ((2, 0), (3, 120_000_000), (6, 120_000_000)):
        picture = replace(large(tmp_path), orientation=orientation)
        assert memory_needed(picture, png, upscaler()) == least + more


def test_all_frames_count(tmp_path):
    picture = replace(large(tmp_path, "webp"), frames=10)
    assert memory_needed(picture, FORMATS["webp"], upscaler()) - WORKSPACE == 10 * 5 * 60e6


def test_beyond_the_budget(tmp_path):
    picture = large(tmp_path)
    need = memory_needed(picture, FORMATS["png"], upscaler())
    assert check_request(picture, "b.png", upscaler(memory=need)) == need
    assert check_request(picture, "-", upscaler(memory=need)) == need
    with pytest.raises(TooLargeError):
        check_request(picture, "b.png", upscaler(memory=need - 1))


def test_memory_counts_what_the_passes_make_before_the_downsize(tmp_path):
    picture = open_picture(paint(tmp_path / "a.png", 300, 200))
    for scale in (2.01, 3.99):
        need = memory_needed(picture, FORMATS["png"], upscaler(scale=scale))
        assert need - WORKSPACE >= 1200 * 800 * 3
