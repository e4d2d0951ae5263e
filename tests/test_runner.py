import errno
import os
import threading
import time
from pathlib import Path

import pytest

from tests.command import paint, size_of
from upscale_cli.atomic import cannot_write
from upscale_cli.batch import runner as module
from upscale_cli.batch.destination import Destination
from upscale_cli.batch.events import DiskFull, Failed, Finished, Progress, Skip, Start
from upscale_cli.batch.journal import Journal, file_hash
from upscale_cli.batch.plan import Planner
from upscale_cli.batch.runner import Batch
from upscale_cli.batch.sources import Selection, find_sources
from upscale_cli.pipeline import Settings, Upscaler


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        paint(f"in/{number}.png", 10 + number, 8, seed=number)
    return tmp_path


@pytest.fixture
def upscaler():
    return Upscaler(Settings(model="bicubic", threads=2))


def jobs_of(upscaler, journal=None):
    sources = find_sources(["in"], Selection(recursive=True), leave_out="out")
    return Planner(upscaler, Destination("out"), journal).plan(sources).jobs


def run(jobs, upscaler, journal=None, **more):
    with Batch(jobs, upscaler, journal, hashes=True, **more) as batch:
        return list(batch)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_every_job_is_done_once(folder, upscaler):
    jobs = jobs_of(upscaler)
    events = run(jobs, upscaler)
    assert sorted(event.job.source for event in of(Finished, events)) == [job.source for job in jobs]
    assert len(of(Start, events)) == len(events) - len(of(Progress, events)) - 6 == 6
    for event in of(Finished, events):
        assert size_of(event.job.target) == event.job.size == event.done.size
        assert event.bytes == Path(event.job.target).stat().st_size
        assert event.sha256 == file_hash(event.job.target)
    assert len(list(Path("out").iterdir())) == 6


def test_no_jobs_no_events(upscaler):
    assert run([], upscaler) == []


def test_journal_lets_the_next_run_go_on(folder, upscaler):
    with Journal("out") as journal:
        run(jobs_of(upscaler, journal)[:4], upscaler, journal)
        left = jobs_of(upscaler, journal)
        assert [job.source for job in left] == ["in/4.png", "in/5.png"]
        assert len(of(Finished, run(left, upscaler, journal))) == 2
        assert jobs_of(upscaler, journal) == []


def test_what_another_run_finished_meanwhile_is_skipped(folder, upscaler):
    with Journal("out") as mine, Journal("out") as theirs:
        jobs = jobs_of(upscaler, mine)
        run(jobs_of(upscaler, theirs), upscaler, theirs)
        events = run(jobs, upscaler, mine)
    assert [event.reason for event in events] == ["finished"] * 6
    assert len(of(Skip, events)) == 6


def test_forced_jobs_are_not_skipped(folder, upscaler):
    with Journal("out") as journal:
        jobs = jobs_of(upscaler, journal)
        run(jobs, upscaler, journal)
        assert len(of(Finished, run(jobs, upscaler, journal, force=True))) == 6


def test_one_bad_file_does_not_stop_the_rest(folder, upscaler):
    jobs = jobs_of(upscaler)
    data = Path("in/2.png").read_bytes()
    Path("in/2.png").write_bytes(data[:60])
    Path("in/3.png").unlink()
    events = run(jobs, upscaler)
    assert sorted((event.source, event.error.code) for event in of(Failed, events)) == [
        ("in/2.png", "damaged"),
        ("in/3.png", "missing"),
    ]
    assert len(of(Finished, events)) == 4
    assert len(list(Path("out").iterdir())) == 4


def test_a_bug_is_not_hidden_and_does_not_stop_the_rest_either(folder, upscaler, monkeypatch):
    work = module.upscale_file

    def faulty(source, *arguments, **more):
        return {}["x"] if source == "in/2.png" else work(source, *arguments, **more)

    monkeypatch.setattr(module, "upscale_file", faulty)
    events = run(jobs_of(upscaler), upscaler)
    [failed] = of(Failed, events)
    assert str(failed.error) == "in/2.png: unexpected KeyError: 'x'"
    assert isinstance(failed.error.__cause__, KeyError)
    assert len(of(Finished, events)) == 5


def test_an_input_that_changed_after_the_plan_is_done_as_it_is(folder, upscaler):
    with Journal("out") as journal:
        jobs = jobs_of(upscaler, journal)
        paint("in/0.png", 30, 20)
        run(jobs, upscaler, journal)
        assert size_of("out/0_x2.png") == (60, 40)
        assert jobs_of(upscaler, journal) == []


def test_an_input_that_changes_during_the_work_is_not_finished(folder, upscaler, monkeypatch):
    paint("in/a.ppm")
    work = module.upscale_file

    def slow(source, *arguments, **more):
        done = work(source, *arguments, **more)
        if source == "in/a.ppm":
            paint(source, seed=1)  # as many bytes as before
            os.utime(source, (1, 1))
        return done

    monkeypatch.setattr(module, "upscale_file", slow)
    with Journal("out") as journal:
        run(jobs_of(upscaler, journal), upscaler, journal)
        assert [job.source for job in jobs_of(upscaler, journal)] == ["in/a.ppm"]


def test_every_claim_is_given_up(folder, upscaler, monkeypatch):
    with Journal("out") as journal:
        jobs, released = jobs_of(upscaler, journal), []
        Path("in/2.png").unlink()
        monkeypatch.setattr(journal, "release", released.append)
        run(jobs, upscaler, journal)
    assert sorted(released) == sorted(job.target for job in jobs)


def test_progress_counts_no_pixel_twice(folder, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    upscaler = Upscaler(Settings(model="bicubic", threads=1, tile=4))
    events = of(Progress, run(jobs_of(upscaler), upscaler))
    jobs = {event.job for event in events}
    assert len(events) > len(jobs) == 6
    for job in jobs:
        assert sum(event.pixels for event in events if event.job == job) <= job.pixels


def test_a_disk_too_full_for_the_journal_ends_the_run(folder, upscaler, monkeypatch):
    def full(*facts):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal("out") as journal:
        jobs = jobs_of(upscaler, journal)
        monkeypatch.setattr(journal, "_append", full)
        events = run(jobs, upscaler, journal)
    assert {failed.error.code for failed in of(Failed, events)} == {"output"}
    assert of(DiskFull, events)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run(folder, monkeypatch, number):
    upscaler = Upscaler(Settings(model="bicubic", threads=1))

    def full(source, target, *_, **__):
        error = OSError(number, os.strerror(number))
        raise cannot_write(Path(target), error) from error

    monkeypatch.setattr(module, "upscale_file", full)
    events = run(jobs_of(upscaler), upscaler)
    assert [type(event) for event in events] == [Start, Failed, DiskFull]
    assert events[2].left == 5
    assert os.strerror(number) in str(events[1].error)
    assert events[1].error.hint


def test_running_out_of_memory_is_a_failure_of_that_picture(folder, upscaler, monkeypatch):
    work = module.upscale_file

    def greedy(source, *arguments, **more):
        if source.endswith("1.png"):
            raise MemoryError
        return work(source, *arguments, **more)

    monkeypatch.setattr(module, "upscale_file", greedy)
    events = run(jobs_of(upscaler), upscaler)
    assert [event.source for event in of(Failed, events)] == ["in/1.png"]
    assert len(of(Finished, events)) == 5


def test_leaving_early_stops_the_workers_and_leaves_no_half_file(folder, upscaler, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    slow = module.upscale_file

    def steps(source, target, upscaler, *, on_tile, threads):
        for _ in range(1000):
            time.sleep(0.01)
            on_tile(1)
        return slow(source, target, upscaler, on_tile=on_tile, threads=threads)

    monkeypatch.setattr(module, "upscale_file", steps)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Batch(jobs_of(upscaler), upscaler) as batch:
        for event in batch:
            if isinstance(event, Progress):
                raise KeyboardInterrupt
    assert time.monotonic() - started < 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("picture-")]
    assert not Path("out").exists()


@pytest.mark.parametrize(("threads", "together"), [(0, 4), (1, 1), (2, 2), (5, 5)])
def test_a_picture_more_than_cpus_unless_told(threads, together, folder, monkeypatch):
    monkeypatch.setattr(module, "available_cpus", lambda: 3)
    upscaler = Upscaler(Settings(model="bicubic", threads=threads))
    batch = Batch(jobs_of(upscaler), upscaler)
    assert len(batch._workers) == together


def test_many_pictures_keep_within_the_budget(folder, monkeypatch):
    monkeypatch.setattr(module, "job_memory", lambda job: 10)
    upscaler = Upscaler(Settings(model="bicubic", threads=4, memory=10**9))
    at_work, most, guard = [0], [0], threading.Lock()
    work = module.upscale_file

    def watched(*arguments, **more):
        with guard:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.01)
        done = work(*arguments, **more)
        with guard:
            at_work[0] -= 1
        return done

    monkeypatch.setattr(module, "upscale_file", watched)
    for total, together in ((20, 2), (5, 1), (40, 4)):
        most[0] = 0
        batch = Batch(jobs_of(upscaler), upscaler)
        batch._budget.total = total
        with batch:
            assert len(of(Finished, batch)) == 6
        assert most[0] <= together


def test_leftovers_of_a_killed_run_are_removed(folder, upscaler):
    from upscale_cli.atomic import new_temporary

    paint("in/sub/a.png")
    Path("out/sub").mkdir(parents=True)
    theirs = []
    for target in ("out/0_x2.png", "out/sub/a_x2.png"):
        handle, mine = new_temporary(Path(target), ".part")
        os.close(handle)
        theirs.append(Path(mine.replace(f"-{os.getpid()}-", "-99999999-")))
        Path(mine).rename(theirs[-1])
    handle, alive = new_temporary(Path("out/0_x2.png"), ".raw")
    os.close(handle)
    run(jobs_of(upscaler), upscaler)
    assert [path.exists() for path in theirs] == [False, False]
    assert Path(alive).exists()
