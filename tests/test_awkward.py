"""A folder of awkward files, if there is one: each ends in a picture or in one clear error, soon and quietly.

The folder is named by the environment variable UPSCALE_AWKWARD, or is ../shared/data/awkward.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("UPSCALE_AWKWARD", Path(__file__).parents[2] / "shared" / "data" / "awkward"))
GROUPS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if FOLDER.is_dir() else []
SECONDS_EACH, SECONDS_TO_START = 10, 20
"""Of CPU time, so that a busy machine fails no file; the whole group may wait six times as long."""

WORKER = """
import json, sys, time
from pathlib import Path
import numpy as np
from upscale_cli.errors import UpscaleError
from upscale_cli.image_io.formats import FORMATS
from upscale_cli.image_io import open_picture, write_picture

for name in sys.argv[2:]:
    print(json.dumps({"file": name}), flush=True)
    started = time.process_time()
    try:
        picture = open_picture(name)
        frames = [picture.pixels(number) for number in range(picture.frames)]
        shapes = [frame.shape for frame in frames]
        doubled = [np.repeat(np.repeat(frame, 2, 0), 2, 1) for frame in frames]
        target = Path(sys.argv[1], Path(name).name).with_suffix(FORMATS[picture.format].suffixes[0])
        warnings = write_picture(target, doubled, like=picture)
        again = open_picture(target)
        result = {
            "size": [picture.width, picture.height],
            "again": [again.width, again.height],
            "frames": [picture.frames, again.frames],
            "shapes": shapes,
            "warnings": warnings,
        }
    except UpscaleError as error:
        result = {"error": error.code, "message": str(error), "hint": error.hint}
    print(json.dumps({"file": name, "seconds": time.process_time() - started, **result}), flush=True)
"""


@pytest.mark.skipif(not GROUPS, reason="no folder of awkward files")
@pytest.mark.parametrize("group", GROUPS)
def test_every_file_ends_in_a_picture_or_a_clear_error(group, tmp_path):
    names = sorted(str(path) for path in (FOLDER / group).rglob("*") if path.is_file())
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path), *names],
        capture_output=True,
        text=True,
        timeout=6 * (SECONDS_TO_START + SECONDS_EACH * len(names)),
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"died of {lines[-1]}: {done.stderr[-2000:]}"
    assert done.stderr == ""
    results = [line for line in lines if "seconds" in line]
    assert len(results) == len(names)
    for result in results:
        assert result["seconds"] < SECONDS_EACH, result
        if "error" in result:
            assert result["file"] in result["message"]
            assert result["hint"]
            assert "\n" not in result["message"]
        else:
            width, height = result["size"]
            assert result["again"] == [2 * width, 2 * height], result
            assert result["shapes"][0][:2] == [height, width], result
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".part", ".raw", ".page")]
