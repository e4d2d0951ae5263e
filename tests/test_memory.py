from upscale_cli import memory


def test_some_memory_is_free():
    assert 10**7 < memory.available_memory() < 10**14


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("300000000\n")
    (tmp_path / "memory.current").write_text("200000000\n")
    assert memory.available_memory() == 100_000_000
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 30000000\nactive_file 20000000\n")
    assert memory.available_memory() == 150_000_000


def test_no_limit_means_the_machine_s(tmp_path, monkeypatch):
    free = memory.available_memory()
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("200000000\n")
    assert memory.available_memory() >= 0.5 * free


def test_a_full_container_has_nothing_left(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("100")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("200")
    assert memory.available_memory() == 0
