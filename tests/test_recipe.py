"""A whole run, as it is put together: what is refused, what a run's folder stands for, what is published."""

from __future__ import annotations

import json

import pytest

keras = pytest.importorskip("keras", reason="needs the train extra")
pytest.importorskip("tensorflow", reason="needs the train extra")

from tests.conftest import draw  # noqa: E402
from upscale_cli.errors import UsageError  # noqa: E402
from upscale_cli.image_io import write_picture  # noqa: E402
from upscale_cli.training.checkpoint import OUTCOME  # noqa: E402
from upscale_cli.training.config import TrainConfig  # noqa: E402
from upscale_cli.training.recipe import run_recipe  # noqa: E402

CONFIG = TrainConfig("tiny", 16, 1, steps=2, batch=2, patch=16, warmup=1, check_every=1, rescaled=0.0)

# Keras and TensorFlow convert arrays in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def photographs(folder, count=2, size=64, first=0):
    """A new folder of so many pictures."""
    folder.mkdir(parents=True)
    for seed in range(first, first + count):
        write_picture(folder / f"{seed}.png", [draw(size, size + 8, seed=seed)])
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return photographs(tmp_path_factory.mktemp("recipe") / "photos")


@pytest.fixture(scope="module")
def made(photos, tmp_path_factory):
    """A folder with the model ``tiny``, and the folder of the run that made it."""
    top = tmp_path_factory.mktemp("made")
    assert run_recipe(CONFIG, [photos], out=top / "w", run=top / "r").row
    return top / "w", top / "r"


def refused(read):
    """A stand-in for the reading of pictures, which must not begin."""
    raise AssertionError("pictures are read")


def stop(*block):
    """Interrupt a run after its first block."""
    raise KeyboardInterrupt


def test_a_finished_run_is_not_published_again(made, photos, tmp_path):
    _, run = made
    told = json.loads((run / OUTCOME).read_text())
    assert told["published"] and told["before"] is None and told["after"] > 0
    other = photographs(tmp_path / "other", first=5)
    for data in (photos, other):
        with pytest.raises(UsageError, match="holds a finished run") as caught:
            run_recipe(CONFIG, [data], out=tmp_path / "w", run=run, progress=refused)
        assert "--run" in caught.value.hint
    assert not (tmp_path / "w").exists()


def test_an_interrupted_run_goes_on_with_its_own_pictures_and_start_only(made, photos, tmp_path):
    folder, run, data = tmp_path / "w", tmp_path / "r", photographs(tmp_path / "data", first=5)
    val, start = [photos], made[0] / "tiny.keras"
    with pytest.raises(KeyboardInterrupt):
        run_recipe(CONFIG, [data], held_out=val, out=folder, run=run, on_block=stop)
    more = photographs(tmp_path / "more", first=7)
    for pictures, checks, init in (([data, more], val, None), ([data], [more], None), ([data], val, start)):
        with pytest.raises(UsageError, match="another start or other pictures"):
            run_recipe(CONFIG, pictures, held_out=checks, out=folder, run=run, init=init, progress=refused)
    steps = []
    run_recipe(
        CONFIG, [data], held_out=val, out=folder, run=run, on_block=lambda done, *_: steps.append(done)
    )
    assert steps == [2]
