"""Bad input: a line that names file and cause, a hint, the right exit code, no traceback, no half file."""

import os
import re
import sys

import pytest

from tests.command import paint, run
from upscale_cli.cli import load, main
from upscale_cli.cli import run as run_module

FAST = ("-n", "bicubic")


@pytest.fixture
def here(empty_folder):
    """A current folder with a good picture and several bad ones."""
    data = paint(empty_folder / "photo.jpg", 60, 40).read_bytes()
    (empty_folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (empty_folder / "zero.png").touch()
    (empty_folder / "text.jpg").write_text("no picture")
    (empty_folder / "folder").mkdir()
    (empty_folder / "a [b] c.jpg").write_text("no picture")
    return empty_folder


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def failing(here, capfd):
    """Run the command, which must fail cleanly; return (exit code, error line, hint line)."""

    def call(*arguments):
        before = contents(here)
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capfd.readouterr()
        assert out == ""
        assert "Traceback" not in err
        assert contents(here) == before
        error, hint = err.splitlines()
        assert error.startswith("error: ")
        assert hint.startswith("hint: ")
        return caught.value.code, error[7:], hint[6:]

    return call


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        (["missing.jpg"], 1, "missing.jpg: no such file or folder", "spelling"),
        (["models", "nosuch"], 2, "nosuch", "see `upscale models --help`"),
        (["--nosuch"], 2, "--nosuch", "see `upscale --help`"),
        (["compare", "photo.jpg", "-o", "sheet"], 2, "sheet does not say which file", "sheet.png"),
        (["--raw", "8x8", "-f", "png"], 2, "--raw takes raw frames", "upscale --raw"),
        (["foto.jpg"], 1, "foto.jpg: no such file or folder", "did you mean photo.jpg?"),
        (["nofolder/a.jpg"], 1, "nofolder/a.jpg: no such", "there is no folder nofolder"),
        (["n" * 300], 1, "n: cannot be read: File name too long", "permissions"),
        (["photo.jpg", "-o", "n" * 300], 1, "_x2.jpg: cannot be written: File name too long", "shorter"),
        (
            ["photo.jpg", "-o", "n" * 300 + ".png"],
            1,
            ".png: cannot be written: File name too long",
            "shorter",
        ),
        (["modles"], 1, "modles: no such", "did you mean the command `upscale models`?"),
        (["text.jpg"], 1, "text.jpg: is not a picture", "readable are JPEG"),
        (["a [b] c.jpg"], 1, "a [b] c.jpg: is not a picture", "readable are"),
        (["zero.png"], 1, "zero.png: the file is empty", "whole copy"),
        (["cut.jpg"], 1, "cut.jpg: ", "whole copy"),
        (["photo.jpg", "-o", "text.jpg/big"], 1, "text.jpg/big/photo_x2.jpg: cannot be written", "--output"),
        (["photo.jpg", "-o", "photo.jpg"], 2, "photo.jpg: is an input", "-o"),
        (["photo.jpg", "-o", "new.heic"], 2, "new.heic: no picture format", "use one of"),
        (["photo.jpg", "-f", "xyz"], 2, "xyz: no picture format", "use one of"),
        (["photo.jpg", "-n", "fsrcn-s"], 2, "no model named 'fsrcn-s'", "did you mean fsrcnn-s?"),
        (["photo.jpg", "-n", "gone.tflite"], 2, "gone.tflite: no such weights file", "path"),
        (["photo.jpg", "--precision", "int9", "-n", "fsrcnn-s"], 2, "--precision 'int9'", "float, bfloat16"),
        (
            ["photo.jpg", "--runtime", "tensorflow", "--precision", "int8", "-n", "fsrcnn-s"],
            2,
            "TensorFlow computes in float",
            "--precision float",
        ),
        (["photo.jpg", "--runtime", "onnx", "-n", "fsrcnn-s"], 2, "no runtime named 'onnx'", "litert"),
        (["photo.jpg", "-s", "abc"], 2, "--scale 'abc' is not a factor", "--scale 4"),
        (["photo.jpg", "-s", "0"], 2, "a scale of 0 cannot be made", "from 1 to 64"),
        (["photo.jpg", "-s", "nan"], 2, "a scale of nan cannot be made", "from 1 to 64"),
        (["photo.jpg", "-s", "0.5"], 2, "makes pictures smaller", "--shrink"),
        (["photo.jpg", "--width", "5000"], 2, "is more than 64 times", "64 times"),
        (["photo.jpg", "--width", "9", "--long-side", "9"], 2, "exclude each other", "one of them"),
        (["photo.jpg", "--fit", "100"], 2, "--fit '100' is not a size", "640x360"),
        (["photo.jpg", "-q", "101"], 2, "--quality 101 is out of range", "give 1 to 100"),
        (["photo.jpg", "-q", "0"], 2, "--quality 0 is out of range", "give 1 to 100"),
        (["photo.jpg", "--compression", "10"], 2, "--compression 10 is out of range", "give 0 to 9"),
        (["photo.jpg", "-t", "-1"], 2, "--tile -1 is out of range", "give 0 or more"),
        (["photo.jpg", "--width", "wide"], 2, "'--width'", "--help"),
        (["photo.jpg", "--scael", "2"], 2, "--scael", "--help"),
        (["photo.jpg", "-n", "bicubic", "--scale"], 2, "--scale", "--help"),
        (["photo.jpg", "--name", "{x}"], 2, "unknown field {x}", "{stem}"),
        (["photo.jpg", "--name", "{stem}.xyz"], 2, "no picture format is called .xyz", ".png"),
        (["photo.jpg", "--memory", "lots"], 2, "--memory 'lots' is not an amount", "2G"),
        (["photo.jpg", "--memory", "1M"], 1, "photo.jpg: 60x40 to 120x80 takes about", "--memory"),
        (["photo.jpg", "--max-pixels", "1k"], 1, "photo.jpg: 60x40 is more than", "--max-pixels"),
        (["photo.jpg", "--background", "#12"], 2, "is not a colour", "#rrggbb"),
        (["photo.jpg", "text.jpg", "-o", "one.png"], 2, "-o one.png is one file", "folder"),
        (["photo.jpg", "-o", "one.png", "--name", "{stem}"], 2, "exclude each other", "one of them"),
        (["--files-from", "gone.txt"], 2, "gone.txt: cannot be read", "list"),
        (["-r"], 2, "nothing to enlarge", "upscale photo.jpg"),
        (["-", "photo.jpg"], 2, "a pipe takes one picture", "- alone"),
        (["folder", "-o", "-"], 1, "folder: is a folder", "name one of the pictures in it"),
        (["compare", "folder"], 1, "folder: is a folder", "name one of the pictures in it"),
        (["-", "-o", "folder"], 2, "-o folder does not say which file", "big.png"),
        (["--raw", "10"], 2, "--raw '10' is not a size", "640x360"),
        (["--raw", "10x10", "photo.jpg"], 2, "from stdin to stdout", "--raw"),
        (["nosuch", "folder", "--watch"], 1, "nosuch: no such file or folder", "spelling"),
        (["folder", "--watch", "-o", "one.png"], 2, "one file, and a folder is watched", "folder"),
        (["folder", "--watch", "--dry-run"], 2, "--dry-run and --watch exclude", "leave out --watch"),
        (["-", "-o", "new.png", "--dry-run"], 2, "--dry-run and a pipe exclude", "name files"),
        (["photo.jpg", "-o", "-", "--dry-run"], 2, "--dry-run and a pipe exclude", "name files"),
        (["--raw", "10x10", "--dry-run"], 2, "--dry-run and --raw exclude", "name files"),
        (["models", "--jsno"], 2, "--jsno", "--help"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(failing, here, arguments, code, error, hint):
    fast = FAST if "-n" not in arguments and arguments[0] != "models" else ()
    got = failing(*arguments, *fast)
    assert got[0] == code
    assert error in got[1]
    assert hint in got[2]


def test_some_fail_and_the_rest_is_done(here):
    done = run("photo.jpg", "cut.jpg", "missing.jpg", "zero.png", *FAST, cwd=here)
    assert done.code == 3
    assert done.lines == ["output/photo_x2.jpg"]
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    for name in ("cut.jpg", "missing.jpg", "zero.png"):
        assert sum(name in line for line in errors) == 1
    assert "1 done, 3 failed in" in done.err


def test_all_fail(here):
    assert run("missing.jpg", "zero.png", *FAST, cwd=here).code == 1


def test_a_hint_that_all_share_is_given_once(here):
    (here / "zero2.png").touch()
    assert run("zero.png", "zero2.png", cwd=here).err.count("hint: ") == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(failing, here):
    (here / "folder").chmod(0o555)
    code, error, _ = failing("photo.jpg", "-o", "folder", *FAST)
    assert (code, "Permission denied" in error) == (1, True)


def test_debug_shows_the_traceback(here, capfd):
    for arguments in (["missing.jpg"], ["photo.jpg", "-s", "0"], ["models", "nonesuch"]):
        with pytest.raises(SystemExit):
            main([*arguments, "--debug"])
        assert ("Traceback" in capfd.readouterr().err) == (arguments != ["missing.jpg"])


def test_a_bug_is_one_line_too(here, capfd, monkeypatch):
    monkeypatch.setattr(run_module, "_run", lambda options: {}["x"])
    with pytest.raises(SystemExit) as caught:
        main(["photo.jpg"])
    err = capfd.readouterr().err
    assert caught.value.code == 1
    assert err.startswith("error: unexpected KeyError: 'x'\nhint: ")
    assert "--debug" in err


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (MemoryError, 1)])
def test_other_ends(here, capfd, monkeypatch, error, code):
    def stop(options):
        raise error

    monkeypatch.setattr(run_module, "_run", stop)
    with pytest.raises(SystemExit) as caught:
        main(["photo.jpg"])
    assert caught.value.code == code
    err = capfd.readouterr().err
    assert "Traceback" not in err
    options = {name for param in load("run").params for name in param.opts}
    assert set(re.findall(r"--\w+", err)) <= options


@pytest.mark.skipif(sys.platform != "linux", reason="file names of bytes")
def test_names_that_are_no_text_and_control_characters_reach_no_terminal(here):
    done = run(b"\xff\x1b[31m.png", *FAST, cwd=here)
    assert done.code == 1
    assert "\x1b" not in done.err
    assert "\\x1b[31m.png: no such file" in done.err
