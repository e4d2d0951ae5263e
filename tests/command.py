"""The installed command, run as a user or a script would run it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from upscale_cli.image_io import open_picture, write_picture

_INSTALLED = shutil.which("upscale", path=str(Path(sys.executable).parent))
COMMAND = [_INSTALLED] if _INSTALLED else [sys.executable, "-m", "upscale_cli"]


def environment(**variables):
    """This process's environment without options of ours, with ``variables``."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("UPSCALE_")}
    return {**plain, "XDG_CONFIG_HOME": "/nonexistent", **variables}


def start(*arguments, cwd, env=None, **more):
    """The command as a running process with pipes."""
    settings = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "preexec_fn": _usual_signals if os.name == "posix" else None,
        **more,
    }
    return subprocess.Popen([*COMMAND, *arguments], cwd=cwd, env=env or environment(), **settings)


def _usual_signals():
    """A shell's background jobs, such as a CI script, may have SIGINT ignored, `nohup`'s SIGHUP."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def run(*arguments, cwd, input=None, env=None):
    """The finished command: ``returncode``, and ``stdout`` and ``stderr`` as bytes."""
    process = start(
        *arguments, cwd=cwd, env=env, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL
    )
    try:
        process.stdout_bytes, process.stderr_bytes = process.communicate(input, timeout=60)
    finally:
        process.kill()
    return Finished(process.returncode, process.stdout_bytes, process.stderr_bytes)


class Finished:
    """What a command left behind."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err.decode("utf-8", "replace")

    @property
    def lines(self):
        """The lines on stdout, as text."""
        return os.fsdecode(self.out).splitlines()


def paint(path, width=16, height=12, *, seed=0):
    """Write a small smooth RGB picture; return its path."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [127 + 100 * np.sin(0.2 * x + 0.3 * y + seed + c) for c in range(3)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, [np.stack(waves, axis=2).astype(np.uint8)])
    return path


def size_of(path):
    """(width, height) of a picture file, all of it decoded."""
    pixels = open_picture(path).pixels()
    return pixels.shape[1], pixels.shape[0]
