"""Standard streams that are closed or full, in processes of their own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.command import COMMAND, environment, paint, size_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells and devices of POSIX systems")


@pytest.fixture
def here(tmp_path):
    paint(tmp_path / "a.png", 10, 8)
    paint(tmp_path / "b.png", 10, 8)
    (tmp_path / "frame").write_bytes(bytes(4 * 2 * 3))
    return tmp_path


def call(*arguments, streams, cwd, **variables):
    """Run the command with redirections as a shell knows them, and with ``variables``."""
    line = ["sh", "-c", f'"$@" {streams}', "sh", *COMMAND, *arguments]
    env = environment(UPSCALE_MODEL="bicubic", **variables)
    return subprocess.run(line, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["-"], "a.png"),
        (["a.png", "-o", "-"], "/dev/null"),
        (["a.png", "b.png", "-o", "o"], "/dev/null"),
        (["a.png", "b.png", "-o", "o", "--json"], "/dev/null"),
        (["a.png", "--dry-run"], "/dev/null"),
        (["--raw", "4x2"], "frame"),
        (["--help"], "/dev/null"),
    ],
)
def test_a_full_output_is_told(here, arguments, stdin):
    done = call(*arguments, streams=f"< {stdin} > /dev/full", cwd=here)
    assert done.returncode == 1
    first, second, *_ = done.stderr[done.stderr.index("error: ") :].splitlines()
    assert first == "error: standard output: cannot be written: No space left on device"
    assert second.startswith("hint: free some space")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_like_the_null_device(here, streams):
    done = call("a.png", "-o", "new.png", streams=streams, cwd=here)
    assert done.returncode == 0
    assert "error" not in done.stderr
    assert size_of(here / "new.png") == (20, 16)
    assert call("--help", streams=streams, cwd=here).returncode == 0


def test_a_closed_input_is_empty(here):
    done = call("-", streams="<&-", cwd=here)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: stdin: the file is empty")


def test_a_closed_output_takes_a_picture(here):
    assert call("-", streams="< a.png >&-", cwd=here).returncode == 0


def test_a_name_that_the_output_s_encoding_lacks_is_escaped(here):
    paint(here / "\u65e5.png", 10, 8)
    done = call("\u65e5.png", "--dry-run", streams="", cwd=here, PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("\\u65e5.png -> output/\\u65e5_x2.png")
