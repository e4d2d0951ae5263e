"""Facts about this machine: how many CPUs this process may use, and what kind they are."""

from __future__ import annotations

import math
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_CPU_FACTS = Path("/proc/cpuinfo")

# numbers of cv2.checkHardwareSupport, for which OpenCV's Python package has no names
_AVX512, _AVX512_VNNI, _ARM_DOT_PRODUCT = 256, 23, 101


def available_cpus() -> int:
    """CPUs this process may use: the scheduler's affinity mask, capped by the CPU quota of a container or of
    a service (rounded up).
    """
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cpus = os.cpu_count() or 1
    quotas = [quota for folder in control_groups("cpu") if (quota := _quota(folder))]
    return max(1, min([cpus, *(math.ceil(quota) for quota in quotas)]))


def control_groups(controller: str) -> list[Path]:
    """Folders of the control groups that this process is in: version 2's nested ones, and version 1's of a
    ``controller``, ``cpu`` or ``memory``.

    In a container the outermost is the container's own; a service of the system lies deeper.
    """
    folders = [_CGROUP, _CGROUP / controller]
    with suppress(OSError):
        for line in _OWN_GROUPS.read_text().splitlines():
            if line.startswith("0::"):  # version 2
                deepest = Path(line[3:].strip("/"))
                folders += [_CGROUP / part for part in (deepest, *deepest.parents)]
    return folders


def _quota(folder: Path) -> float | None:
    """CPUs' worth of time that a control group grants; None = no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()  # version 2
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        limit = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # "max": no limit
        return None
    return limit if limit > 0 else None


def wide_registers() -> bool:
    """Whether a vector register holds 16 floats, as AVX-512's do."""
    return _has(_AVX512)


def quick_int8() -> bool:
    """Whether int8 networks are quicker than float ones on this CPU.

    They are with VNNI and ARM's dot product, which sum products of bytes in one step, and with AVX-512. With
    AVX2 alone LiteRT takes as long for int8 as for float, or half as long again.
    """
    return has_vnni() or _has(_AVX512) or _has(_ARM_DOT_PRODUCT)


def has_vnni() -> bool:
    """Whether this CPU, of Intel's kind, sums products of bytes in one step, exactly."""
    return _has(_AVX512_VNNI) or _avx_vnni()


def _has(feature: int) -> bool:
    import cv2

    return bool(cv2.checkHardwareSupport(feature))


@cache
def _avx_vnni() -> bool:
    """Whether there is VNNI for AVX2's registers, which OpenCV does not tell; False where Linux does not."""
    try:
        facts = _CPU_FACTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^flags\s*:.*\bavx_vnni\b", facts, re.MULTILINE) is not None
