"""What is loaded, and what is not: measured in fresh interpreters."""

import json
import subprocess
import sys

import pytest

from tests.conftest import draw

HEAVY = ["tensorflow", "keras", "matplotlib", "flask", "jax", "torch"]
ARRAYS = ["numpy", "cv2", "pyvips", "ai_edge_litert"]
SLOW = ["pydantic", "rich", "tqdm", "email", "asyncio"]


def loaded(code, *arguments):
    """Names of the modules that a Python program has imported when it ends."""
    report = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr))
"""
    done = subprocess.run(
        [sys.executable, "-c", report + code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1])), done


def test_an_upscale_loads_no_training_package():
    code = """
import numpy as np
from upscale_cli import upscale
print(upscale(np.zeros((20, 30, 3), np.uint8), scale=4).shape)
"""
    modules, done = loaded(code)
    assert done.stdout == "(80, 120, 3)\n"
    assert not modules & set(HEAVY)
    assert done.stderr.count("\n") == 1, "the runtime writes to stderr"


def test_the_command_line_loads_no_training_package(tmp_path):
    import cv2

    source, target = tmp_path / "a.png", tmp_path / "b.png"
    cv2.imwrite(str(source), draw(20, 30))
    modules, _ = loaded(
        "from upscale_cli.__main__ import main; main()", str(source), "--scale", "4", "-o", str(target)
    )
    assert cv2.imread(str(target)).shape == (80, 120, 3)
    assert not modules & {*HEAVY, *SLOW}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_no_arrays(option):
    modules, done = loaded("from upscale_cli.__main__ import main; main()", option)
    assert done.stdout
    assert not modules & {*HEAVY, *ARRAYS}


def test_the_package_itself_loads_no_arrays():
    modules, _ = loaded("import upscale_cli, upscale_cli.errors")
    assert not modules & {*HEAVY, *ARRAYS}
