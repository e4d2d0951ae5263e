"""``upscale evaluate`` and ``upscale models``: tables, JSON and errors, on the weights that are supplied."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from upscale_cli import zoo
from upscale_cli.cli import main
from upscale_cli.cli.results import print_json

WEIGHTS = str(zoo.find("fsrcnn-s").path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small photographs and a file that is none."""
    folder = tmp_path_factory.mktemp("originals")
    Image.fromarray(data.astronaut()[:96, 180:290]).save(folder / "astronaut.png")
    Image.fromarray(data.coffee()[100:190, 200:300]).save(folder / "coffee.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    return int(done.value.code or 0)


def test_json_has_every_row_and_every_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run("evaluate", folder, "--scale", 2, "-n", "lanczos", "-n", zoo.default_name(), "-x", "--json") == 0
    )
    written = capsys.readouterr()
    found = json.loads(written.out)
    assert found["scale"] == 2
    (one,) = found["sets"]
    assert list(one["skipped"]) == ["notes.txt"]
    assert "left out" in written.err and "notes.txt" in written.err
    rows = {(row["model"], row["precision"], row["ensemble"]): row for row in one["results"]}
    name, own = zoo.default_name(), zoo.find(precision="").precision
    assert list(rows) == [
        ("bicubic", "-", False),
        ("lanczos", "-", False),
        (name, own, False),
        (name, own, True),
    ]
    for row in rows.values():
        assert [image["file"] for image in row["images"]] == ["astronaut.png", "coffee.png"]
        assert row["psnr"] == pytest.approx(np.mean([image["psnr"] for image in row["images"]]))
        assert row["ssim"] == pytest.approx(np.mean([image["ssim"] for image in row["images"]]))
        assert row["megapixels_per_second"] == pytest.approx((96 * 110 + 90 * 100) / 1e6 / row["seconds"])
    bicubic, lanczos, plain, mean = (row["psnr"] for row in rows.values())
    assert bicubic < lanczos < plain - 1
    assert 0 < abs(mean - plain) < 1  # better on most pictures, not on every one


def test_a_file_is_told_from_the_model_of_its_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = zoo.find(precision="float")
    copy = tmp_path / card.path.name
    shutil.copy(card.path, copy)
    facts = ("scale", "channels", "halo", "residual")
    copy.with_name(f"{copy.name}.json").write_text(json.dumps({fact: getattr(card, fact) for fact in facts}))
    assert run("evaluate", folder, "-n", card.name, "-n", copy, "--precision", "float", "--json") == 0
    _, named, given = json.loads(capsys.readouterr().out)["sets"][0]["results"]
    assert (named["model"], given["model"]) == (card.name, str(copy))
    assert named["psnr"] == given["psnr"]


def test_a_keras_file_is_run_by_tensorflow(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as the best one of a training run, of which nothing is told beside it."""
    pytest.importorskip("tensorflow", reason="needs the train extra")
    card = zoo.find("fsrcnn-s", "keras")
    copy = Path(shutil.copy(card.path, tmp_path / "best.keras"))
    assert run("evaluate", folder, "-n", card.name, "--precision", "float", "--json") == 0
    _, named = json.loads(capsys.readouterr().out)["sets"][0]["results"]
    assert run("evaluate", folder, "-n", copy, "--json") == 0
    _, given = json.loads(capsys.readouterr().out)["sets"][0]["results"]
    assert (given["model"], given["precision"]) == (str(copy), "keras")
    assert given["psnr"] == pytest.approx(named["psnr"], abs=0.02)


def test_record_writes_the_cards(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(zoo.weights_dir(), weights)
    monkeypatch.setenv("UPSCALE_MODELS", str(weights))
    assert run("evaluate", folder, "-s", 4, "-n", zoo.default_name(), "--record", "--json") == 0
    score = json.loads(capsys.readouterr().out)["sets"][0]["results"][1]
    recorded = zoo.find().scores[zoo.find(precision="").precision]["4"][folder.name]
    assert recorded["psnr"] == pytest.approx(score["psnr"], abs=0.001)
    assert recorded["ssim"] == pytest.approx(score["ssim"], abs=0.0001)


@pytest.mark.parametrize("given", [".", "sub/.."])
def test_a_folder_given_as_dots_has_its_name(
    given: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "sub").mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    assert run("evaluate", given, "-n", "bicubic") == 0
    assert f"{folder.name} (2)" in capsys.readouterr().out


def test_the_table_has_a_section_for_each_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(data.camera()[:80, :80]).save(tmp_path / "camera.png")
    assert run("evaluate", folder, tmp_path, "-s", 4, "-n", "bicubic", "--worst", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4x")
    assert sum("bicubic" in line and f"{folder.name} (2)" in line for line in lines) == 1
    assert sum("bicubic" in line and f"{tmp_path.name} (1)" in line for line in lines) == 1
    assert any(f"Worst of {folder.name}" in line for line in lines)
    worst = next(line for line in lines if line.strip().startswith(("astronaut.png", "coffee.png")))
    assert worst.rstrip().endswith("+0.00")


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["nowhere"], 1, "nowhere: no such folder", "folder"),
        ([".", "-s", "3"], 2, "--scale 3", "2, 4 or 8"),
        ([".", "-n", "bicubicc"], 2, "bicubicc", "did you mean bicubic"),
        ([".", "--precision", "int4"], 2, "int4", "float, bfloat16"),
        ([".", "--precision", "keras"], 2, "keras", "float, bfloat16"),
        ([".", "--record", "-n", WEIGHTS], 2, "named by its file", "UPSCALE_MODELS"),
        ([".", "-n", "bicubic"], 1, "the folder is empty", "original"),
    ],
)
def test_errors(
    words: list[str], code: int, message: str, hint: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run("evaluate", *words) == code
    written = capsys.readouterr()
    assert written.out == ""
    error, advice = written.err.splitlines()
    assert error.startswith("error: ") and message in error
    assert advice.startswith("hint: ") and hint in advice


@pytest.mark.parametrize(("quick", "precision"), [(True, "int8"), (False, "float")])
def test_models_lists_every_card_and_marks_what_this_machine_uses(
    quick: bool, precision: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(zoo, "quick_int8", lambda: quick)
    assert run("models", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["default"], found["precision"]) == (zoo.default_name(), precision)
    names = [model["name"] for model in found["models"]]
    assert names == [card.name for card in zoo.models()] + ["nearest", "bicubic", "lanczos"]
    for model, card in zip(found["models"], zoo.models(), strict=False):
        assert model["parameters"] == card.parameters > 1000
        assert "float" in model["precisions"] and "keras" not in model["precisions"]
        assert model["files"]["float"]["sha256"] == zoo.find(card.name).sha256
    assert run("models") == 0
    lines = capsys.readouterr().out.splitlines()
    (marked,) = (line.split() for line in lines if "*" in line)
    assert marked[:3] == [zoo.default_name(), "*", precision]
    assert all(any(name in line for line in lines) for name in names)


@pytest.mark.parametrize(
    ("scale", "direct", "views", "costs"),
    [
        (2, {}, 1, ["1,200", "6,000"]),
        (2, {"macs_per_pixel": 1500}, 1, ["1,200", "1,500"]),
        (2, {}, 2, ["2,400", "12,000"]),
        (4, {}, 2, ["2,400", "2,400"]),
    ],
)
def test_models_shows_scores_and_costs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scale: int,
    direct: dict[str, Any],
    views: int,
    costs: list[str],
) -> None:
    """At 4x a second pass works on four times as many pixels, unless there are weights for both in one,
    or one pass makes 4x.

    Each view costs as much again.
    """
    row = {
        "name": "tiny", "scale": scale, "parameters": 1234, "macs_per_pixel": 1200, "halo": 3,
        "files": {
            kind: {"file": f"tiny.{kind}", "sha256": "0", "views": views} for kind in ("float", "keras")
        },
        "scores": {"float": {"2": {"A": {"psnr": 37.126, "ssim": 0.9}, "B": {"psnr": 32.0, "ssim": 0.9}}}},
        "direct": direct and {"files": {"float": {"file": "tiny-direct.float", "sha256": "0"}}, **direct},
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [row]}))
    monkeypatch.setenv("UPSCALE_MODELS", str(tmp_path))
    assert run("models") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "PSNR in dB on A, B"
    (shown,) = (line.split() for line in lines if "tiny" in line)
    assert shown == ["tiny", "*", "float", "1,234", *costs, "3", "37.13", "32.00", "-", "-"]


def test_json_has_no_infinities(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [math.inf, 1.5], "b": (math.nan, "x")})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5], "b": [None, "x"]}
