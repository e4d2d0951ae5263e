"""How much memory this process may still take."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from upscale_cli.machine import control_groups

_SHARE = 0.6


def fair_share() -> int:
    """Return the bytes that a run takes when nobody says how many."""
    return int(available_memory() * _SHARE)


def available_memory() -> int:
    """Return the bytes that can be taken without swapping, limits of a container or of a service included."""
    free = [_unclaimed_in_machine()]
    for group in control_groups("memory"):
        for limit, usage in (
            ("memory.max", "memory.current"),  # version 2
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),  # version 1
        ):
            with suppress(OSError, ValueError):  # no such control group, or no limit ("max")
                used = int((group / usage).read_text()) - _cached(group)
                free.append(int((group / limit).read_text()) - used)
    return max(0, min(free))


def _cached(group: Path) -> int:
    """Return the bytes in use that are file contents, which the system gives up when asked."""
    with suppress(OSError, ValueError):
        facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(facts.get("inactive_file", 0)) + int(facts.get("active_file", 0))
    return 0


def _unclaimed_in_machine() -> int:
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with suppress(AttributeError, OSError, ValueError):  # macOS has no /proc; Windows has no sysconf
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * 10**9
