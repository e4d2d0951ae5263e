"""``upscale bench``: figures that are consistent with each other."""

import json
from pathlib import Path

import numpy as np
import pytest

from upscale_cli import zoo
from upscale_cli.bench import draw, measure_speed
from upscale_cli.cli import main
from upscale_cli.cli.bench import _upscalers
from upscale_cli.pipeline import Settings, Upscaler


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    return int(done.value.code or 0)


def test_the_picture_has_its_size_and_detail() -> None:
    pixels = draw(0.3)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (474, 632, 3)
    steps = np.abs(np.diff(pixels.astype(int), axis=1)).mean()
    assert 2 < steps < 30
    np.testing.assert_array_equal(pixels, draw(0.3))
    assert draw(0.00001).shape == (8, 11, 3)


def test_speed_counts_the_pixels_made() -> None:
    pixels = draw(0.02)
    upscalers = [Upscaler(Settings(scale=scale, model="bicubic")) for scale in (2, 4)]
    done: list[int] = []
    two, four = measure_speed(upscalers, pixels, 2, on_task=lambda: done.append(1))
    assert len(done) == 2 * (2 * 2 + 1)
    assert (two.model, two.precision) == ("bicubic", "float")
    for speed in (two, four):
        assert 0.01 < speed.megapixels_per_second < 10_000
        assert 0.05 < speed.file_seconds < 60
        assert speed.peak is None or 20e6 < speed.peak < 2e9


def test_the_command_in_json_and_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    name = zoo.default_name()
    assert run("bench", "-n", name, "--precision", "float", "--size", 0.02, "--rounds", 1, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    (row,) = found["models"]
    assert (row["model"], row["precision"]) == (name, "float")
    assert found["width"] * found["height"] == pytest.approx(20_000, rel=0.05)
    assert found["start"]["seconds"] > 0.05 and found["start"]["imports"] > 0.02
    assert run("bench", "-n", "bicubic", "--size", 0.02, "--rounds", 1) == 0
    written = capsys.readouterr()
    line = next(line for line in written.out.splitlines() if "bicubic" in line)
    assert line.split()[:2] == ["bicubic", "float"]
    assert "times `import numpy, cv2`" in written.err


def test_what_tensorflow_cannot_run_is_not_measured() -> None:
    for runtime, kinds in (("", ["float", "int8"]), ("tensorflow", ["float"])):
        found = _upscalers(["fsrcnn-s"], None, 2, 1, runtime)
        assert [upscaler.card.precision for upscaler in found] == kinds


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    tensorflow = ["-n", "fsrcnn-s", "--runtime", "tensorflow", "--precision", "int8"]
    for words, text in (
        (["-s", 3], "--scale 3"),
        (["--precision", "int4"], "int4"),
        (["-n", "x"], "'x'"),
        (tensorflow, "TensorFlow computes in float"),
    ):
        assert run("bench", *words) == 2
        assert text in capsys.readouterr().err.splitlines()[0]


def test_a_folder_without_models_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").write_text('{"models": []}')
    monkeypatch.setenv("UPSCALE_MODELS", str(tmp_path))
    assert run("bench") == 1
    assert "holds no model" in capsys.readouterr().err
