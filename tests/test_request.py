import pytest

from tests.command import paint
from tests.conftest import draw
from upscale_cli import request
from upscale_cli.errors import ScaleError, TooLargeError, UsageError
from upscale_cli.image_io import open_picture, write_picture
from upscale_cli.request import check_request, memory_in_bands, memory_whole
from upscale_cli.settings import Settings
from upscale_cli.upscaler import Upscaler


@pytest.fixture
def picture(tmp_path):
    return open_picture(paint(tmp_path / "a.png", 30, 20))


def upscaler(**settings):
    return Upscaler(Settings(model="bicubic", **settings))


def test_what_fits_is_done_in_one_piece(picture):
    assert check_request(picture, "b.png", upscaler()) is False


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
        assert check_request(picture, target, upscaler(**settings)) is False
        return
    with pytest.raises(error, match=word) as caught:
        check_request(picture, target, upscaler(**settings))
    assert caught.value.hint


def test_format_limits(tmp_path):
    long = open_picture(paint(tmp_path / "a.png", 300, 2))
    with pytest.raises(TooLargeError, match="16383"):
        check_request(long, "b.webp", upscaler(scale=64))
    assert check_request(long, "b.png", upscaler(scale=64)) is False


def large(tmp_path, monkeypatch, pixels):
    """A picture that for its pixels would need more memory than there is, were it not worked on in bands."""
    monkeypatch.setattr(request, "WORKSPACE", 0)
    monkeypatch.setattr(request, "IN_MEMORY", 0)
    monkeypatch.setattr(request, "_ROWS", 1)
    write_picture(tmp_path / "large.png", [pixels])
    picture = open_picture(tmp_path / "large.png")
    size = 2 * picture.width, 2 * picture.height
    assert memory_in_bands(picture, size) < memory_whole(picture, size)
    return picture, memory_whole(picture, size) - 1


def test_bands_are_used_where_memory_demands_it(tmp_path, monkeypatch):
    picture, memory = large(tmp_path, monkeypatch, draw(40, 30))
    assert check_request(picture, "b.png", upscaler(memory=memory)) is True
    assert check_request(picture, "b.png", upscaler(memory=memory + 1)) is False
    with pytest.raises(TooLargeError):
        check_request(picture, "b.png", upscaler(memory=10))


@pytest.mark.parametrize("reason", ["alpha", "pipe", "downsize"])
def test_what_must_be_seen_as_a_whole_is_refused(tmp_path, monkeypatch, reason):
    picture, memory = large(tmp_path, monkeypatch, draw(40, 30, 4 if reason == "alpha" else 3))
    target = "-" if reason == "pipe" else "b.png"
    scale = 1.95 if reason == "downsize" else 2
    with pytest.raises(TooLargeError):
        check_request(picture, target, upscaler(memory=int(memory * 0.9), scale=scale))
