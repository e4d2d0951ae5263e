"""``upscale compare`` and ``upscale prepare``: files made, reports, and errors."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from upscale_cli import zoo
from upscale_cli.cli import main


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    return int(done.value.code or 0)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an original and its half."""
    monkeypatch.chdir(tmp_path)
    original = Image.fromarray(data.astronaut()[:241, 140:360])
    original.save("large.png")
    original.crop((0, 0, 220, 240)).reduce(2).save("small.png")
    return tmp_path


def test_compare_a_photo(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "small.png", "-s", 4, "-n", zoo.default_name(), "--crops", 2) == 0
    assert capsys.readouterr().out == "output/comparison.png\n"
    sheet = np.asarray(Image.open("output/comparison.png"))
    side = 40 * 4 * 2  # pixels of the crop, the scale, and as many pixels for each as fill a cell
    assert sheet.shape[1] > 4 * side
    assert 2 * side < sheet.shape[0] < 3 * side


def test_compare_with_a_reference_scores_every_method(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheets = []
    for words in (["small.png", "--reference", "large.png"], ["--reference", "large.png"]):
        assert run("compare", *words, "-o", "sheet.webp", "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["sheet"], found["scale"]) == ("sheet.webp", 2)
        assert len(found["places"]) > 1
        names = ["nearest", "bicubic", "lanczos", *(card.name for card in zoo.models()), "original"]
        assert [method["method"] for method in found["methods"]] == names
        scores = {method["method"]: method["psnr"] for method in found["methods"]}
        assert scores["original"] is None
        assert scores["nearest"] < scores["bicubic"] < scores[zoo.default_name()]
        sheets.append(size(here / "sheet.webp"))
    assert sheets[0] == sheets[1]


def test_compare_takes_a_keras_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorflow", reason="needs the train extra")
    best = shutil.copy(zoo.find("fsrcnn-s", "keras").path, here / "best.keras")
    assert run("compare", "--reference", "large.png", "-n", best, "--json") == 0
    scores = {one["method"]: one["psnr"] for one in json.loads(capsys.readouterr().out)["methods"]}
    assert scores[str(best)] > scores["lanczos"]


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        ([], 2, "nothing to compare", "--reference"),
        (["nowhere.png"], 1, "nowhere.png", "spelling"),
        (["small.png", "-s", "3"], 2, "--scale 3", "2, 4 or 8"),
        (["small.png", "-o", "sheet.xyz"], 2, "xyz", "png"),
        (["small.png", "--reference", "large.png", "-s", "4"], 2, "220x240 pixels", "--scale"),
        (["small.png", "--precision", "int4"], 2, "int4", "float, bfloat16"),
        (["small.png", "-o", "./small.png"], 2, "one of the pictures compared", "another name"),
    ],
)
def test_compare_errors(
    words: list[str], code: int, message: str, hint: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", *words) == code
    written = capsys.readouterr()
    assert written.out == ""
    error, advice = written.err.splitlines()
    assert error.startswith("error: ") and message in error
    assert advice.startswith("hint: ") and hint in advice
    assert sorted(path.name for path in here.iterdir()) == ["large.png", "small.png"]


def test_prepare_reports_to_people(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "notes.txt").write_text("no picture")
    assert run("prepare", here, here / "new") == 0
    written = capsys.readouterr()
    assert "pictures kept: 1 of 3, files made: 1" in written.err
    line = next(line for line in written.out.splitlines() if "not-an-image" in line)
    assert line.split()[1] == "1" and "notes.txt" in line
    line = next(line for line in written.out.splitlines() if "near-duplicate" in line)
    assert line.split()[1] == "1" and "small.png: of " in line and "large.png" in line
    assert [path.name for path in (here / "new").iterdir()] == ["large_1.webp"]


def test_prepare_reports_to_programs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (200, 200)).save("black.png")
    assert run("prepare", ".", "new", "--crop", 96, "--crops", 3, "-f", "png", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["target"] == "new"
    (names,) = found["kept"].values()
    assert list(found["kept"]) == ["large.png"] and 1 < len(names) <= 3
    assert sorted(names) == sorted(path.name for path in (here / "new").iterdir())
    assert all(size(here / "new" / name) == (96, 96) for name in names)
    reasons = {drop["source"]: drop["reason"] for drop in found["dropped"]}
    assert reasons == {"black.png": "flat", "small.png": "near-duplicate"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nowhere", "new"], 1, "nowhere: no such folder"),
        ([".", "."], 2, "not an empty folder"),
        ([".", "new", "--crop", "95"], 2, "--crop 95 is odd"),
        ([".", "new", "-f", "jpg"], 2, "'jpg'"),
        (["flat", "new"], 1, "nothing in it is worth training on"),
    ],
)
def test_prepare_errors(
    words: list[str], code: int, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "flat").mkdir()
    Image.new("RGB", (200, 200)).save(here / "flat" / "black.png")
    assert run("prepare", *words) == code
    error, advice = capsys.readouterr().err.splitlines()[-2:]
    assert error.startswith("error: ") and message in error
    assert advice.startswith("hint: ")
