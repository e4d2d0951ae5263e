"""The command line as a person uses it."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.command import COMMAND, environment, paint, run, size_of
from upscale_cli import __version__
from upscale_cli.cli import COMMANDS, load, main
from upscale_cli.image_io import open_picture

FAST = ("-n", "bicubic")


@pytest.fixture
def here(empty_folder):
    """An empty current folder with a photograph in it."""
    paint(empty_folder / "photo.jpg", 30, 20)
    return empty_folder


def call(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def on_terminal(*arguments, cwd, **variables):
    """Run the command on a terminal of its own; return (exit code, what the terminal got)."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="100", **variables)
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                seen += os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
    os.close(ours)
    return process.wait(10), seen.decode("utf-8")


def test_the_main_job(here):
    done = run("photo.jpg", "--scale", "4", cwd=here)
    assert done.code == 0, done.err
    assert done.lines == ["output/photo_x4.jpg"]
    assert size_of(here / "output" / "photo_x4.jpg") == (120, 80)
    assert open_picture(here / "output" / "photo_x4.jpg").format == "jpeg"
    assert [path.name for path in (here / "output").iterdir()] == ["photo_x4.jpg"]


def test_as_a_module(here):
    command = [sys.executable, "-m", "upscale_cli", "photo.jpg", *FAST]
    subprocess.run(command, cwd=here, env=environment(), check=True, capture_output=True)
    assert size_of(here / "output" / "photo_x2.jpg") == (60, 40)


def test_ctrl_c_while_modules_are_loaded():
    code = """
import sys
class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "upscale_cli.cli":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from upscale_cli.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize(
    ("arguments", "target", "size"),
    [
        (("photo.jpg",), "output/photo_x2.jpg", (60, 40)),
        (("-s", "4", "photo.jpg"), "output/photo_x4.jpg", (120, 80)),
        (("photo.jpg", "-s", "4x"), "output/photo_x4.jpg", (120, 80)),
        (("photo.jpg", "-o", "big"), "big/photo_x2.jpg", (60, 40)),
        (("photo.jpg", "-o", "big/new.png"), "big/new.png", (60, 40)),
        (("photo.jpg", "-f", "webp"), "output/photo_x2.webp", (60, 40)),
        (("photo.jpg", "--fit", "90x90"), "output/photo_90x60.jpg", (90, 60)),
        (("photo.jpg", "--name", "{stem}{ext}"), "output/photo.jpg", (60, 40)),
        (("photo.jpg", "--tile", "8", "--overlap", "2", "--threads", "1"), "output/photo_x2.jpg", (60, 40)),
        (("./photo.jpg", "-s", "1.5"), "output/photo_x1.5.jpg", (45, 30)),
    ],
)
def test_options(here, arguments, target, size):
    assert call(*arguments, *FAST) == 0
    assert size_of(here / target) == size


def test_several_inputs(here, capfd):
    paint(here / "other.png")
    assert call("photo.jpg", "other.png", "-o", "big", *FAST) == 0
    out, err = capfd.readouterr()
    assert sorted(out.splitlines()) == ["big/other_x2.png", "big/photo_x2.jpg"]
    assert "[2/2] " in err
    assert "2 done in " in err


def test_one_named_picture_is_always_made(here, capfd):
    for _ in range(2):
        assert call("photo.jpg", *FAST) == 0
        assert capfd.readouterr().out == "output/photo_x2.jpg\n"


def test_a_file_with_the_name_of_a_command(here):
    paint(here / "train.png").rename(here / "train")
    assert call("./train", *FAST) == 0
    assert size_of(here / "output" / "train_x2.png") == (32, 24)


def test_a_name_that_begins_with_a_dash(here):
    paint(here / "-x.png")
    assert call(*FAST, "--", "-x.png") == 0
    assert (here / "output" / "-x_x2.png").exists()


def test_quiet_and_verbose(here, capfd):
    assert call("photo.jpg", "--quiet", *FAST) == 0
    assert capfd.readouterr() == ("", "")
    assert call("photo.jpg", "-v", *FAST) == 0
    assert re.search(r"photo\.jpg -> output/photo_x2\.jpg +30x20 -> 60x40 .* dB", capfd.readouterr().err)


def test_pipe_keeps_the_format_and_writes_nothing_else(here):
    data = (here / "photo.jpg").read_bytes()
    done = run("-", "-s", "4", *FAST, cwd=here, input=data)
    assert (done.code, done.err) == (0, "")
    picture = open_picture(done.out)
    assert (picture.format, picture.width, picture.height) == ("jpeg", 120, 80)
    asked = run("-", "-f", "png", *FAST, cwd=here, input=data)
    assert open_picture(asked.out).format == "png"
    assert [path.name for path in here.iterdir()] == ["photo.jpg"]


def test_pipe_to_file_and_file_to_pipe(here):
    run("-", "-o", "new.png", *FAST, cwd=here, input=(here / "photo.jpg").read_bytes())
    assert size_of(here / "new.png") == (60, 40)
    assert open_picture(run("photo.jpg", "-o", "-", *FAST, cwd=here).out).width == 60


def test_raw_video(here):
    frames = np.arange(3 * 4 * 6 * 3, dtype=np.uint8)
    done = run("--raw", "6x4", "-s", "2", *FAST, cwd=here, input=frames.tobytes())
    assert (done.code, len(done.out)) == (0, 4 * frames.size)
    assert "3 frames, 6x4 -> 12x8" in done.err
    cut = run("--raw", "6x4", *FAST, cwd=here, input=frames.tobytes() + b"x")
    assert (cut.code, len(cut.out)) == (1, 4 * frames.size)
    assert "frame 4 of the raw video has 1 of its 72 bytes" in cut.err


def test_one_picture_is_noted_in_a_journal_that_is_there(here):
    for name in "ab":
        paint(here / "in" / f"{name}.png", 10, 8)
    folder = ("in", "-o", "in", "-f", "bmp", *FAST)
    assert call(*folder) == 0
    made = (here / "in" / "a_x2.bmp").read_bytes()
    assert call("in/a.png", "-o", "in", "-f", "bmp", "-n", "nearest") == 0
    assert call("in/a.png", "-o", "in/other.png", *FAST) == 0
    assert (here / "in" / "a_x2.bmp").read_bytes() != made
    assert call(*folder) == 0
    assert (here / "in" / "a_x2.bmp").read_bytes() == made
    assert not list((here / "in").glob("other_x2*"))


def test_a_folder_with_folders_only(here, capfd):
    paint(here / "in" / "sub" / "a.png", 10, 8)
    assert call("in", "-o", "new", *FAST) == 0
    assert "there are no files to enlarge; -r looks into folders within folders" in capfd.readouterr().err
    assert call("in", "-o", "new", "-r", *FAST) == 0
    assert "there are no files" not in capfd.readouterr().err


def test_dry_run_changes_nothing(here, capfd):
    paint(here / "in" / "a.png", 10, 8)
    (here / "in" / "notes.txt").touch()
    (here / "in" / "bad.png").write_bytes(b"no picture")
    assert call("in", "-o", "new", "--dry-run", *FAST) == 3
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "in/a.png -> new/a_x2.png  10x8 -> 20x16"
    assert out[1] == "skip in/notes.txt: no picture"
    assert out[2].startswith("cannot do in/bad.png: ")
    assert out[3].startswith("1 to do, 1 to skip, 1 that cannot be done; 80 px -> 320 px")
    assert re.match(r"about .* s, .* of memory, .* of disk \(.* free\)", out[4])
    assert not (here / "new").exists()


@pytest.mark.parametrize(
    "arguments", [("gone.jpg",), ("photo.jpg", "--width", "9000"), ("photo.jpg",), ("in",)]
)
def test_a_dry_run_ends_as_the_run_would(here, arguments):
    (here / "in").mkdir()
    (here / "in" / "notes.txt").touch()
    (here / "in" / "bad.png").write_bytes(b"no picture")
    assert call(*arguments, "--dry-run", *FAST) == call(*arguments, *FAST)


def without_styles(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX systems")
class TestOnATerminal:
    def test_image_bytes_are_kept_from_it(self, here):
        code, seen = on_terminal("photo.jpg", "-o", "-", *FAST, cwd=here)
        assert code == 2
        assert "would go to the terminal" in seen
        code, seen = on_terminal("-", "-o", "x.png", *FAST, cwd=here)
        assert code == 2
        assert "nothing is piped in" in seen

    def test_table_of_totals(self, here):
        paint(here / "in" / "a.png", 100, 80)
        paint(here / "in" / "b.png", 100, 80)
        (here / "in" / "bad.png").write_bytes(b"no picture")
        code, seen = on_terminal("in", *FAST, cwd=here)
        assert code == 3
        assert re.search(r"done +2  16.0 kpx -> 64.0 kpx, .*B", without_styles(seen))
        assert re.search(r"failed +1", without_styles(seen))
        assert "output/a_x2" not in seen
        assert "\x1b[1;31merror: \x1b[0min/bad.png" in seen

    def test_no_color(self, here):
        code, seen = on_terminal("missing.jpg", cwd=here, NO_COLOR="1")
        assert code == 1
        assert "\x1b[1;31m" not in seen
        assert "\x1b[3" not in seen


def test_no_colour_and_no_bar_when_not_on_a_terminal(here):
    done = run("photo.jpg", "missing.jpg", *FAST, cwd=here)
    assert "\x1b" not in done.err
    assert "%" not in done.err


def test_version(capfd):
    assert call("--version") == 0
    assert capfd.readouterr() == (f"upscale {__version__}\n", "")


class TestHelp:
    @pytest.fixture
    def page(self, capfd, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        assert call("--help") == 0
        return capfd.readouterr().out

    def test_it_fits_eighty_columns(self, page):
        assert max(map(len, page.splitlines())) <= 80

    def test_it_names_every_option_and_command(self, page):
        for param in load("run").params:
            assert param.name == "inputs" or max(param.opts, key=len) in page
        for name in COMMANDS:
            assert name == "run" or re.search(rf"\b{name}\b", page)
        assert "upscale photo.jpg --scale 4" in page
        assert "Usage: upscale [OPTIONS] [INPUT]..." in page

    def test_nothing_asked_shows_it(self, page, capfd):
        assert call() == 2
        out, err = capfd.readouterr()
        assert "Examples" in out + err

    @pytest.mark.parametrize("name", COMMANDS)
    def test_of_each_command(self, name, capfd):
        assert call(name, "--help") == 0
        page = capfd.readouterr().out
        assert f"Usage: upscale {name}" in page
        assert "[[" not in page and "env var" not in page
        for param in load(name).params:
            assert max(param.opts, key=len) in page or param.param_type_name == "argument"


@pytest.mark.parametrize(
    ("words", "completed"), [("upscale mod", "models"), ("upscale photo.jpg --lossl", "--lossless")]
)
def test_shell_completion(here, words, completed):
    position = str(len(words.split()) - 1)
    env = environment(_UPSCALE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=position)
    assert run(cwd=here, env=env).lines == [completed]


def test_completion_script_is_offered(here):
    env = environment(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    done = run("--show-completion", "bash", cwd=here, env=env)
    assert "_UPSCALE_COMPLETE" in done.out.decode()
