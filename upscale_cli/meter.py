"""Measure whole processes with their memory, and several things in turn, so that none is favoured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

from upscale_cli.errors import UpscaleError

Key = TypeVar("Key", bound=Hashable)

# The kernel counts what a process used before `exec` as its own, so a large parent would spoil the peak: a
# small process in between starts the one to be measured and waits for it.
_LAUNCHER = """
import json, os, subprocess, sys, threading, time

anonymous = None

def watch(pid):
    global anonymous
    while True:
        with open(f"/proc/{pid}/status") as lines:
            for line in lines:
                if line.startswith("RssAnon:"):
                    anonymous = max(anonymous or 0, 1024 * int(line.split()[1]))
        time.sleep(0.02)

start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
if sys.platform == "linux":
    threading.excepthook = lambda args: None  # the file is gone when the child is
    threading.Thread(target=watch, args=(child.pid,), daemon=True).start()
if hasattr(os, "wait4"):
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    figures = used.ru_utime + used.ru_stime, used.ru_maxrss * unit
else:
    child.wait()
    figures = None, None
print(json.dumps([child.returncode, time.perf_counter() - start, *figures, anonymous]))
"""


@dataclass(frozen=True)
class Process:
    """What a process took."""

    seconds: float
    cpu_seconds: float | None
    """Of all its threads and children; None where the system does not tell (Windows)."""
    peak: int | None
    """Largest resident memory in bytes; None where the system does not tell."""
    anonymous: int | None = None
    """Largest resident memory that is no file's, in bytes, seen every 20 ms; None but on Linux."""


def run_process(command: Sequence[str]) -> Process:
    """Run ``command`` to its end and measure it. Its output is thrown away; UpscaleError if it fails."""
    launched = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command], capture_output=True, text=True, check=False
    )
    if launched.returncode:
        raise UpscaleError(f"{command[0]}: cannot be started", hint=launched.stderr.strip()[-500:])
    code, *figures = json.loads(launched.stdout)
    if code:
        raise UpscaleError(
            f"{' '.join(command)}: failed with code {code}", hint=launched.stderr.strip()[-500:]
        )
    return Process(*figures)


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call of ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(
    tasks: Mapping[Key, Callable[[], float]], rounds: int, *, on_task: Callable[[], None] | None = None
) -> dict[Key, float]:
    """Call each task once a round and give the median of what each returned.

    Tasks take turns, so that whatever else slows the machine for a while slows them alike.
    """
    found: dict[Key, list[float]] = {key: [] for key in tasks}
    for _ in range(rounds):
        for key, task in tasks.items():
            found[key].append(task())
            if on_task:
                on_task()
    return {key: median(values) for key, values in found.items()}


def race(
    commands: Mapping[Key, Sequence[str]], rounds: int, *, on_task: Callable[[], None] | None = None
) -> dict[Key, Process]:
    """Run whole processes in turn: medians of their times, and the most memory that each ever took."""
    runs: dict[Key, list[Process]] = {key: [] for key in commands}

    def task(key: Key) -> float:
        runs[key].append(run_process(commands[key]))
        return runs[key][-1].seconds

    seconds = alternate({key: partial(task, key) for key in commands}, rounds, on_task=on_task)
    return {key: _together(seconds[key], runs[key]) for key in commands}


def _together(seconds: float, runs: Sequence[Process]) -> Process:
    cpu = [run.cpu_seconds for run in runs if run.cpu_seconds is not None]
    return Process(
        seconds,
        median(cpu) if cpu else None,
        max((run.peak for run in runs if run.peak is not None), default=None),
        max((run.anonymous for run in runs if run.anonymous is not None), default=None),
    )
