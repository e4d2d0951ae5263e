import os
from pathlib import Path

import pytest

from upscale_cli.batch.places import Places


def test_paths_of_one_file_have_one_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    places = Places()
    assert places("a.png") == os.path.realpath("a.png")
    assert places("in/a.png") == places("./in/../in/a.png") == places(str(tmp_path / "in" / "a.png"))
    assert len({places(path) for path in ("a.png", "b.png", "in/a.png", "new/a.png")}) == 4


@pytest.mark.skipif(os.name == "nt", reason="links take a privilege there")
def test_links_to_folders_are_followed_and_links_to_files_are_not(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "in" / "b.png").symlink_to("a.png")
    places = Places()
    assert places(str(tmp_path / "link" / "a.png")) == places(str(tmp_path / "in" / "a.png"))
    assert places(str(tmp_path / "link" / "b.png")).endswith("b.png")
