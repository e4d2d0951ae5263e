import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from upscale_cli.batch.journal import NAME, Journal, NotedTargets, file_hash
from upscale_cli.errors import OutputError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A current folder with a source and the target that was made from it."""
    monkeypatch.chdir(tmp_path)
    Path("out/sub").mkdir(parents=True)
    Path("a\udcff\n.jpg").write_bytes(b"source")
    Path("out/sub/a.jpg").write_bytes(b"target")
    return tmp_path


SOURCE, TARGET = "a\udcff\n.jpg", "out/sub/a.jpg"


def note(journal, target=TARGET, settings="new", written=6):
    journal.record(SOURCE, target, settings, Path(SOURCE).stat(), file_hash(SOURCE), written)


def write_in_the_same_moment(data):
    """Write the source, its time kept."""
    before = Path(SOURCE).stat()
    Path(SOURCE).write_bytes(data)
    os.utime(SOURCE, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_is_noted_is_known_later(place):
    with Journal("out") as journal:
        assert not journal.finished(SOURCE, TARGET, "new")
        note(journal)
        assert journal.finished(SOURCE, TARGET, "new")
    with Journal(place / "out") as journal:
        assert journal.finished(SOURCE, TARGET, "new")
        assert not journal.finished(SOURCE, TARGET, "old")
        assert not journal.finished(SOURCE, "out/b.jpg", "new")
        assert NotedTargets("out").added() == [str(place / TARGET)]
        assert journal.has_target(os.path.realpath(TARGET))
        assert not journal.has_target(os.path.realpath("out/b.jpg"))
        assert journal.last_target(SOURCE) == str(place / TARGET)
        assert journal.last_target("b.jpg") is None


def test_the_last_note_counts(place):
    with Journal("out") as journal:
        note(journal, settings="old")
        note(journal)
    with Journal("out") as journal:
        assert journal.finished(SOURCE, TARGET, "new")
        assert not journal.finished(SOURCE, TARGET, "old")


@pytest.mark.parametrize(
    ("change", "still"),
    [
        (lambda: None, True),
        (lambda: os.utime(SOURCE, (1, 1)), True),
        (lambda: Path(SOURCE).write_bytes(b"other source"), False),
        (lambda: write_in_the_same_moment(b"other source"), False),
        (lambda: (Path(SOURCE).write_bytes(b"sourcE"), os.utime(SOURCE, (1, 1))), False),
        (lambda: Path(SOURCE).unlink(), False),
        (lambda: Path(TARGET).unlink(), False),
        (lambda: Path(TARGET).write_bytes(b"tar"), False),
    ],
)
def test_only_an_unchanged_source_and_a_whole_target_count(place, change, still):
    with Journal("out") as journal:
        note(journal)
        change()
        assert journal.finished(SOURCE, TARGET, "new") is still


def test_another_source_of_the_same_size_and_time_is_another_one(place):
    Path("b.jpg").write_bytes(b"SOURCE")
    for name in (SOURCE, "b.jpg"):
        os.utime(name, (1, 1))
    with Journal("out") as journal:
        note(journal)
        assert not journal.finished("b.jpg", TARGET, "new")


def test_noted_targets_are_read_on(place):
    noted = NotedTargets("out")
    assert noted.added() == []
    with Journal("out") as journal:
        for name in ("out/b.jpg", "out/c.jpg"):
            note(journal, name)
            assert noted.added() == [str(place / name)]
    assert noted.added() == []


def test_killed_at_any_byte(place):
    with Journal("out") as journal:
        note(journal)
        note(journal, "out/b.jpg")
    path = place / "out" / NAME
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        known = (length >= first - 1) + (length >= len(whole) - 1)  # a line may lack its end
        assert len(NotedTargets("out").added()) == known
        with Journal("out") as journal:
            note(journal, "out/c.jpg")
        noted = NotedTargets("out").added()
        assert len(noted) == known + 1
        assert str(place / "out/c.jpg") in noted


_FACTS = b'"source":"a","size":1,"mtime_ns":1,"sha256":"","settings":"","written":1}\n'


@pytest.mark.parametrize(
    "junk",
    [
        b"\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        b'{"target": 3}\n',
        b"null\n",
        b"\n\n",
        b"[" * 100_000 + b"\n",
        b'{"target":5,' + _FACTS,
        b'{"target":"a\\u0000/b",' + _FACTS,
    ],
)
def test_lines_that_are_no_entries_are_passed_over(place, junk):
    with Journal("out") as journal:
        note(journal)
    with (place / "out" / NAME).open("ab") as file:
        file.write(junk)
    with Journal("out") as journal:
        assert journal.finished(SOURCE, TARGET, "new")
        assert NotedTargets("out").added() == [str(place / TARGET)]


def test_lines_of_another_run_are_seen_after_a_refresh(place):
    with Journal("out") as mine, Journal("out") as theirs:
        note(theirs)
        assert not mine.finished(SOURCE, TARGET, "new")
        mine.refresh()
        assert mine.finished(SOURCE, TARGET, "new")


def test_it_is_json_lines(place):
    with Journal("out") as journal:
        note(journal)
    (line,) = (place / "out" / NAME).read_text("ascii").splitlines()
    assert json.loads(line)["target"] == "sub/a.jpg"


def test_claims_hold_between_processes_and_end_with_them(tmp_path):
    code = textwrap.dedent(
        """
        import sys
        from upscale_cli.batch.journal import Journal
        journal = Journal(sys.argv[1])
        print(journal.claim(sys.argv[1] + "/a"), flush=True)
        sys.stdin.read()
        """
    )
    with Journal(tmp_path) as journal:
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with other:
            assert other.stdout.readline() == "True\n"
            assert not journal.claim(str(tmp_path / "a"))
            assert journal.claim(str(tmp_path / "b"))
            other.kill()
        assert journal.claim(str(tmp_path / "a"))
        journal.release(str(tmp_path / "a"))


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX systems")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_without_locks_every_claim_is_granted(tmp_path, monkeypatch, number):
    def none(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("upscale_cli.batch.locks.fcntl.lockf", none)
    with Journal(tmp_path) as journal:
        assert journal.claim(str(tmp_path / "a"))
        journal.release(str(tmp_path / "a"))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written") as caught:
        Journal(tmp_path / "file")
    assert caught.value.hint


def test_file_hash_is_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_hash(tmp_path / "abc").startswith("ba7816bf8f01cfea")


class FullDisk:
    """A file on a disk that takes four more bytes."""

    def __init__(self, file):
        self.file, self.left = file, 4

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        count = self.file.write(data[: self.left])
        self.left -= count
        if not count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return count


def test_a_journal_that_cannot_grow_is_told_by_its_name(place):
    with Journal("out") as journal:
        note(journal)
        journal._file = FullDisk(journal._file)
        with pytest.raises(OutputError, match=f"{NAME}: cannot be written: No space left") as caught:
            note(journal, "out/b.jpg")
        assert caught.value.__cause__.errno == errno.ENOSPC
        os.utime(SOURCE)
        assert journal.finished(SOURCE, TARGET, "new")
    with Journal("out") as journal:
        assert journal.finished(SOURCE, TARGET, "new")
        assert not journal.finished(SOURCE, "out/b.jpg", "new")
