import pytest

from upscale_cli import machine, memory


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    """A folder in the place of the control groups."""
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_GROUPS", tmp_path / "own")
    return tmp_path


def test_some_memory_is_free():
    assert 10**7 < memory.available_memory() < 10**14


def test_a_container_s_limit_counts(cgroup):
    (cgroup / "memory.max").write_text("300000000\n")
    (cgroup / "memory.current").write_text("200000000\n")
    assert memory.available_memory() == 100_000_000
    (cgroup / "memory.stat").write_text("anon 1\ninactive_file 30000000\nactive_file 20000000\n")
    assert memory.available_memory() == 150_000_000


def test_no_limit_means_the_machine_s(cgroup):
    free = memory.available_memory()
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("200000000\n")
    assert memory.available_memory() >= 0.5 * free


def test_a_full_container_has_nothing_left(cgroup):
    (cgroup / "memory").mkdir()
    (cgroup / "memory" / "memory.limit_in_bytes").write_text("100")
    (cgroup / "memory" / "memory.usage_in_bytes").write_text("200")
    assert memory.available_memory() == 0


@pytest.mark.parametrize(("slice_limit", "service_limit"), [("max", 300), (300, "max"), (300, 900)])
def test_the_limit_of_a_service_and_of_what_it_is_in(cgroup, slice_limit, service_limit):
    (cgroup / "own").write_text("0::/system.slice/web.service\n")
    service = cgroup / "system.slice" / "web.service"
    service.mkdir(parents=True)
    for folder, limit in ((service.parent, slice_limit), (service, service_limit)):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("200\n")
    assert memory.available_memory() == 100
