from dataclasses import fields, replace

import pytest

from upscale_cli.errors import ScaleError
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
