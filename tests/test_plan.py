import os
from pathlib import Path

import numpy as np
import pytest

from tests.command import paint
from tests.conftest import draw
from upscale_cli.batch import plan as module
from upscale_cli.batch.destination import Destination, extension
from upscale_cli.batch.journal import Journal, file_hash
from upscale_cli.batch.naming import NameTemplate
from upscale_cli.batch.plan import Planner
from upscale_cli.batch.sources import Selection, Source, find_sources
from upscale_cli.errors import MissingInputError, TargetError
from upscale_cli.image_io.encode import SaveOptions, write_picture
from upscale_cli.pipeline import Settings, Upscaler


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paint("in/a.png", 10, 8)
    paint("in/sub/b.jpg", 6, 4)
    Path("in/notes.txt").write_text("no picture")
    return tmp_path


def plan(*inputs, journal=None, destination=None, force=False, **settings):
    upscaler = Upscaler(Settings(model="bicubic", **settings))
    destination = destination or Destination("out")
    sources = find_sources(inputs or ["in"], Selection(recursive=True), leave_out=destination.folder)
    return Planner(upscaler, destination, journal, force=force).plan(sources)


def pretend_done(job, journal, settings=None):
    """Make the target and record it, as a run would."""
    Path(job.target).parent.mkdir(parents=True, exist_ok=True)
    Path(job.target).write_bytes(b"result")
    fingerprint = Upscaler(settings or Settings(model="bicubic")).fingerprint
    stat = Path(job.source).stat()
    journal.record(job.source, job.target, fingerprint, stat, file_hash(job.source), 6)


def test_tree_is_kept_and_what_is_no_picture_left_out(folder):
    found = plan()
    assert [(j.source, j.target, j.source_size, j.size) for j in found.jobs] == [
        ("in/a.png", "out/a_x2.png", (10, 8), (20, 16)),
        ("in/sub/b.jpg", "out/sub/b_x2.jpg", (6, 4), (12, 8)),
    ]
    assert [(s.source, s.reason) for s in found.skipped] == [("in/notes.txt", "not-an-image")]
    assert not found.failed
    assert not Path("out").exists()


def test_a_file_that_is_named_must_be_a_picture(folder):
    (failed,) = plan("in/notes.txt").failed
    assert failed.error.code == "not-an-image"


@pytest.mark.parametrize("name", ["in/c.jpeg", "in/C.JPG"])
@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_file_that_is_called_a_picture_must_be_one(folder, content, name):
    Path(name).write_bytes(content)
    assert [failed.source for failed in plan().failed] == [name]


def test_what_cannot_be_read_does_not_stop_the_rest(folder):
    found = plan("in", "gone.png")
    assert len(found.jobs) == 2
    assert isinstance(found.failed[0].error, MissingInputError)


def test_one_target_for_two_sources_is_refused(folder):
    paint("in/a.jpg")
    with pytest.raises(TargetError, match=r"a\.jpg and .*a\.png would both become") as caught:
        plan(save=SaveOptions(format="png"))
    assert caught.value.hint
    assert len(plan().jobs) == 3


def test_the_target_of_what_is_finished_is_taken(folder):
    png = SaveOptions(format="png")
    with Journal("out") as journal:
        pretend_done(plan("in/a.png", save=png).jobs[0], journal, Settings(model="bicubic", save=png))
        paint("in/a.jpg")
        with pytest.raises(TargetError, match="would both become"):
            plan(journal=journal, save=png)


def test_same_names_from_two_folders_are_refused(folder):
    paint("other/a.png")
    with pytest.raises(TargetError):
        plan("in/a.png", "other/a.png")


def test_a_target_that_is_a_source_is_refused(folder):
    paint("in/a_x2.png")
    with pytest.raises(TargetError, match="is an input"):
        plan(destination=Destination("in"))
    with pytest.raises(TargetError, match="is an input"):
        plan("in/a.png", destination=Destination("in", NameTemplate("{stem}{ext}")))


@pytest.mark.skipif(os.name == "nt", reason="links to folders take a privilege there")
def test_a_target_that_is_a_source_by_another_path_is_refused(folder):
    Path("link").symlink_to("in")
    Path("out").mkdir()
    Path("out/far.png").symlink_to("../in/a.png")
    same = NameTemplate("{stem}{ext}")
    for to in (
        Destination("link", same),
        Destination("out/../in", same),
        Destination("link", file="link/a.png"),
    ):
        with pytest.raises(TargetError, match="is an input"):
            plan("in/a.png", destination=to)
    with pytest.raises(TargetError, match="is an input"):
        plan("link/a.png", destination=Destination("in", same))
    with pytest.raises(TargetError, match="is an input"):
        plan("out/far.png", destination=Destination("in", file="in/a.png"))
    assert plan("in/a.png", destination=Destination("out", file="out/far.png")).jobs  # replaces the link


@pytest.mark.parametrize("later", ["in", "out", "in/sub"])
def test_own_results_are_no_sources_wherever_they_lie(folder, later):
    with Journal("in") as journal:
        for job in plan(journal=journal, destination=Destination("in")).jobs:
            pretend_done(job, journal)
    with Journal(later) as journal:
        assert not [
            job for job in plan(journal=journal, destination=Destination(later)).jobs if "x2" in job.source
        ]


@pytest.mark.skipif(os.name == "nt", reason="links to folders take a privilege there")
def test_own_results_are_no_sources_by_another_path(folder):
    Path("link").symlink_to("in")
    with Journal("link") as journal:
        for job in plan(journal=journal, destination=Destination("link")).jobs:
            pretend_done(job, journal)
        found = plan("link/../link", journal=journal, destination=Destination("in"))
    assert [skip.reason for skip in found.skipped].count("own-output") == 2


def test_a_link_to_a_result_is_no_source(folder):
    with Journal("out") as journal:
        job = plan(journal=journal).jobs[0]
        pretend_done(job, journal)
        Path("in/best.png").symlink_to(Path(job.target).absolute())
        found = plan(journal=journal)
    assert [job.source for job in found.jobs] == ["in/sub/b.jpg"]
    assert ("in/best.png", "own-output") in [(skip.source, skip.reason) for skip in found.skipped]


def test_a_result_that_is_named_is_a_source(folder):
    with Journal("out") as journal:
        job = plan(journal=journal).jobs[0]
        pretend_done(job, journal)
        paint(job.target)
        assert [again.source for again in plan(job.target, journal=journal).jobs] == [job.target]


def test_a_bug_that_one_picture_brings_out_does_not_stop_the_rest(folder, monkeypatch):
    work = module.open_picture

    def faulty(path, **more):
        return {}["x"] if path == "in/a.png" else work(path, **more)

    monkeypatch.setattr(module, "open_picture", faulty)
    found = plan()
    assert [str(failed.error) for failed in found.failed] == ["in/a.png: unexpected KeyError: 'x'"]
    assert [job.source for job in found.jobs] == ["in/sub/b.jpg"]


def test_finished_in_the_folder_of_the_sources(folder):
    with Journal("in") as journal:
        for job in plan(journal=journal, destination=Destination("in")).jobs:
            pretend_done(job, journal)
        found = plan(journal=journal, destination=Destination("in"))
    assert not found.jobs
    assert sorted(s.reason for s in found.skipped) == [
        "finished", "finished", "not-an-image", "own-output", "own-output",
    ]  # fmt: skip


@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_what_another_run_made_after_it_was_found_is_no_source(folder, scale):
    paint("in/a_x2.png")
    sources = list(find_sources(["in"], Selection(recursive=True)))
    upscaler = Upscaler(Settings(model="bicubic", scale=scale))
    with Journal("in") as journal, Journal("in") as other:
        planner = Planner(upscaler, Destination("in"), journal)
        pretend_done(plan("in/a.png", destination=Destination("in")).jobs[0], other)
        found = planner.plan(sources)
    assert [job.source for job in found.jobs] == ["in/a.png", "in/sub/b.jpg"]
    assert [skip.source for skip in found.skipped if skip.reason == "own-output"] == ["in/a_x2.png"]


class TestFinished:
    """A target is skipped when it was made from this input with these settings, and is still there."""

    @pytest.fixture(autouse=True)
    def done(self, folder):
        with Journal("out") as self.journal:
            for job in plan(journal=self.journal).jobs:
                pretend_done(job, self.journal)
            yield

    def left(self, **settings):
        return [job.source for job in plan(journal=self.journal, **settings).jobs]

    def test_nothing_is_left(self):
        assert self.left() == []

    def test_force(self):
        assert len(self.left(force=True)) == 2

    def test_changed_input(self):
        paint("in/a.png", 11, 8)
        assert self.left() == ["in/a.png"]

    def test_changed_input_of_the_same_size(self):
        data = Path("in/a.png").read_bytes()
        paint("in/a.png", 10, 8, seed=1)
        other = Path("in/a.png").read_bytes()
        Path("in/a.png").write_bytes(other[: len(data)].ljust(len(data), b"\0"))
        assert self.left() == ["in/a.png"]

    def test_touched_input_is_the_same_input(self):
        os.utime("in/a.png", (1, 1))
        assert self.left() == []

    def test_moved_input_is_the_same_input(self, folder):
        Path("in").rename("moved")
        assert [job.source for job in plan("moved", journal=self.journal).jobs] == []

    def test_changed_settings(self):
        assert len(self.left(save=SaveOptions(quality=50))) == 2

    def test_threads_are_no_change(self):
        assert self.left(threads=1) == []

    def test_deleted_target(self):
        Path("out/a_x2.png").unlink()
        assert self.left() == ["in/a.png"]

    def test_cut_target(self):
        Path("out/sub/b_x2.jpg").write_bytes(b"res")
        assert self.left() == ["in/sub/b.jpg"]

    def test_no_header_is_read_for_what_is_finished(self, monkeypatch):
        opened = []
        open_picture = module.open_picture
        monkeypatch.setattr(
            module, "open_picture", lambda path, **k: opened.append(path) or open_picture(path, **k)
        )
        paint("in/a.png", 11, 8)
        assert self.left() == ["in/a.png"]
        assert opened == ["in/a.png", "in/notes.txt"]

    def test_other_names_are_other_targets(self):
        there = Destination("out", NameTemplate("{stem}{ext}"))
        assert len(plan(journal=self.journal, destination=there).jobs) == 2
        deeper = plan("in/sub", journal=self.journal).jobs
        assert [job.target for job in deeper] == ["out/b_x2.jpg"]


@pytest.mark.parametrize(
    ("source", "format", "wanted", "result"),
    [
        ("a.jpg", "jpeg", "", ".jpg"),
        ("a.JPG", "jpeg", "", ".JPG"),
        ("a.jfif", "jpeg", "", ".jfif"),
        ("a.png", "jpeg", "", ".jpg"),
        ("a", "webp", "", ".webp"),
        ("a.tmp", "tiff", "", ".tif"),
        ("a.jpg", "jpeg", "png", ".png"),
        ("a.jpg", "jpeg", ".TIFF", ".tiff"),
        ("a.jpg", "jpeg", "pnm", ".pnm"),
    ],
)
def test_extensions_tell_the_truth(source, format, wanted, result):
    assert extension(source, format, wanted) == result


@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 3), (np.uint16, 6), (np.float32, 12)])
def test_a_job_tells_the_bytes_of_a_pixel(tmp_path, dtype, depth):
    write_picture(tmp_path / "a.tif", [draw(8, 9, 3, dtype)])
    assert [job.depth for job in plan(str(tmp_path / "a.tif")).jobs] == [depth]


def test_names_of_sizes(folder):
    (job,) = plan("in/a.png", long_side=40).jobs
    assert job.target == "out/a_40x32.png"


def test_later_plans_mind_earlier_targets(folder):
    planner = Planner(
        Upscaler(Settings(model="bicubic", save=SaveOptions(format="png"))), Destination("out"), None
    )
    planner.plan([Source("in/a.png")])
    paint("in/a.jpg")
    with pytest.raises(TargetError):
        planner.plan([Source("in/a.jpg")])
    assert planner.plan([Source("in/a.png")]).jobs


class TestLenient:
    """Of plans that go on, as a watch needs them: who cannot have its target fails alone."""

    @pytest.fixture(autouse=True)
    def planner(self, folder):
        self.upscaler = Upscaler(Settings(model="bicubic", save=SaveOptions(format="png")))
        self.planner_into("out")

    def planner_into(self, place):
        self.planner = Planner(self.upscaler, Destination(place), None, lenient=True)

    def plan(self, *names):
        found = self.planner.plan([Source(name) for name in names])
        assert all(isinstance(failed.error, TargetError) for failed in found.failed)
        return [job.source for job in found.jobs], [failed.source for failed in found.failed]

    def test_two_sources_with_one_target(self):
        paint("in/a.jpg")
        assert self.plan("in/a.png", "in/a.jpg", "in/sub/b.jpg") == (
            ["in/a.png", "in/sub/b.jpg"],
            ["in/a.jpg"],
        )
        assert self.plan("in/a.jpg") == ([], ["in/a.jpg"])
        Path("in/a.png").unlink()
        assert self.plan("in/a.jpg") == (["in/a.jpg"], [])

    def test_a_target_that_is_a_source(self):
        self.planner_into("in")
        paint("in/a_x2.png")
        assert self.plan("in/a.png", "in/a_x2.png") == (["in/a_x2.png"], ["in/a.png"])
        paint("in/new.png")
        assert self.plan("in/new.png") == (["in/new.png"], [])
        Path("in/a_x2.png").unlink()
        assert self.plan("in/a.png") == (["in/a.png"], [])
        paint("in/a_x2.png")
        assert self.plan("in/a.png") == (["in/a.png"], [])
        assert self.plan("in/a_x2.png", "in/a.png") == ([], ["in/a_x2.png", "in/a.png"])
        Path("in/a.png").unlink()
        assert self.plan("in/a_x2.png") == (["in/a_x2.png"], [])
