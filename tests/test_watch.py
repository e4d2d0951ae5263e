from itertools import islice
from pathlib import Path

from upscale_cli.batch.events import Failed
from upscale_cli.batch.sources import Source
from upscale_cli.batch.watch import settled
from upscale_cli.errors import InputError


class World:
    """Files and a clock: each sleep takes a second and runs the next step of a script."""

    def __init__(self, folder, *script):
        self.folder, self.script, self.time = folder, list(script), 0.0

    def sleep(self, _):
        self.time += 1
        if self.script:
            self.script.pop(0)()

    def find(self):
        return [Source(str(path)) for path in sorted(self.folder.iterdir())]

    def lists(self, count):
        watched = settled(self.find, settle=2, clock=lambda: self.time, sleep=self.sleep)
        return [[Path(source.path).name for source in found] for found in islice(watched, count)]


def nothing():
    pass


def test_files_come_once_they_stood_still(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    world = World(tmp_path, lambda: (tmp_path / "a").write_bytes(b"12"), nothing, nothing, nothing)
    assert world.lists(1) == [["a"]]
    assert world.time == 3


def test_growing_files_wait(tmp_path):
    grow = [lambda n=n: (tmp_path / "b").write_bytes(b"x" * n) for n in range(6)]
    (tmp_path / "a").write_bytes(b"1")
    world = World(tmp_path, *grow)
    assert world.lists(2) == [["a"], ["b"]]
    assert world.time >= 8


def test_each_state_comes_once(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    world = World(tmp_path, *[nothing] * 6, lambda: (tmp_path / "a").write_bytes(b"new"))
    assert world.lists(2) == [["a"], ["a"]]
    assert world.time == 9


def test_vanished_files_and_errors_are_no_trouble(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    world = World(tmp_path, lambda: (tmp_path / "b").unlink())
    plain = world.find
    world.find = lambda: [
        *plain(),
        Failed("c", InputError("c: cannot be listed")),
        Source(str(tmp_path / "gone")),
    ]
    assert world.lists(1) == [["a"]]
