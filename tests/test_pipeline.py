import threading

import numpy as np
import pytest
from PIL import Image

import upscale_cli
from tests.command import paint, size_of
from tests.conftest import draw
from upscale_cli import pipeline
from upscale_cli.errors import (
    DamagedImageError,
    MissingInputError,
    ResultError,
    ScaleError,
    TooLargeError,
    UnknownModelError,
    UsageError,
)
from upscale_cli.image_io import open_picture
from upscale_cli.pipeline import Settings, Upscaler, upscale, upscale_file

BICUBIC = {"model": "bicubic"}


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler(Settings())


@pytest.fixture(scope="module")
def bicubic():
    return Upscaler(Settings(model="bicubic"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_shape_and_type(upscaler, channels, dtype):
    pixels = draw(9, 13, channels, dtype)
    big = upscaler(pixels)
    assert big.shape == (18, 26, channels)
    assert big.dtype == dtype


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ({"scale": 4}, (36, 52)),
        ({"scale": 8}, (72, 104)),
        ({"scale": 3}, (27, 39)),
        ({"scale": 1.5}, (14, 20)),
        ({"scale": 1}, (9, 13)),
        ({"width": 100, "height": 20}, (20, 100)),
        ({"long_side": 26}, (18, 26)),
        ({"long_side": 5}, (9, 13)),
        ({"long_side": 5, "shrink": True}, (3, 5)),
    ],
)
def test_any_size(asked, shape):
    assert Upscaler(Settings(**asked, **BICUBIC))(draw(9, 13)).shape == (*shape, 3)


@pytest.mark.parametrize("value", [0, 1, 127, 255])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_constant_stays_constant(value, scale):
    big = Upscaler(Settings(scale=scale))(np.full((12, 10, 3), value, np.uint8))
    assert (big == value).all()


def test_grey_stays_neutral(upscaler):
    grey = draw(30, 30, 1)
    big = upscaler(np.repeat(grey, 3, axis=2))
    assert (big == big[..., :1]).all()
    np.testing.assert_array_equal(big[..., :1], upscaler(grey))


def test_mean_colour_is_kept(upscaler):
    pixels = draw(64, 64)
    np.testing.assert_allclose(upscaler(pixels).mean((0, 1)), pixels.mean((0, 1)), atol=0.5)


def test_a_constant_alpha_costs_nothing_and_stays(upscaler):
    pixels = draw(16, 16, 4)
    pixels[..., 3] = 200
    counted = []
    big = upscaler(pixels, on_tile=counted.append)
    assert (big[..., 3] == 200).all()
    np.testing.assert_array_equal(big[..., :3], upscaler(pixels[..., :3]))
    assert sum(counted) == 16 * 16


def test_alpha_goes_through_the_network_and_keeps_its_plateaus(upscaler):
    pixels = draw(32, 32, 4)
    pixels[..., 3] = 0
    pixels[8:24, 8:24, 3] = 255
    big = upscaler(pixels)
    assert (big[:14, :, 3] == 0).all()
    assert (big[20:44, 20:44, 3] == 255).all()


def test_progress_counts_every_pixel_once(upscaler):
    for channels in (1, 3, 4):
        counted = []
        upscaler(draw(33, 21, channels), on_tile=counted.append)
        assert sum(counted) == 33 * 21


def test_same_bytes_for_any_tile_and_thread_count(upscaler):
    pixels = draw(50, 41)
    whole = upscaler(pixels)
    for asked in ({"tile": 8, "threads": 2}, {"tile": 23, "threads": 1}, {"tile": 64}):
        np.testing.assert_array_equal(Upscaler(Settings(**asked))(pixels), whole)
    np.testing.assert_array_equal(upscaler.enlarge(pixels, threads=1).pixels, whole)


def test_many_threads_may_call_one_upscaler(upscaler):
    pictures = [draw(20 + n, 30, seed=n) for n in range(8)]
    wanted = [upscaler(pixels) for pixels in pictures]
    got = [None] * len(pictures)

    def work(n):
        got[n] = upscaler.enlarge(pictures[n], threads=1).pixels

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ensemble_is_another_result(upscaler):
    pixels = draw(16, 16)
    assert (Upscaler(Settings(ensemble=True))(pixels) != upscaler(pixels)).any()


def test_garbage_from_a_network_is_an_error(monkeypatch):
    monkeypatch.setattr(pipeline.tiler, "upscale", lambda pixels, *a, **k: np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(ResultError):
        Upscaler(Settings())(draw(32, 32) // 4 + 150)


def test_unknown_model():
    with pytest.raises(UnknownModelError, match="fsrcnn-q"):
        Upscaler(Settings(model="fsrcnn-q"))


def test_file_to_file(tmp_path, bicubic):
    source = paint(tmp_path / "a.png", 20, 10)
    done = upscale_file(source, tmp_path / "new" / "big.webp", bicubic)
    assert size_of(tmp_path / "new" / "big.webp") == (40, 20) == done.size
    assert (done.source_size, done.frames, done.model) == ((20, 10), 1, "bicubic")
    assert done.consistency > 30
    assert done.seconds > 0


def test_pages_stay_pages_and_equal_ones_are_made_once(tmp_path, bicubic, monkeypatch):
    first, second = (Image.fromarray(draw(10, 12, seed=seed)) for seed in (0, 1))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[first, second])
    calls, counted = [], []
    enlarge = bicubic.enlarge
    monkeypatch.setattr(bicubic, "enlarge", lambda *a, **k: calls.append(1) or enlarge(*a, **k))
    done = upscale_file(tmp_path / "a.tif", tmp_path / "b.tif", bicubic, on_tile=counted.append)
    result = open_picture(tmp_path / "b.tif")
    assert result.frames == done.frames == 3
    assert (len(calls), sum(counted)) == (2, 3 * 10 * 12)
    np.testing.assert_array_equal(result.pixels(0), result.pixels(1))
    np.testing.assert_array_equal(result.pixels(2), bicubic(draw(10, 12, seed=1)))


def test_refused_before_the_work(tmp_path, monkeypatch):
    paint(tmp_path / "a.png", 300, 2)
    monkeypatch.setattr(Upscaler, "enlarge", lambda *_, **__: pytest.fail("worked"))
    huge = Upscaler(Settings(scale=64, **BICUBIC))
    with pytest.raises(TooLargeError, match="16383"):
        upscale_file(tmp_path / "a.png", tmp_path / "b.webp", huge)
    small = Upscaler(Settings(memory=10**6, **BICUBIC))
    with pytest.raises(TooLargeError, match="memory"):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", small)
    with pytest.raises(TooLargeError, match="megapixels") as caught:
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(max_pixels=500, **BICUBIC)))
    assert "--max-pixels" in caught.value.hint
    with pytest.raises(UsageError):
        upscale_file(tmp_path / "a.png", tmp_path / "b.xyz", small)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_nothing_is_left_of_a_failure(tmp_path, bicubic):
    data = paint(tmp_path / "a.png", 200, 200).read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(DamagedImageError):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", bicubic)
    with pytest.raises(MissingInputError):
        upscale_file(tmp_path / "c.png", tmp_path / "b.png", bicubic)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_short_form_on_arrays():
    flat = draw(8, 9, 1)[..., 0]
    assert upscale(flat, **BICUBIC).shape == (16, 18)
    assert upscale_cli.upscale(draw(8, 9, 4), scale=4, **BICUBIC).shape == (32, 36, 4)


def test_short_form_on_files(tmp_path):
    paint(tmp_path / "a.png", 20, 10)
    done = upscale(tmp_path / "a.png", str(tmp_path / "b.jpg"), scale=4, **BICUBIC)
    assert size_of(done.target) == (80, 40)
    with pytest.raises(TypeError, match="target"):
        upscale(str(tmp_path / "a.png"))


def test_short_form_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="skale"):
        upscale(draw(8, 9), skale=2)
    with pytest.raises(TypeError, match="float64"):
        upscale(np.zeros((4, 4)))
    with pytest.raises(ScaleError):
        upscale(draw(8, 9), scale=100)
