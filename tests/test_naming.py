import os

import pytest

from upscale_cli.batch.naming import BY_SCALE, BY_SIZE, LONGEST_NAME, NameTemplate, shortened
from upscale_cli.errors import UsageError


def fill(template, source="a/b/photo.jpg", ext=".png", scale="4", model="fsrcnn-s", size=(40, 30)):
    return template.fill(source, ext=ext, scale=scale, model=model, size=size)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (BY_SCALE, "photo_x4.png"),
        (BY_SIZE, "photo_40x30.png"),
        (NameTemplate("{stem}{ext}"), "photo.png"),
        (NameTemplate("{model}/{stem}-{width}{ext}"), "fsrcnn-s/photo-40.png"),
        (NameTemplate("{{{stem}}}{ext}"), "{photo}.png"),
        (NameTemplate("{width:05d}x{height:_>4}{ext}"), "00040x__30.png"),
    ],
)
def test_templates(template, name):
    assert fill(template) == name


def test_odd_stems_stay_as_they_are():
    for name in ("a b", "a\nb", "-x", "{stem}", "a\udcff", "日本"):
        assert fill(BY_SCALE, source=f"{name}.jpg") == f"{name}_x4.png"


def test_scale_in_pixels_is_a_size():
    assert fill(BY_SCALE, scale="") == "photo_x40x30.png"


def test_model_path_makes_no_folder():
    assert fill(NameTemplate("{stem}-{model}{ext}"), model="my/models/new.tflite") == "photo-new.png"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{stem", "template"),
        ("{}", "unknown"),
        ("{steam}{ext}", "unknown"),
        ("{stem.upper}", "unknown"),
        ("../{stem}{ext}", "leaves"),
        ("/tmp/{stem}{ext}", "leaves"),
        ("", "leaves"),
        (".", "leaves"),
        ("{stem:d}", "template"),
        ("{stem:{foo}}{ext}", "template"),
        ("{stem:{0}}", "template"),
        ("{stem:{width.foo}}", "template"),
        ("{stem:{width[0]}}", "template"),
    ],
)
def test_bad_templates_are_refused(text, word):
    with pytest.raises(UsageError, match=word) as caught:
        NameTemplate(text)
    assert caught.value.hint


@pytest.mark.parametrize("stem", ["a" * 250, "aé" * 83, "日" * 83, "a\udcff" * 100])
def test_long_names_are_cut_where_file_systems_allow(stem, tmp_path):
    name = shortened(f"{stem}_x4.png", ".png")
    assert len(os.fsencode(name)) <= LONGEST_NAME
    assert name.endswith(".png")
    (tmp_path / name).touch()


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("letter", ["é", "日", "🐈"])
def test_no_name_is_cut_inside_a_character(letter, shift):
    shortened("a" * shift + letter * 120 + "_x4.png", ".png").encode("utf-8")


def test_a_cut_name_gets_no_extension_that_it_had_not():
    assert shortened("a" * 300, ".png")[-11] == "~"


def test_cut_names_stay_apart():
    names = {shortened("a" * 240 + end + ".png", ".png") for end in "bcd"}
    assert len(names) == 3


def test_short_names_are_not_touched():
    assert shortened("photo_x4.png", ".png") == "photo_x4.png"
