"""The benchmark scripts start, and those that need nobody else's weights run to their table."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if path.name != "common.py")


def run(script: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", ["resizers.py", "superres.py", "realesrgan.py", "quality_speed.py"])
def test_help(script: str) -> None:
    assert "--rounds" in run(script, "--help")


def test_the_readme_names_them_all() -> None:
    listed = (FOLDER / "README.md").read_text("utf-8")
    assert [script for script in SCRIPTS if f"`{script}`" not in listed] == []


@pytest.mark.parametrize(
    ("script", "words", "row"),
    [
        ("core.py", ["--size", "0.01"], "fsrcnn-s float"),
        ("memory.py", ["--sizes", "0.01", "--format", "png"], "0.0"),
        ("folder.py", ["--size", "0.01", "--count", "2"], "1"),
    ],
)
def test_a_small_run(script: str, words: list[str], row: str, tmp_path: Path) -> None:
    shared = tmp_path / "none"
    printed = run(script, *words, "--rounds", "1", "--shared", str(shared), "--out", str(tmp_path))
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert any(line.split("|")[1].strip() == row for line in lines[2:])
    columns = {line.count("|") for line in lines}
    assert len(lines) >= 3 and len(columns) == 1
