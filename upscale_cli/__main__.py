"""``python -m upscale_cli`` and the console script ``upscale``."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line and end the process with its exit code."""
    code: object = 0
    _end_as_with_ctrl_c()
    # numpy's threads for matrices of a size that never occurs would wait at full speed beside the real work
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from upscale_cli.streams import make_ready

        make_ready()
        from upscale_cli.cli import main as run

        run()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:  # while modules were loaded
        code = 130
    # All files are in place. Taking the interpreter apart piece by piece would last longer than a small
    # picture does, only to give back memory that the system takes anyway.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # it cannot be written any more: that has been reported
            stream.flush()
    os._exit(code if isinstance(code, int) else 0)


def _end_as_with_ctrl_c() -> None:
    """Clean up, too, when a scheduler ends this process or its terminal closes; not where that is ignored."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has not both
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    main()
