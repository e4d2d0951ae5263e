"""A whole run, as it is put together: what is refused, what a run's folder stands for, what is published."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra")
pytest.importorskip("tensorflow", reason="needs the train extra")

from tests.conftest import draw  # noqa: E402
from upscale_cli import manifest  # noqa: E402
from upscale_cli.architectures.fsrcnn import convolutions, fsrcnn, merged  # noqa: E402
from upscale_cli.errors import (  # noqa: E402
    InputError,
    MissingInputError,
    OutputError,
    ResultError,
    UsageError,
)
from upscale_cli.image_io import write_picture  # noqa: E402
from upscale_cli.training import loop  # noqa: E402
from upscale_cli.training.checkpoint import OUTCOME  # noqa: E402
from upscale_cli.training.config import TrainConfig  # noqa: E402
from upscale_cli.training.data import originals  # noqa: E402
from upscale_cli.training.files import picture_files  # noqa: E402
from upscale_cli.training.recipe import publish, run_recipe, sources_of, teacher_of  # noqa: E402

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


def test_folders_without_pictures_are_named(photos, tmp_path):
    (tmp_path / "empty").mkdir()
    folders = {"out": tmp_path / "w", "run": tmp_path / "r", "progress": refused}
    for name, kind, why in (
        ("nowhere", MissingInputError, "no such folder"),
        ("empty", InputError, "too few"),
    ):
        folder = tmp_path / name
        with pytest.raises(kind, match=f"{name}: {why}"):
            run_recipe(CONFIG, [folder], held_out=[photos], **folders)
        with pytest.raises(kind, match=f"{name}: {why}"):
            run_recipe(CONFIG, [photos], held_out=[folder], **folders)


def test_held_out_pictures_below_the_others_are_not_learnt_from(tmp_path):
    """And each picture is learnt from once, however often its folder is named."""
    data = photographs(tmp_path / "data")
    val = photographs(data / "val", first=5)
    read = []
    outcome = run_recipe(
        CONFIG, [data, val, data], held_out=[val], out=tmp_path / "w", run=tmp_path / "r",
        progress=lambda files: read.extend(files) or files,
    )  # fmt: skip
    assert [file.name for file in read] == ["0.png", "1.png"]
    assert outcome.row["training"]["pictures"] == 2


def test_what_is_no_picture_is_left_out(tmp_path):
    """As other programs leave it among photographs; what is called like a picture, or is of another kind, is
    not passed over in silence.
    """
    data = photographs(tmp_path / "data")
    photographs(data / ".thumbnails", count=1)
    (data / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (data / "0.xmp").write_text("<x:xmpmeta/>")
    (data / "empty").write_bytes(b"")
    (data / "1.png").rename(data / "without suffix")
    assert [file.name for file in picture_files([data])] == ["0.png", "without suffix"]
    (data / "cut.jpg").write_bytes(b"")
    (data / "phone").write_bytes(b"\0\0\0\x18ftypheic")
    assert [file.name for file in picture_files([data])] == ["0.png", "cut.jpg", "phone", "without suffix"]
    assert picture_files([data / ".thumbnails"])


def test_pictures_that_are_all_held_out_are_told_so(photos, tmp_path):
    with pytest.raises(InputError, match="photos: all pictures are held out") as caught:
        run_recipe(
            CONFIG, [photos], held_out=[photos], out=tmp_path / "w", run=tmp_path / "r", progress=refused
        )
    assert "--val" in caught.value.hint


@pytest.mark.parametrize("option", ["out", "run"])
@pytest.mark.parametrize("below", ["", "sub/folder"])
def test_folders_that_cannot_be_made_are_refused_before_pictures_are_read(option, below, photos, tmp_path):
    (tmp_path / "file").write_text("")
    folders = {"out": tmp_path / "w", "run": tmp_path / "r"} | {option: tmp_path / "file" / below}
    with pytest.raises(OutputError, match="file: cannot be written to: a file") as caught:
        run_recipe(CONFIG, [photos], progress=refused, **folders)
    assert f"--{option}" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_second_pass_without_a_first_is_refused(photos, tmp_path):
    with pytest.raises(UsageError, match="w has no model tiny") as caught:
        run_recipe(
            replace(CONFIG, second=True), [photos], out=tmp_path / "w", run=tmp_path / "r", progress=refused
        )
    assert "--out" in caught.value.hint


def test_held_out_pictures_smaller_than_a_patch_are_refused(photos, tmp_path):
    small = photographs(tmp_path / "small", size=30)
    with pytest.raises(InputError, match=r"small: no picture to validate on") as caught:
        run_recipe(
            CONFIG, [photos], held_out=[small], out=tmp_path / "w", run=tmp_path / "r", progress=refused
        )
    assert "32 pixels" in caught.value.hint


def test_a_run_that_diverges_says_so(photos, tmp_path):
    config = replace(CONFIG, optimizer="adam", rate=1e30)
    with pytest.raises(ResultError, match="diverged") as caught:
        run_recipe(config, [photos], out=tmp_path / "w", run=tmp_path / "r")
    assert "--rate" in caught.value.hint


def test_a_picture_without_any_error_hides_no_other():
    """A black one is answered exactly; what the network has on the other still counts."""
    network = merged(fsrcnn(16, 1))
    last = convolutions(network)[-1]
    last.set_weights([np.zeros_like(values) for values in last.get_weights()])
    black = np.zeros((32, 32), np.float32), np.zeros((64, 64), np.float32)
    noise = np.random.default_rng(3).random((64, 64), np.float32)
    other = np.ascontiguousarray(noise[::2, ::2]), noise
    alone = loop.validate(network, [other])
    assert alone < 20
    assert loop.validate(network, [other, black]) == pytest.approx((alone + loop.PERFECT) / 2)


def test_a_model_of_another_scale_is_not_replaced(photos, tmp_path):
    """4x beside 2x are weights for its first two passes; 2x, of either pass, cannot stand beside 4x."""
    folder = tmp_path / "w"
    run_recipe(replace(CONFIG, scale=4, patch=16), [photos], out=folder, run=tmp_path / "r1")
    for config in (CONFIG, replace(CONFIG, second=True)):
        with pytest.raises(UsageError, match="a model tiny that enlarges by 4"):
            run_recipe(config, [photos], out=folder, run=tmp_path / "r2", progress=refused)


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        ([{"scale": 4}], ["2"]),
        ([{"second": True}], ["2"]),
        ([{"scale": 4}, {"second": True}], ["2", "4"]),
        ([{"scale": 4}, {}], ["4"]),
    ],
)
def test_new_weights_beside_a_models_own_take_its_scores_away(made, photos, tmp_path, parts, left):
    """Those of the scales that they serve, in every precision, from the last of ``parts``."""
    folder = shutil.copytree(made[0], tmp_path / "w")
    checking = originals(picture_files([photos]), CONFIG)
    for part in parts:
        for precision in ("float", "int8"):
            for scale in (2, 4, 8):
                manifest.put_score(folder, "tiny", precision, scale, "Set5", 30.0, 0.9)
        config = replace(CONFIG, **part)
        network = merged(fsrcnn(16, 1, scale=config.scale))
        publish(config, network, [photos], folder, pictures=2, checking=checking, psnr=30.0)
    scores = manifest.row(folder, "tiny")["scores"]
    assert [list(scores[precision]) for precision in ("float", "int8")] == [left, left]


def test_a_teacher_that_changes_is_another_source(made, tmp_path):
    file = tmp_path / "teacher.keras"
    merged(fsrcnn(16, 1)).save(file)
    teacher = teacher_of(replace(CONFIG, teacher=str(file)))
    before = sources_of([], [], [], teacher)
    shutil.copy(made[0] / "tiny.keras", file)
    assert sources_of([], [], [], teacher) != before


def test_a_keras_file_can_teach(made):
    folder, _ = made
    low = draw(20, 24, channels=1, dtype=np.float32)
    taught = [
        teacher_of(replace(CONFIG, teacher=str(folder / file)))(low) for file in ("tiny.keras", "tiny.tflite")
    ]
    np.testing.assert_allclose(*taught, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"optimizer": "sgd"}, "--optimizer 'sgd'"),
        ({"loss": "huber"}, "--loss 'huber'"),
        ({"precision": "int8"}, "--precision 'int8'"),
        ({"rate": 0.0}, "--rate 0"),
        ({"rate": float("nan")}, "--rate nan"),
        ({"seed": -1}, "--seed -1"),
        ({"name": "my model"}, "'my model'"),
        ({"name": "a/b"}, "'a/b'"),
        ({"name": "tiny.int8"}, "'tiny.int8'"),
        ({"name": "bicubic"}, "bicubic is"),
        ({"name": "nearest"}, "nearest is"),
    ],
)
def test_choices_that_there_are_not_are_refused(change, told, photos, tmp_path):
    with pytest.raises(UsageError, match=told) as caught:
        run_recipe(
            replace(CONFIG, **change), [photos], out=tmp_path / "w", run=tmp_path / "r", progress=refused
        )
    assert caught.value.hint
    assert not list(tmp_path.iterdir())
