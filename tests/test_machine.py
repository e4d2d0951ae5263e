"""CPUs this process may use."""

import os

import cv2
import pytest

from upscale_cli import machine
from upscale_cli.machine import available_cpus, has_vnni, quick_int8, wide_registers


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    """A folder in the place of the control groups, and eight CPUs to schedule on."""
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    return tmp_path


def test_affinity_without_a_quota(cgroup):
    assert available_cpus() == 8


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("9900000 100000", 8),
    ],
)
def test_version_2_quota(cgroup, text, cpus):
    (cgroup / "cpu.max").write_text(text + "\n")
    assert available_cpus() == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 8), ("300000", 3)])
def test_version_1_quota(cgroup, quota, cpus):
    (cgroup / "cpu").mkdir()
    (cgroup / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (cgroup / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert available_cpus() == cpus


@pytest.mark.parametrize(("slice_quota", "service_quota", "cpus"), [("max", 3, 3), (2, 3, 2), (5, "max", 5)])
def test_quota_of_a_service_and_of_what_it_is_in(cgroup, slice_quota, service_quota, cpus):
    (cgroup / "own").write_text("3:cpuset:/\n0::/system.slice/web.service\n")
    service = cgroup / "system.slice" / "web.service"
    service.mkdir(parents=True)
    for folder, quota in ((service.parent, slice_quota), (service, service_quota)):
        text = quota if quota == "max" else quota * 100_000
        (folder / "cpu.max").write_text(f"{text} 100000\n")
    assert available_cpus() == cpus


def test_a_malformed_list_of_groups_is_no_limit(cgroup):
    (cgroup / "own").write_text("what is this\n")
    assert available_cpus() == 8


def test_systems_without_affinity(cgroup, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert available_cpus() == 5


@pytest.mark.parametrize(
    ("features", "flags", "wide", "int8", "vnni"),
    [
        ({"AVX512-SKX", "AVX512VNNI", "AVX2"}, "avx2 avx512f avx512_vnni", True, True, True),
        ({"AVX512-SKX", "AVX2"}, "avx2 avx512f", True, True, False),
        ({"AVX2"}, "avx2 avx_vnni sha_ni", False, True, True),
        ({"AVX2"}, "avx2 sha_ni", False, False, False),
        ({"NEON_DOTPROD"}, None, False, True, False),
        (set(), None, False, False, False),
    ],
)
def test_what_the_cpu_is_quick_with(features, flags, wide, int8, vnni, tmp_path, monkeypatch):
    facts = tmp_path / "cpuinfo"
    if flags is not None:
        facts.write_text(
            f"processor\t: 0\nmodel name\t: avx_vnni in name only\nflags\t\t: fpu {flags}\nbugs\t: none\n"
        )
    monkeypatch.setattr(machine, "_CPU_FACTS", facts)
    monkeypatch.setattr(machine, "_avx_vnni", machine._avx_vnni.__wrapped__)  # without what it remembers
    monkeypatch.setattr(
        cv2, "checkHardwareSupport", lambda number: cv2.getHardwareFeatureName(number) in features
    )
    assert (wide_registers(), quick_int8(), has_vnni()) == (wide, int8, vnni)
