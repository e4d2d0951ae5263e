"""The list of models: rows and scores go in, and the rest stays as it was."""

from __future__ import annotations

import pytest

from upscale_cli import manifest
from upscale_cli.errors import ModelError, OutputError


def test_no_file_is_an_empty_list(tmp_path):
    assert manifest.read(tmp_path) == {"models": []}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"models": [{}]}', '{"models": 3}', "\xff"])
def test_what_is_no_list_of_models_is_told_and_stays(tmp_path, text):
    file = tmp_path / "manifest.json"
    file.write_text(text, "latin-1")
    with pytest.raises(ModelError, match=r"manifest\.json: not a list of models") as caught:
        manifest.put(tmp_path, {"name": "a"})
    assert caught.value.hint
    assert file.read_text("latin-1") == text


def test_rows_keep_their_order_and_are_replaced_by_name(tmp_path):
    for row in ({"name": "a", "halo": 1}, {"name": "b"}, {"name": "a", "halo": 2}):
        manifest.put(tmp_path, row)
    assert manifest.read(tmp_path) == {"models": [{"name": "a", "halo": 2}, {"name": "b"}], "default": "a"}
    assert manifest.row(tmp_path, "b") == {"name": "b"}
    with pytest.raises(KeyError):
        manifest.put_score(tmp_path, "c", "float", 2, "Set5", 37.0, 0.9)
    assert manifest.row(tmp_path, "c") == {}


def test_scores_are_added_to_a_row(tmp_path):
    manifest.put(tmp_path, {"name": "a", "halo": 1})
    manifest.put_score(tmp_path, "a", "float", 2, "Set5", 37.123456, 0.95678)
    manifest.put_score(tmp_path, "a", "float", 2, "Set14", 32.5, 0.9)
    manifest.put_score(tmp_path, "a", "int8", 4, "Set5", 31.0, 0.88)
    assert manifest.row(tmp_path, "a")["scores"] == {
        "float": {"2": {"Set5": {"psnr": 37.1235, "ssim": 0.9568}, "Set14": {"psnr": 32.5, "ssim": 0.9}}},
        "int8": {"4": {"Set5": {"psnr": 31.0, "ssim": 0.88}}},
    }
    assert manifest.row(tmp_path, "a")["halo"] == 1


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(OutputError):
        manifest.put(tmp_path / "f", {"name": "a"})
