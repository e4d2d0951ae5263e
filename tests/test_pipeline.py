import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import upscale_cli
from tests.command import paint, size_of
from tests.conftest import draw
from upscale_cli import zoo
from upscale_cli.errors import (
    DamagedImageError,
    MissingInputError,
    ScaleError,
    TargetError,
    TooLargeError,
)
from upscale_cli.image_io import SaveOptions, open_picture, write_picture
from upscale_cli.pipeline import Settings, Upscaler, upscale, upscale_file

BICUBIC = {"model": "bicubic"}


@pytest.fixture(scope="module")
def bicubic():
    return Upscaler(Settings(model="bicubic"))


def paint_pages(path, *seeds):
    first, *rest = (Image.fromarray(draw(10, 12, seed=seed)) for seed in seeds)
    first.save(path, save_all=True, append_images=rest)


def test_file_to_file(tmp_path, bicubic):
    source = paint(tmp_path / "a.png", 20, 10)
    done = upscale_file(source, tmp_path / "new" / "big.webp", bicubic)
    assert size_of(tmp_path / "new" / "big.webp") == (40, 20) == done.size
    assert (done.source_size, done.frames, done.model) == ((20, 10), 1, "bicubic")
    assert done.consistency > 30
    assert done.seconds > 0


def test_pages_stay_pages_and_equal_ones_are_made_once(tmp_path, bicubic, monkeypatch):
    paint_pages(tmp_path / "a.tif", 0, 0, 1, 0)
    calls, counted = [], []
    enlarge = bicubic.enlarge
    monkeypatch.setattr(bicubic, "enlarge", lambda *a, **k: calls.append(1) or enlarge(*a, **k))
    done = upscale_file(tmp_path / "a.tif", tmp_path / "b.tif", bicubic, on_tile=counted.append)
    result = open_picture(tmp_path / "b.tif")
    assert result.frames == done.frames == 4
    assert (len(calls), sum(counted)) == (3, 4 * 10 * 12)
    for number, seed in enumerate((0, 0, 1, 0)):
        np.testing.assert_array_equal(result.pixels(number), bicubic(draw(10, 12, seed=seed)))


def test_the_worst_page_tells_the_consistency(tmp_path, bicubic, monkeypatch):
    paint_pages(tmp_path / "a.tif", 0, 1, 2)
    found, enlarge = iter([50.0, 30.0, 40.0]), bicubic.enlarge
    monkeypatch.setattr(
        bicubic, "enlarge", lambda *a, **k: replace(enlarge(*a, **k), consistency=next(found))
    )
    assert upscale_file(tmp_path / "a.tif", tmp_path / "b.tif", bicubic).consistency == 30


def test_save_options_hold_for_what_is_made_as_a_whole(tmp_path):
    write_picture(tmp_path / "a.png", [draw(10, 12, 4)])
    upscaler = Upscaler(Settings(save=SaveOptions(format="webp"), **BICUBIC))
    upscale_file(tmp_path / "a.png", tmp_path / "b.png", upscaler)
    assert open_picture(tmp_path / "b.png").format == "webp"


def test_refused_before_the_work(tmp_path, monkeypatch):
    paint(tmp_path / "a.png", 300, 2)
    monkeypatch.setattr(Upscaler, "enlarge", lambda *_, **__: pytest.fail("worked"))
    with pytest.raises(TooLargeError, match="16383"):
        upscale_file(tmp_path / "a.png", tmp_path / "b.webp", Upscaler(Settings(scale=64, **BICUBIC)))
    with pytest.raises(TooLargeError, match="megapixels") as caught:
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(max_pixels=500, **BICUBIC)))
    assert "--max-pixels" in caught.value.hint
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


@pytest.mark.parametrize("way", ["a.png", "./a.png", "there/../a.png"])
def test_the_source_is_never_the_target(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    before = paint(tmp_path / "a.png", 20, 10).read_bytes()
    (tmp_path / "there").mkdir()
    with pytest.raises(TargetError, match="is an input"):
        upscale("a.png", way, **BICUBIC)
    assert (tmp_path / "a.png").read_bytes() == before
    (tmp_path / "link.png").symlink_to("a.png")
    upscale("a.png", "link.png", **BICUBIC)
    assert (tmp_path / "a.png").read_bytes() == before


def test_short_form_tells_what_it_cannot_take(tmp_path):
    with pytest.raises(TypeError, match="no target"):
        upscale(draw(8, 9), tmp_path / "big.png", **BICUBIC)
    for source in (Image.new("RGB", (8, 9)), [[1, 2]], io.BytesIO()):
        with pytest.raises(TypeError, match="a NumPy array or a file's name, not "):
            upscale(source, **BICUBIC)


def test_short_form_reads_weights_that_were_made_anew(tmp_path):
    path, results = tmp_path / "own.tflite", []
    for name in ("fsrcnn-s", "fsrcnn-m"):
        shutil.copy(zoo.weights_dir() / f"{name}.tflite", path)
        results.append(upscale(draw(12, 12), model=path))
    assert (results[0] != results[1]).any()
