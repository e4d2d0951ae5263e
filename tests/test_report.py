"""What a run says, from events: counts, exit codes, lines, bar, JSON."""

import io
import json
import os
import sys
import time

import pytest

from upscale_cli.batch.events import DiskFull, Failed, Finished, Job, Progress, Skip, Start
from upscale_cli.batch.plan import Plan
from upscale_cli.cli.bar import BarReport
from upscale_cli.cli.jsonlines import JsonReport
from upscale_cli.cli.report import LineReport, Report
from upscale_cli.errors import DamagedImageError, UsageError
from upscale_cli.pipeline import Done


def job(number, name="{}.png"):
    source = name.format(number)
    return Job(source, f"out/{number}_x2.png", (100, 50), (200, 100), 1, 3, 1000, 10**8)


def finished(job, **more):
    facts = {"frames": 1, "model": "bicubic", "seconds": 0.5, "consistency": 40.0, **more}
    return Finished(job, Done(job.source, job.target, job.source_size, job.size, **facts), 2000, "ab" * 32)


def failed(number=9, error=DamagedImageError):
    return Failed(f"{number}.png", error(f"{number}.png: broken", hint="mend it"))


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([], 0),
        ([finished(job(1))], 0),
        ([Skip("a", "finished")], 0),
        ([finished(job(1)), failed()], 3),
        ([Skip("a", "finished"), failed()], 3),
        ([Skip("a", "not-an-image"), Skip("b", "own-output"), failed()], 1),
        ([failed()], 1),
        ([failed(1), failed(2)], 1),
        ([failed(error=UsageError)], 2),
        ([finished(job(1)), DiskFull(3)], 3),
        ([failed(), DiskFull(3)], 1),
    ],
)
def test_exit_codes_tell_the_truth(events, code):
    report = Report()
    for event in events:
        report.event(event)
    assert report.exit_code == code
    report.interrupted = True
    assert report.exit_code == 130


def test_lines_for_logs_and_paths_for_scripts(capfdbinary):
    report = LineReport()
    report.plan(Plan([job(1), job(2), job(3)], [Skip("notes.txt", "not-an-image")], []), {})
    report.event(finished(job(1), warnings=("transparency is lost",)))
    report.event(failed(2))
    report.event(finished(job(3)))
    report.finish()
    out, err = capfdbinary.readouterr()
    assert out == b"out/1_x2.png\nout/3_x2.png\n"
    assert err.decode().splitlines()[:4] == [
        "[1/3] 1.png -> out/1_x2.png  100x50 -> 200x100  0.50 s",
        "warning: transparency is lost",
        "failed: 2.png: broken",
        "[3/3] 3.png -> out/3_x2.png  100x50 -> 200x100  0.50 s",
    ]
    assert err.decode().splitlines()[4].startswith("2 done, 1 skipped (1 no picture), 1 failed in ")
    assert err.decode().splitlines()[5:] == ["error: 2.png: broken", "hint: mend it"]


def test_different_hints_stay_with_their_errors(capfd):
    report = Report()
    report.event(failed(1))
    report.event(Failed("2.png", DamagedImageError("2.png: gone", hint="look")))
    report.finish()
    assert capfd.readouterr().err.splitlines() == [
        "error: 1.png: broken",
        "hint: mend it",
        "error: 2.png: gone",
        "hint: look",
    ]


class Terminal(io.StringIO):
    """A stream that says it is a terminal 100 columns wide."""

    encoding = "utf-8"

    def isatty(self):
        return True

    def fileno(self):
        return 2


@pytest.mark.parametrize("columns", [0, 100])
def test_bar_moves_by_pixels_over_the_whole_run(monkeypatch, columns):
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
    monkeypatch.setattr(sys, "stderr", Terminal())
    report = BarReport()
    long = job(1, "a-very-long-name-of-a-picture-{}.png")
    report.plan(Plan([long, job(2)], [], [failed()]), {})
    report.event(Start(long))
    time.sleep(0.35)
    report.event(Progress(long, 2500))
    time.sleep(0.15)
    report.event(finished(long))
    report.event(finished(job(2)))
    assert report._bar.n == report._bar.total == 10_000
    report.finish()
    seen = sys.stderr.getvalue()
    assert "a-very-long-nam…re-1.png  25% |" in seen
    assert "left, 1 failed" in seen
    assert "10.0 kpx -> 40.0 kpx, 4.0 kB" in seen
    assert "->" not in seen.partition("done")[0]


def test_json_numbers_are_json(capfd):
    report = JsonReport("settings")
    report.plan(Plan([job(1)], [], []), {"files": 1})
    report.event(Start(job(1)))
    report.event(Progress(job(1), 100))
    report.event(finished(job(1), consistency=float("inf")))
    report.event(failed())
    report.finish()
    events = [json.loads(line, parse_constant=pytest.fail) for line in capfd.readouterr().out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["plan", "start", "progress", "progress", "done", "failed", "summary"]
    assert [event["pixels"] for event in events[2:4]] == [100, 5000]
    assert events[4]["consistency_db"] is None
    assert events[6]["exit_code"] == 3


def test_a_run_that_only_skips_says_so(capfd):
    report = LineReport()
    report.plan(Plan([], [Skip("a.png", "finished")], []), {})
    report.finish()
    assert "0 done, 1 skipped" in capfd.readouterr().err
