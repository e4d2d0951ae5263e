"""The benchmark scripts start, and those that need nobody else's weights run to their table."""

import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import cv2
import pytest

from tests.conftest import draw
from upscale_cli import zoo

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if path.name not in ("common.py", "report.py"))


def run(script: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", ["superres.py", "realesrgan.py"])
def test_help(script: str) -> None:
    assert "--rounds" in run(script, "--help")


def test_the_readme_names_them_all() -> None:
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert [script for script in SCRIPTS if f"`{script}`" not in listed] == []


@pytest.mark.parametrize(
    ("script", "words", "row"),
    [
        ("core.py", ["--size", "0.01"], "fsrcnn-s float litert"),
        ("memory.py", ["--sizes", "0.01", "--format", "png", "--memory", "1G"], "bicubic float, 0.01 MP"),
        ("folder.py", ["--size", "0.01", "--count", "2"], "bicubic float"),
        ("start.py", [], "bicubic float"),
        ("resizers.py", ["--size", "0.01"], "Pillow Lanczos"),
        ("quality_speed.py", ["--size", "0.01", "--folder", "originals"], "libvips Lanczos"),
    ],
)
def test_a_small_run(script: str, words: list[str], row: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "original.png"), draw(64, 48))
    words = [str(tmp_path) if word == "originals" else word for word in words]
    if script != "core.py":
        words += ["--models", "bicubic"]
    printed = run(script, *words, "--rounds", "1", "--shared", str(tmp_path / "none"), "--out", str(tmp_path))
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert any(line.split("|")[1].strip() == row for line in lines[2:])
    columns = {line.count("|") for line in lines}
    assert len(lines) >= 3 and len(columns) == 1


@pytest.mark.parametrize("script", ["start.py", "core.py"])
def test_a_file_of_one_s_own_takes_part(script: str, tmp_path: Path) -> None:
    own = shutil.copy(zoo.find("fsrcnn-s").path, tmp_path / "fsrcnn-m.tflite")
    words = ["--rounds", "1", "--models", str(own), "--out", str(tmp_path)]
    words += ["--size", "0.01", "--shared", str(tmp_path / "none")] if script == "core.py" else []
    assert "| own fsrcnn-m float" in run(script, *words)
    words[3] = str(tmp_path / "nowhere.tflite")
    done = subprocess.run([sys.executable, str(FOLDER / script), *words], capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "nowhere.tflite: no such weights file; check the path" in done.stderr


def test_a_file_of_one_s_own_is_not_the_model_of_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    common = import_module("common")
    own = shutil.copy(zoo.find("fsrcnn-s").path, tmp_path / "fsrcnn-m.tflite")
    entry = common._entry(f"{own}:float:litert")
    assert str(own) in common.upscale_command(tmp_path / "a.png", tmp_path / "b.png", entry)
    assert entry.settings(2).model == str(own)
    assert entry.label == "own fsrcnn-m float litert"


def test_the_ablation_trains(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the train extra")
    cv2.imwrite(str(tmp_path / "original.png"), draw(128, 112))
    words = ["--steps", "2", "--only", "the recipe", "--out", str(tmp_path / "out")]
    assert "| the recipe | " in run("ablation.py", str(tmp_path), str(tmp_path), *words)


def test_the_rows_of_the_ablation_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="needs the train extra")
    monkeypatch.syspath_prepend(FOLDER)
    ablation = import_module("ablation")
    configs = [replace(ablation.base("fsrcnn-s", 10), **change) for change in ablation.CHANGES.values()]
    assert [n for n, config in enumerate(configs) if config in configs[:n]] == []


def test_goals_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    report = import_module("report")
    assert report.at_most(1.204, 1.2) == ("1.20", "<= 1.2 missed")
    assert report.at_most(300, 300, " MB", 0) == ("300 MB", "<= 300 MB met")
    assert report.at_least(20, 20, "x") == ("20.0x", ">= 20x met")
    assert report.at_least(19.9, 20, "x") == ("19.9x", ">= 20x missed")
    assert report.at_least(3, None) == ("3.0", "")


def test_names_in_a_plot_hide_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(FOLDER)
    report, placed = import_module("report"), []
    name_points = report._name_points
    monkeypatch.setattr(report, "_name_points", lambda axes, points: placed.append(name_points(axes, points)))
    points = {f"network {number}": (10 + number, 30 + number / 50) for number in range(6)}
    report.scatter(tmp_path / "plot.png", "close together", points)
    (boxes,) = placed
    assert len(boxes) == 6
    for number, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[:number])
    assert (tmp_path / "plot.png").stat().st_size > 5000
