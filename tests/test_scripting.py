"""What docs/scripting.md promises, through the installed command: one-liners, events, kills, pipes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.command import COMMAND, environment, paint, run, size_of, start
from upscale_cli import pipeline
from upscale_cli.batch.journal import NAME
from upscale_cli.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "scripting.md").read_text("utf-8")
FAST = ("-n", "bicubic")


def block(title):
    return re.search(rf"## {title}\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def photos(tmp_path):
    paint(tmp_path / "photo.jpg", 30, 20)
    for number, name in enumerate(("a.jpg", "b.jpg", "sub/c.png")):
        paint(tmp_path / "photos" / name, 24, 18, seed=number)
    (tmp_path / "picked").mkdir()
    return tmp_path


@pytest.fixture
def many(tmp_path):
    """Forty pictures, enough to be interrupted in."""
    for number in range(40):
        paint(tmp_path / "in" / f"{number:02}.png", 60, 40, seed=number)
    return tmp_path


def journal(folder):
    lines = (folder / NAME).read_text().splitlines()
    return [json.loads(line)["target"] for line in lines if line]


def whole(folder, count):
    """Check that there are so many results, all readable, and nothing else."""
    files = sorted(path.name for path in folder.iterdir())
    assert files == sorted([NAME, *(f"{number:02}_x2.png" for number in range(count))])
    assert {size_of(path) for path in folder.glob("*.png")} == {(120, 80)}


def test_the_ten_one_liners_work(photos):
    lines = block("Ten one-liners").splitlines()
    assert len(lines) == 10
    folder = Path(COMMAND[0]).parent
    env = environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", UPSCALE_MODEL="bicubic")
    script = "set -eo pipefail\n" + "\n".join(f"{line}\necho '== {n}'" for n, line in enumerate(lines))
    done = subprocess.run(["bash", "-c", script], cwd=photos, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    said = re.split(r"== \d\n", done.stdout)
    assert size_of(photos / "big.png") == (60, 40)
    assert size_of(photos / "big.jpg") == (120, 80)
    assert size_of(photos / "big.webp") == (60, 40)
    assert size_of(photos / "big" / "sub" / "c_x2.png") == (48, 36)
    assert sorted(p.name for p in (photos / "listed" / "photos").iterdir()) == ["a_x2.jpg", "b_x2.jpg"]
    assert [p.name for p in (photos / "picked").iterdir()] == ["b_x2.jpg"]
    assert sorted(p.name for p in (photos / "web").rglob("*.webp")) == ["a-60.webp", "b-60.webp", "c-60.webp"]
    assert "3 to skip" in said[7]
    assert said[8].strip() == "3"
    assert said[9].strip() == str(2 * 13824 * 2)


def test_events_are_as_documented(photos):
    (photos / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (photos / "photos" / "notes.txt").write_text("no picture")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    runs = [run("photos", "-r", "-o", "big", "--json", *FAST, cwd=photos) for _ in range(2)]
    events = [json.loads(line) for done in runs for line in done.lines]
    dry = run("photos", "-r", "-o", "big", "--json", "--dry-run", *FAST, cwd=photos)
    events += [json.loads(line) for line in dry.lines]
    assert [done.code for done in runs] == [3, 3]
    assert {event["event"] for event in events} == set(rows)
    for event in events:
        assert event.pop("version") == 1
        text = rows[event.pop("event")]
        if "as `start`" in text:
            text += rows["start"]
        assert set(event) <= set(re.findall(r"`(\w+)`", text)), event
    first = [json.loads(line) for line in runs[0].lines]
    kinds = [event["event"] for event in first]
    assert (kinds[0], kinds[-1]) == ("plan", "summary")
    assert first[0]["files"] == first[-1]["done"] == 3
    done = {event["source"]: event for event in first if event["event"] == "done"}
    assert done["photos/sub/c.png"]["target"] == "big/sub/c_x2.png"
    assert done["photos/a.jpg"]["size"] == [48, 36]
    assert len(done["photos/a.jpg"]["sha256"]) == 64
    dry_plan = json.loads(dry.lines[0])
    assert set(first[0]) < set(dry_plan)
    assert dry_plan["settings"] == first[0]["settings"]
    last = [event for event in first if event["event"] == "progress"][-1]
    assert last["all_pixels"] == last["all_total"] == first[0]["pixels"]
    failed = [event for event in first if event["event"] == "failed"]
    assert [(event["source"], event["code"]) for event in failed] == [("photos/broken.png", "damaged")]
    assert first[-1]["exit_code"] == 3
    again = [json.loads(line) for line in runs[1].lines]
    assert sorted(e["reason"] for e in again if e["event"] == "skip") == [*["finished"] * 3, "not-an-image"]


def test_a_pipe_into_a_file_has_the_events_of_one_file(photos):
    data = (photos / "photo.jpg").read_bytes()
    arguments = ("--json", *FAST)
    file = [json.loads(line) for line in run("photo.jpg", "-o", "f.jpg", *arguments, cwd=photos).lines]
    done = run("-", "-o", "p.jpg", *arguments, cwd=photos, input=data)
    pipe = [json.loads(line) for line in done.lines]
    assert done.code == 0
    assert [(event["event"], set(event)) for event in pipe] == [
        (event["event"], set(event)) for event in file
    ]
    assert [event["event"] for event in pipe] == ["plan", "start", "progress", "done", "summary"]
    assert (pipe[3]["source"], pipe[3]["target"]) == ("stdin", "p.jpg")
    assert pipe[3]["sha256"] == file[3]["sha256"]
    bad = run("-", "-o", "q.jpg", *arguments, cwd=photos, input=data[:-20])
    events = [json.loads(line) for line in bad.lines]
    assert [event["event"] for event in events] == ["plan", "start", "failed", "summary"]
    assert (events[2]["source"], events[2]["code"], bad.code) == ("stdin", "damaged", 1)
    assert "error: stdin: " in bad.err
    nothing = run("-", "-o", "q.jpg", *arguments, cwd=photos, input=b"no picture")
    assert [json.loads(line)["event"] for line in nothing.lines] == ["plan", "failed", "summary"]
    assert (nothing.code, (photos / "q.jpg").exists()) == (1, False)


def test_an_interrupted_pipe_has_a_summary(photos, monkeypatch, capfd):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "check_request", interrupted)
    monkeypatch.chdir(photos)
    with (photos / "photo.jpg").open() as stream, pytest.raises(SystemExit) as caught:
        monkeypatch.setattr(sys, "stdin", stream)
        main(["-", "-o", "p.jpg", "--json", *FAST])
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["plan", "start", "summary"]
    assert (events[2]["interrupted"], events[2]["exit_code"], caught.value.code) == (True, 130, 130)


def test_a_pipe_leaves_the_file_that_it_reads(photos):
    file = photos / "photo.jpg"
    before = file.read_bytes()
    with file.open("rb") as stream:
        process = start("-", "-o", "photos/../photo.jpg", *FAST, cwd=photos, stdin=stream)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, file.read_bytes()) == (2, before)
    assert b"photo.jpg: is the input and would be overwritten" in err


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (["-n", "nonesuch"], "unknown-model"),
        (["-q", "0"], "usage"),
        (["-s", "2", "--width", "50"], "scale"),
        (["--width", "wide"], "usage"),
        (["--nonesuch"], "usage"),
    ],
)
def test_a_wrong_request_is_an_event_too(photos, wrong, code):
    done = run("photos", "--json", *wrong, cwd=photos)
    assert done.code == 2
    event = json.loads(done.out)
    assert (event["event"], event["source"], event["code"]) == ("failed", None, code)
    assert event["message"] in done.err
    assert event["hint"] in done.err


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX systems")
def test_killed_at_any_moment_every_target_ends_whole_and_none_is_done_twice(many):
    for wanted in (1, 5, 12):
        process = start("in", "-o", "out", *FAST, cwd=many)
        for _ in range(wanted):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = run("in", "-o", "out", *FAST, cwd=many)
    assert done.code == 0, done.err
    assert 0 < len(done.lines) < 40 - 12
    whole(many / "out", 40)
    assert len(journal(many / "out")) == len(set(journal(many / "out"))) == 40


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX systems")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_and_other_ends_stop_soon_and_leave_what_is_finished(number, many):
    process = start("in", "-o", "out", *FAST, cwd=many)
    process.stdout.readline()
    asked = time.monotonic()
    process.send_signal(getattr(signal, number))
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - asked < 3
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert b"run the same command to go on" in err
    finished = len(journal(many / "out"))
    assert 1 <= finished < 40
    whole_names = {path.name for path in (many / "out").glob("*.png")}
    assert whole_names == set(journal(many / "out"))
    assert not list((many / "out").glob(".*.part"))
    again = run("in", "-o", "out", *FAST, cwd=many)
    assert (again.code, len(again.lines)) == (0, 40 - finished)
    whole(many / "out", 40)


@pytest.mark.skipif(os.name == "nt", reason="signals are of POSIX systems")
def test_a_signal_that_is_ignored_stays_so(many):
    """As `nohup` has it: the terminal may close, the run goes on."""
    ignoring = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    process = start("in", "-o", "out", *FAST, cwd=many, preexec_fn=ignoring)
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0
    whole(many / "out", 40)


def test_two_runs_at_once_share_the_work(many):
    runs = [start("in", "-o", "out", *FAST, cwd=many) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in runs]
    assert [process.returncode for process in runs] == [0, 0], outputs
    paths = [line for out, _ in outputs for line in out.splitlines()]
    assert len(paths) == len(set(paths)) == 40
    whole(many / "out", 40)
    assert sorted(journal(many / "out")) == sorted(f"{n:02}_x2.png" for n in range(40))


def test_a_closed_pipe_is_quiet(many):
    process = start("in", "-o", "out", *FAST, cwd=many)
    process.stdout.readline()
    process.stdout.close()
    with process:
        err = process.stderr.read().decode()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    picture = start("in/00.png", "-o", "-", "-s", "8", *FAST, cwd=many)
    picture.stdout.close()
    with picture:
        assert picture.stderr.read() == b""
    assert picture.returncode == 1


def test_a_full_disk_is_told_and_leaves_nothing_half_written(many):
    disk = many / "disk"
    disk.mkdir()
    if not shutil.which("mount") or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True
    ).returncode:  # fmt: skip
        pytest.skip("only the superuser can make a small disk; tests/test_batch.py fills one by pretending")
    try:
        done = run("in", "-o", "disk/out", "-f", "bmp", "--json", *FAST, cwd=many)
        results = list((disk / "out").glob("*.bmp"))
        assert {size_of(path) for path in results} == {(120, 80)}
        assert sorted(path.name for path in results) == sorted(journal(disk / "out"))
        assert not [path for path in (disk / "out").iterdir() if path.suffix in (".part", ".raw")]
    finally:
        subprocess.run(["umount", disk], check=True)
    assert done.code == 3
    summary = json.loads(done.lines[-1])
    assert summary["done"] == len(results) >= 1
    assert summary["done"] + summary["failed"] + summary["left"] == 40
    assert summary["left"] >= 30
    assert "No space left" in done.err
    assert "the disk is full" in done.err
    assert "hint: " in done.err


def test_watching_takes_new_files_and_ends_with_ctrl_c(many):
    for path in list((many / "in").iterdir())[2:]:
        path.unlink()
    process = start("in", "-o", "out", "--watch", *FAST, cwd=many)
    try:
        first = {process.stdout.readline() for _ in range(2)}
        paint(many / "in" / "new.png", 60, 40)
        assert process.stdout.readline() == b"out/new_x2.png\n"
        assert len(first) == 2
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_watching_reads_a_list_once_and_minds_no_collision(photos):
    paint(photos / "photos" / "a.png", 24, 18)
    arguments = ("photos", "--files-from", "-", "--watch", "-f", "png", "-o", "out", *FAST)
    process = start(*arguments, cwd=photos, stdin=subprocess.PIPE)
    try:
        process.stdin.write(b"photo.jpg\n")
        process.stdin.close()
        process.stdin = None
        made = sorted(process.stdout.readline() for _ in range(3))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert made == [b"out/a_x2.png\n", b"out/b_x2.png\n", b"out/photo_x2.png\n"]
    assert b"photos/a.jpg and photos/a.png would both become" in err


def test_odd_names_and_odd_folders(tmp_path):
    folder = tmp_path / "in"
    names = [
        "a b.png",
        "new\nline.png",
        "-dash.png",
        "{stem}.png",
        "[red]x[/red].png",
        "é日本.png",
        "n" * 246 + ".png",
    ]
    for name in names:
        paint(folder / name)
    if sys.platform == "linux":
        shutil.copy(folder / "a b.png", os.fsencode(folder) + b"/b\xff\xfe.png")
    (folder / "x.png").mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.png").symlink_to("nowhere.png")
    done = run("in", "-r", "-o", "out", "-0", *FAST, cwd=tmp_path)
    assert done.code == 0, done.err
    paths = [os.fsdecode(path) for path in done.out.split(b"\0") if path]
    assert len(paths) == len(names) + (sys.platform == "linux")
    assert {size_of(tmp_path / path) for path in paths} == {(32, 24)}
    assert "out/new\nline_x2.png" in paths
    assert "new\\nline.png" in done.err
    again = run("in", "-r", "-o", "out", *FAST, cwd=tmp_path)
    assert (again.code, again.out) == (0, b"")
    dashed = run("-o", "dashed", *FAST, "--", "-dash.png", cwd=folder)
    assert dashed.lines == ["dashed/-dash_x2.png"]


def test_thousands_of_mixed_files(tmp_path):
    folder = tmp_path / "in"
    picture = paint(tmp_path / "p.png", 4, 3).read_bytes()
    for number in range(900):
        path = folder / f"{number % 30}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = number % 3
        suffix, data = ((".png", picture), (".txt", b"notes"), (".jpg", b"no picture"))[kind]
        path.with_suffix(suffix).write_bytes(data)
    done = run("in", "-r", "-o", "out", "--json", *FAST, cwd=tmp_path)
    assert done.code == 3
    summary = json.loads(done.lines[-1])
    assert (summary["done"], summary["skipped"], summary["failed"]) == (300, 300, 300)
    assert sum(1 for _ in (tmp_path / "out").rglob("*_x2.png")) == 300
