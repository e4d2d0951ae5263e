"""Measuring: memory and time of other processes, and turns that are fair."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from upscale_cli.errors import UpscaleError
from upscale_cli.meter import alternate, race, run_process, timed

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


@posix
def test_the_peak_is_the_child_s_own() -> None:
    ballast = np.ones(200_000_000, np.uint8)  # memory of this process, which must not count
    small = run_process(python("pass"))
    large = run_process(python("x = bytearray(100_000_000); x[::4096] = x[::4096]"))
    assert ballast[-1] == 1
    assert small.peak is not None and large.peak is not None
    assert small.peak < 60_000_000
    assert 95_000_000 < large.peak - small.peak < 130_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_memory_of_files_is_told_from_the_process_s_own(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(100_000_000))
    read = (
        f"import mmap; f = open({str(file)!r}); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); m[::4096]"
    )
    own = "x = bytearray(100_000_000); x[::4096] = x[::4096]"
    mapped, made = (run_process(python(f"{code}; import time; time.sleep(0.2)")) for code in (read, own))
    assert mapped.peak is not None and mapped.peak > 100_000_000
    assert mapped.anonymous is not None and mapped.anonymous < 60_000_000
    assert made.anonymous is not None and 100_000_000 < made.anonymous < 160_000_000


@posix
def test_cpu_time_is_told_from_waiting() -> None:
    waiting = run_process(python("import time; time.sleep(0.4)"))
    assert waiting.seconds > 0.4
    assert waiting.cpu_seconds is not None and waiting.cpu_seconds < 0.3
    working = run_process(python("import time\nwhile time.process_time() < 0.4: pass"))
    assert working.cpu_seconds is not None and working.cpu_seconds >= 0.4


def test_failures_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UpscaleError, match="failed with code 3") as caught:
        run_process(python("import sys; print('out'); print('why', file=sys.stderr); sys.exit(3)"))
    assert caught.value.hint == "why"
    with pytest.raises(UpscaleError, match="no-such-program: cannot be started"):
        run_process(["no-such-program"])
    assert capfd.readouterr() == ("", "")


def test_tasks_take_turns_and_medians_are_kept() -> None:
    order: list[str] = []
    values = {"a": iter([5.0, 1.0, 3.0]), "b": iter([10.0, 30.0, 20.0])}

    def task(name: str) -> float:
        order.append(name)
        return next(values[name])

    count: list[int] = []
    found = alternate({"a": lambda: task("a"), "b": lambda: task("b")}, 3, on_task=lambda: count.append(1))
    assert found == {"a": 3.0, "b": 20.0}
    assert "".join(order) == "ababab"
    assert len(count) == 6


def test_timed() -> None:
    assert 0.05 < timed(lambda: time.sleep(0.06)) < 1


def test_processes_take_turns(tmp_path: Path) -> None:
    log, count = tmp_path / "log", []
    commands = {name: python(f"open({str(log)!r}, 'a').write({name!r})") for name in "ab"}
    found = race(commands, 3, on_task=lambda: count.append(1))
    assert log.read_text() == "ababab"
    assert len(count) == 6
    assert all(0 < run.seconds < 30 and (run.peak or 1) > 0 for run in found.values())
