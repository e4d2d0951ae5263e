"""Files appear whole or not at all."""

import errno
import os
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from upscale_cli import atomic as module
from upscale_cli.atomic import atomic, needs_room, new_temporary, sweep
from upscale_cli.errors import OutputError

needs_no_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)


def test_appears_with_its_folder_and_ordinary_permissions(tmp_path):
    target = tmp_path / "new" / "deep" / "x.png"
    with atomic(target) as temporary:
        temporary.write_bytes(b"data")
        assert temporary.parent == target.parent
        assert temporary.suffix == ".part"
        assert not target.exists()
    assert target.read_bytes() == b"data"
    assert [path.name for path in target.parent.iterdir()] == ["x.png"]
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_nothing_after_a_failure_and_the_old_file_as_it_was(tmp_path, error):
    target = tmp_path / "x.png"
    target.write_bytes(b"old")
    with pytest.raises(type(error)), atomic(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_two_writers_never_share_a_temporary_file(tmp_path):
    names, gate = [], threading.Barrier(4)

    def write(number):
        with atomic(tmp_path / "x.png") as temporary:
            names.append(temporary)
            gate.wait(10)
            temporary.write_bytes(b"%d" % number * 1000)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 4
    assert len(set((tmp_path / "x.png").read_bytes())) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_threads_leave_the_mask_of_permissions_as_it_was(tmp_path, monkeypatch):
    mask, gate = [0o077], threading.Barrier(4)

    def umask(new):
        mask.append(new)
        time.sleep(0.01)
        return mask[-2]

    def write(number):
        gate.wait(10)
        with atomic(tmp_path / f"{number}.png"):
            pass

    monkeypatch.setattr(os, "umask", umask)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mask[-1] == 0o077
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_file_system_that_takes_no_permissions(tmp_path, monkeypatch):
    def refused(path, mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "chmod", refused)
    with atomic(tmp_path / "x.png") as temporary:
        temporary.write_bytes(b"data")
    assert (tmp_path / "x.png").read_bytes() == b"data"


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "x.png").mkdir()
    with (
        pytest.raises(OutputError, match=r"x.png: cannot be written: Is a directory") as info,
        atomic(tmp_path / "x.png"),
    ):
        pass
    assert "--output" in info.value.hint


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="cannot be written") as info, atomic(tmp_path / "out" / "x.png"):
        pass
    assert "a part of the path is a file" in info.value.hint


def test_a_name_that_is_too_long(tmp_path):
    with (
        pytest.raises(OutputError, match="File name too long") as info,
        atomic(tmp_path / ("x" * 300 + ".png")) as path,
    ):
        path.touch()
    assert "shorter" in info.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path):
    target = tmp_path / ("x" * 251 + ".png")
    with atomic(target) as temporary:
        temporary.touch()
    assert list(tmp_path.iterdir()) == [target]


@needs_no_root
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied") as info, atomic(tmp_path / "x.png"):
        pass
    assert "permissions" in info.value.hint


def test_a_disk_without_room(tmp_path):
    with pytest.raises(OutputError, match=r"needs 1000000.0 GB on the disk, and [0-9.]+ GB are free") as info:
        needs_room(tmp_path / "x.png", 10**15)
    assert "free some space" in info.value.hint
    needs_room(tmp_path / "x.png", 1)


@pytest.mark.parametrize("suffix", [".part", ".raw", ".page"])
def test_what_a_killed_process_left_is_swept(tmp_path, suffix, monkeypatch):
    handle, name = new_temporary(tmp_path / "x.tif", ".part")
    os.close(handle)
    Path(name).rename(Path(name).with_suffix(suffix))
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(module, "_alive", lambda process: False)
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unknown_machine():
    """Let this machine's name be worked out anew, before the test and after it."""
    module._machine.cache_clear()
    yield
    module._machine.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="containers of Linux")
def test_files_of_another_container_of_the_same_host_name_are_left(tmp_path, unknown_machine, monkeypatch):
    monkeypatch.setattr(module, "_alive", lambda process: False)
    with monkeypatch.context() as there:
        there.setattr(os, "readlink", lambda path: "pid:[1]")
        os.close(new_temporary(tmp_path / "x.png", ".part")[0])
    module._machine.cache_clear()
    os.close(new_temporary(tmp_path / "y.png", ".part")[0])
    sweep(tmp_path)
    assert [path.name[:3] for path in tmp_path.iterdir()] == [".x-"]


@pytest.mark.skipif(sys.platform == "win32", reason="no process is asked there")
def test_files_of_another_user_who_is_still_at_work_are_left(tmp_path, monkeypatch):
    def denied(process, signal):
        raise PermissionError

    os.close(new_temporary(tmp_path / "x.png", ".part")[0])
    monkeypatch.setattr(os, "kill", denied)
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
