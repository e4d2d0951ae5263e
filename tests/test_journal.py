import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from upscale_cli.errors import OutputError
from upscale_cli.journal import NAME, Entry, Journal, file_hash

ENTRY = Entry(
    target="sub/a_x2.jpg",
    source="/in/sub/a\udcff\n.jpg",
    size=1234,
    mtime_ns=1_700_000_000_123_456_789,
    sha256="ab" * 32,
    settings="0123456789abcdef",
    written=4321,
    width=20,
    height=10,
)


def test_entries_come_back(tmp_path):
    with Journal(tmp_path / "new") as journal:
        journal.add(ENTRY)
        assert journal.find(ENTRY.target) == ENTRY
    with Journal(tmp_path / "new") as journal:
        assert journal.find(ENTRY.target) == ENTRY
        assert journal.find("other") is None
        assert journal.targets() == {ENTRY.target}


def test_the_last_entry_counts(tmp_path):
    with Journal(tmp_path) as journal:
        journal.add(ENTRY)
        journal.add(replace(ENTRY, settings="new"))
    with Journal(tmp_path) as journal:
        assert journal.find(ENTRY.target).settings == "new"


def test_killed_at_any_byte(tmp_path):
    with Journal(tmp_path) as journal:
        journal.add(ENTRY)
        journal.add(replace(ENTRY, target="b"))
    whole = (tmp_path / NAME).read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(len(whole) + 1):
        (tmp_path / NAME).write_bytes(whole[:length])
        with Journal(tmp_path) as journal:
            known = (length >= first) + (length >= len(whole))
            assert len(journal.targets()) == known
            journal.add(replace(ENTRY, target="c"))
        with Journal(tmp_path) as journal:
            # A line that lacks nothing but its end is whole once the next one begins on its own.
            assert "c" in journal.targets()
            assert len(journal.targets()) >= known + 1


@pytest.mark.parametrize("junk", [b"\xff\xfe\n", b"[]\n", b"{}\n", b'{"target": 3}\n', b"null\n", b"\n\n"])
def test_lines_that_are_no_entries_are_passed_over(tmp_path, junk):
    with Journal(tmp_path) as journal:
        journal.add(ENTRY)
    with (tmp_path / NAME).open("ab") as file:
        file.write(junk)
    with Journal(tmp_path) as journal:
        assert journal.find(ENTRY.target) == ENTRY


def test_lines_of_another_run_are_seen_after_a_refresh(tmp_path):
    with Journal(tmp_path) as mine, Journal(tmp_path) as theirs:
        theirs.add(ENTRY)
        assert mine.find(ENTRY.target) is None
        mine.refresh()
        assert mine.find(ENTRY.target) == ENTRY


def test_it_is_json_lines(tmp_path):
    with Journal(tmp_path) as journal:
        journal.add(ENTRY)
    (line,) = (tmp_path / NAME).read_text("ascii").splitlines()
    assert json.loads(line)["target"] == "sub/a_x2.jpg"


def test_claims_hold_between_processes_and_end_with_them(tmp_path):
    code = textwrap.dedent(
        """
        import sys
        from upscale_cli.journal import Journal
        journal = Journal(sys.argv[1])
        print(journal.claim("a"), flush=True)
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
            assert not journal.claim("a")
            assert journal.claim("b")
            other.kill()
        assert journal.claim("a")
        journal.release("a")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written") as caught:
        Journal(tmp_path / "file")
    assert caught.value.hint


def test_file_hash_is_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_hash(tmp_path / "abc").startswith("ba7816bf8f01cfea")
