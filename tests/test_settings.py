from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from upscale_cli.errors import ScaleError, UsageError
from upscale_cli.image_io.encode import SaveOptions
from upscale_cli.settings import Settings

CHANGES = {
    "scale": 4,
    "width": 100,
    "height": 100,
    "fit": (100, 100),
    "long_side": 100,
    "shrink": True,
    "model": "bicubic",
    "precision": "int8",
    "ensemble": True,
    "overlap": 4,
    "save": SaveOptions(quality=80),
}
IRRELEVANT = {
    "tile": 64,
    "batch": 3,
    "threads": 2,
    "memory": 10**9,
    "max_pixels": 10**6,
    "runtime": "tensorflow",
}


def test_every_field_is_known_here():
    assert {field.name for field in fields(Settings)} == {*CHANGES, *IRRELEVANT}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_the_result_changes_the_fingerprint(name):
    assert replace(Settings(), **{name: CHANGES[name]}).fingerprint() != Settings().fingerprint()


@pytest.mark.parametrize("name", IRRELEVANT)
def test_what_changes_no_byte_leaves_the_fingerprint(name):
    assert replace(Settings(), **{name: IRRELEVANT[name]}).fingerprint() == Settings().fingerprint()


def test_tiles_count_where_they_are_blended():
    assert Settings(overlap=0, tile=8).fingerprint() != Settings(overlap=0, tile=9).fingerprint()


def test_weights_count():
    assert Settings().fingerprint("a") != Settings().fingerprint("b")


def test_bad_sizes_are_refused_at_once():
    with pytest.raises(ScaleError):
        Settings(scale=0)


@pytest.mark.parametrize("name", ["tile", "overlap", "batch", "threads", "memory", "max_pixels"])
@pytest.mark.parametrize("value", [-1, 1.5, "2"])
def test_counts_that_are_none_are_refused(name, value):
    with pytest.raises(UsageError, match=f"{name}={value!r}"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    "asked", [{"width": 40.5}, {"long_side": "9"}, {"fit": (40,)}, {"fit": 40}, {"scale": "x"}]
)
def test_sizes_that_are_none_are_refused(asked):
    with pytest.raises(ScaleError):
        Settings(**asked)


def test_numbers_and_paths_of_any_type_mean_the_same():
    save, same = SaveOptions(quality=80), SaveOptions(quality=np.uint8(80), compression=np.int64(4))
    plain = Settings(scale=2, fit=(40, 30), threads=2, model="a.tflite", save=save)
    given = Settings(
        scale=np.int64(2), fit=[np.int32(40), 30], threads=np.uint8(2), model=Path("a.tflite"), save=same
    )
    assert given == plain
    assert given.fingerprint() == plain.fingerprint()
