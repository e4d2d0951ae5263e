"""Facts about this machine: how many CPUs this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cpus() -> int:
    """CPUs this process may use: the scheduler's affinity mask, capped by a container's CPU quota (rounded
    up).
    """
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cpus = os.cpu_count() or 1
    quota = _cpu_quota(_CGROUP)
    return max(1, min(cpus, math.ceil(quota)) if quota else cpus)


def _cpu_quota(root: Path) -> float | None:
    """CPUs' worth of time that control groups (version 2, else 1) grant to this process; None = no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (root / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        limit = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # "max": no limit
        return None
    return limit if limit > 0 else None
