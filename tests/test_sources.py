import io
import os
from pathlib import Path

import pytest

from upscale_cli.batch.events import Skip
from upscale_cli.batch.journal import Journal
from upscale_cli.batch.sources import Selection, Source, find_sources, listed_sources, read_list
from upscale_cli.errors import InputError, MissingInputError, UsageError

EVERYTHING = Selection(recursive=True)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "in/b.jpg",
        "in/a.jpg",
        "in/sub/c.png",
        "in/sub/deep/d.txt",
        "in/.hidden/e.jpg",
        "in/.f.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def paths(found):
    return [source.path for source in found]


def test_folder_gives_its_files_in_order(tree):
    assert paths(find_sources(["in"], Selection())) == ["in/a.jpg", "in/b.jpg"]


def test_tree_keeps_its_folders(tree):
    found = list(find_sources(["in"], EVERYTHING))
    assert [(s.path, s.folder) for s in found] == [
        ("in/a.jpg", ""),
        ("in/b.jpg", ""),
        ("in/sub/c.png", "sub"),
        ("in/sub/deep/d.txt", "sub/deep"),
    ]
    assert not any(source.named for source in found)


def test_folders_come_in_the_order_of_their_names(tree):
    for name in ("in/top/a.png", "in/sub/wide/a.png"):
        Path(name).parent.mkdir()
        Path(name).touch()
    found = paths(find_sources(["in"], EVERYTHING))
    assert found[3:] == ["in/sub/deep/d.txt", "in/sub/wide/a.png", "in/top/a.png"]


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        (("*.jpg",), (), ["in/a.jpg", "in/b.jpg"]),
        ((), ("*.jpg",), ["in/sub/c.png", "in/sub/deep/d.txt"]),
        (("*.jpg", "*.png"), ("b*",), ["in/a.jpg", "in/sub/c.png"]),
        (("sub/*",), (), ["in/sub/c.png", "in/sub/deep/d.txt"]),
        ((), ("sub/deep/*",), ["in/a.jpg", "in/b.jpg", "in/sub/c.png"]),
    ],
)
def test_patterns(tree, include, exclude, left):
    assert paths(find_sources(["in"], Selection(True, include, exclude))) == left


def test_output_folder_is_left_out(tree):
    assert "in/sub/c.png" not in paths(find_sources(["in"], EVERYTHING, leave_out="in/sub"))


def test_a_file_named_twice_is_taken_once(tree):
    assert paths(find_sources(["in/a.jpg", "in", "./in/a.jpg"], Selection())) == ["in/a.jpg", "in/b.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="links to folders take a privilege there")
def test_a_file_named_by_two_paths_is_taken_once(tree):
    (tree / "link").symlink_to(tree / "in")
    names = ["in/a.jpg", "link/a.jpg", "in/sub/../a.jpg", "link"]
    assert paths(find_sources(names, Selection())) == ["in/a.jpg", "link/b.jpg"]


def test_a_list_adds_what_is_not_named_before(tree):
    listed = ["in/a.jpg", "in/b.jpg", "./in/b.jpg", str(tree / "in" / "b.jpg"), "in/sub/c.png"]
    found = find_sources(["in/a.jpg"], Selection(), listed=listed)
    assert paths(found) == ["in/a.jpg", "in/b.jpg", "in/sub/c.png"]


def test_named_files_are_taken_whatever_the_patterns(tree):
    assert list(find_sources(["in/.f.jpg"], Selection(include=("*.png",)))) == [Source("in/.f.jpg")]


def test_missing_input_suggests_a_name(tree):
    (failed,) = find_sources(["in/a.jgp"], Selection())
    assert isinstance(failed.error, MissingInputError)
    assert failed.source == "in/a.jgp"
    assert "in/a.jgp" in str(failed.error)
    assert "in/a.jpg" in failed.error.hint


LONG = "n" * 300 + ".jpg"


@pytest.mark.skipif(os.name == "nt", reason="names that are too long are no such files there")
@pytest.mark.parametrize("find", [lambda names: find_sources(names, Selection()), listed_sources])
def test_a_name_that_is_too_long_does_not_stop_the_rest(tree, find):
    good, failed, other = find(["in/a.jpg", LONG, "in/b.jpg"])
    assert paths([good, other]) == ["in/a.jpg", "in/b.jpg"]
    assert str(failed.error) == f"{LONG}: cannot be read: File name too long"
    assert failed.error.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX systems")
@pytest.mark.parametrize("find", [lambda names: find_sources(names, Selection()), listed_sources])
def test_a_pipe_is_no_file(tree, find):
    os.mkfifo("fifo")
    pipe, device = find(["fifo", os.devnull])
    assert str(pipe.error) == "fifo: is no file but a pipe or a device"
    assert "upscale - < fifo" in pipe.error.hint
    assert isinstance(device.error, InputError)


def test_loops_of_links_end(tree):
    (tree / "in" / "sub" / "loop").symlink_to(tree / "in")
    (tree / "in" / "self.jpg").symlink_to("self.jpg")
    assert paths(find_sources(["in"], EVERYTHING)) == [
        "in/a.jpg",
        "in/b.jpg",
        "in/sub/c.png",
        "in/sub/deep/d.txt",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can list any folder")
def test_a_folder_that_cannot_be_listed_does_not_stop_the_rest(tree):
    (tree / "in" / "sub").chmod(0)
    try:
        found = list(find_sources(["in"], EVERYTHING))
    finally:
        (tree / "in" / "sub").chmod(0o755)
    assert paths(found[:2]) == ["in/a.jpg", "in/b.jpg"]
    assert "in/sub" in str(found[2].error)


def test_a_folder_that_vanishes_is_an_error_among_the_files(tree, monkeypatch):
    scandir = os.scandir

    def denied(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    *files, failed = find_sources(["in"], EVERYTHING)
    assert paths(files) == ["in/a.jpg", "in/b.jpg"]
    assert str(failed.error) == "in/sub: cannot be listed: Permission denied"


def test_what_another_run_makes_meanwhile_is_no_source(tree):
    found = find_sources(["in"], EVERYTHING)
    assert next(found).path == "in/a.jpg"
    (tree / "in" / "sub" / "c_x2.png").touch()
    with Journal("in") as journal:
        source = tree / "in" / "sub" / "c.png"
        journal.record(str(source), "in/sub/c_x2.png", "", source.stat(), "", 0)
    assert Skip("in/sub/c_x2.png", "own-output") in list(found)


def test_lists_hold_any_name():
    assert read_list(io.BytesIO(b"a b\nc\xff\r\n\nd\n")) == ["a b", "c\udcff", "d"]
    assert read_list(io.BytesIO(b"a\nb\0c\0"), ended_by_nul=True) == ["a\nb", "c"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_list_written_on_windows(encoding):
    assert read_list(io.BytesIO("\u00e9.png\r\nb.jpg\r\n".encode(encoding))) == ["\u00e9.png", "b.jpg"]


def test_a_list_with_nul_bytes_asks_for_the_option():
    with pytest.raises(UsageError) as caught:
        read_list(io.BytesIO(b"a\0b\0"))
    assert "-0" in caught.value.hint


def test_listed_files_keep_their_folders_below_the_output(tree):
    names = [
        "in/sub/c.png",
        "./in/a.jpg",
        "in/b.jpg",
        str(tree / "in" / "b.jpg"),
        "in/sub",
        "gone.jpg",
        "in/b.jpg",
    ]
    found = list(listed_sources(names))
    assert [s.folder for s in found[:4]] == ["in/sub", "in", "in", ""]
    assert "folder" in str(found[4].error)
    assert isinstance(found[5].error, MissingInputError)
    assert len(found) == 6


@pytest.mark.parametrize("name", ["../b.jpg", "deep/../../b.jpg"])
def test_listed_files_from_elsewhere_stay_below_the_output(tree, monkeypatch, name):
    monkeypatch.chdir("in/sub")
    assert list(listed_sources([name])) == [Source(name, folder="")]
