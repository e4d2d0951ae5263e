"""Finding models, and refusing files that are not what the manifest says."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from upscale_cli import zoo
from upscale_cli.errors import ModelError, UnknownModelError
from upscale_cli.model import ModelCard

CONTENT = b"weights"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of models of our own, with one small file."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    row = {"name": "own-s", "scale": 2, "channels": 1, "halo": 5, "residual": True, "parameters": 10,
           "macs_per_pixel": 9, "description": "ours", "training": {"steps": 3}, "scores": {"a": 1.5},
           "files": {"float": {"file": "own-s.tflite", "sha256": sha256}}}  # fmt: skip
    (tmp_path / "own-s.tflite").write_bytes(CONTENT)
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [row], "default": "own-s"}))
    monkeypatch.setenv("UPSCALE_MODELS", str(tmp_path))
    return tmp_path


def test_shipped_models_are_complete():
    cards = zoo.models()
    assert zoo.default_name() in [card.name for card in cards]
    for card in cards:
        for precision in card.files:
            exact = zoo.find(card.name, precision)
            assert hashlib.sha256(zoo.read_weights(exact)).hexdigest() == exact.sha256
        assert card.scale == 2
        assert card.channels == 1
        assert card.residual
        assert card.halo
        assert card.parameters > 0
        assert card.description


def test_facts_come_from_the_manifest(folder):
    card = zoo.find("own-s")
    assert card == zoo.find() == zoo.models()[0]
    assert (card.name, card.path, card.precision) == ("own-s", folder / "own-s.tflite", "float")
    assert (card.scale, card.channels, card.halo, card.residual) == (2, 1, 5, True)
    assert (card.parameters, card.macs_per_pixel, card.description) == (10, 9, "ours")
    assert (card.training, card.scores) == ({"steps": 3}, {"a": 1.5})
    assert zoo.read_weights(card) == CONTENT


@pytest.mark.parametrize(
    ("name", "hint"),
    [("own-x", "did you mean own-s?"), ("zzzz", "known models: own-s, "), ("bicubik", "bicubic")],
)
def test_unknown_names_are_answered_with_a_proposal(folder, name, hint):
    with pytest.raises(UnknownModelError, match=repr(name)) as caught:
        zoo.find(name)
    assert hint in caught.value.hint


@pytest.mark.parametrize(("quick", "precision"), [(True, "int8"), (False, "float")])
def test_the_precision_that_the_cpu_is_quicker_with(quick, precision, monkeypatch):
    monkeypatch.setattr(zoo, "quick_int8", lambda: quick)
    for card in zoo.models():
        assert zoo.find(card.name, "").precision == precision


def test_a_model_without_int8_is_float_everywhere(folder, monkeypatch):
    monkeypatch.setattr(zoo, "quick_int8", lambda: True)
    assert zoo.find("own-s", "").precision == "float"


def test_a_precision_that_there_is_not(folder):
    with pytest.raises(ModelError, match=r"own-s.*int8") as caught:
        zoo.find("own-s", "int8")
    assert "float" in caught.value.hint


@pytest.mark.parametrize("name", ["nearest", "bicubic", "lanczos"])
def test_kernels_can_stand_in_the_place_of_a_network(folder, name):
    card = zoo.find(name, "int8")
    assert card.name == name
    assert card.kernel
    assert card.channels == 3


@pytest.mark.parametrize("change", [CONTENT[:-1], CONTENT + b"!", b""])
def test_altered_weights_are_refused(folder, change):
    card = zoo.find("own-s")
    card.path.write_bytes(change)
    with pytest.raises(ModelError, match=r"own-s\.tflite: .*sha256") as caught:
        zoo.read_weights(card)
    assert caught.value.hint


def test_missing_weights_are_told(folder):
    card = zoo.find("own-s")
    card.path.unlink()
    with pytest.raises(ModelError, match=r"own-s\.tflite: cannot be read: No such file"):
        zoo.read_weights(card)


def test_a_folder_without_a_manifest(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"manifest\.json: cannot be read") as caught:
        zoo.models()
    assert "UPSCALE_MODELS" in caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", '{"models": [{}]}', '{"models": [{"name": "a", "files": {}}]}'])
def test_a_manifest_that_is_none(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json: not a list of models"):
        zoo.find("a")


def test_an_empty_manifest(folder):
    (folder / "manifest.json").write_text('{"models": []}')
    with pytest.raises(ModelError, match="holds no model"):
        zoo.find()


def test_a_path_is_a_model_too(folder, tmp_path):
    shutil.copy(folder / "own-s.tflite", tmp_path / "elsewhere.tflite")
    card = zoo.find(str(tmp_path / "elsewhere.tflite"))
    assert (card.name, card.scale, card.sha256) == ("elsewhere", 0, "")
    facts = {"scale": 4, "channels": 3, "halo": 7, "residual": False, "something": "else"}
    (tmp_path / "elsewhere.tflite.json").write_text(json.dumps(facts))
    card = zoo.find(str(tmp_path / "elsewhere.tflite"))
    assert (card.scale, card.channels, card.halo, card.residual) == (4, 3, 7, False)


def test_a_file_beside_its_manifest_has_all_that_the_manifest_knows(tmp_path):
    """Its views and the weights of later passes, too, wherever the folder is and whatever the file."""
    folder = tmp_path / "copy"
    shutil.copytree(zoo.weights_dir(), folder)
    for named in (zoo.find("fsrcnn-l", "int8"), zoo.second(zoo.find("fsrcnn-l", "float")),
                  zoo.direct(zoo.find("fsrcnn-m", "float"))):  # fmt: skip
        given = zoo.find(str(folder / named.path.name), "")
        assert given == replace(named, path=folder / named.path.name)
    assert zoo.find(str(folder / "fsrcnn-l.int8.tflite"), "").views() == 4


@pytest.mark.parametrize("file", ["fsrcnn-m.tflite", "fsrcnn-m.int8.tflite", "fsrcnn-m.keras"])
def test_a_file_gives_way_to_its_models_file_of_the_precision_asked_for(tmp_path, file):
    folder = tmp_path / "copy"
    shutil.copytree(zoo.weights_dir(), folder)
    for precision in ("float", "int8", "keras"):
        named = zoo.find("fsrcnn-m", precision)
        assert zoo.find(str(folder / file), precision) == replace(named, path=folder / named.path.name)
    both = zoo.find(str(folder / file.replace("-m", "-m-direct")), "int8")
    assert both.path.name == "fsrcnn-m-direct.int8.tflite"


def test_a_file_of_its_own_has_its_own_precision_only(folder, tmp_path):
    path = Path(shutil.copy(folder / "own-s.tflite", tmp_path / "elsewhere.tflite"))
    assert zoo.find(str(path), "float").precision == "float"
    with pytest.raises(ModelError, match=r"elsewhere\.tflite: .* int8 weights"):
        zoo.find(str(path), "int8")
    small = path.rename(tmp_path / "elsewhere.int8.tflite")
    assert zoo.find(str(small), "int8").precision == zoo.find(str(small), "").precision == "int8"
    with pytest.raises(ModelError, match="float weights"):
        zoo.find(str(small), "float")
    trained = small.rename(tmp_path / "best.keras")
    assert zoo.find(str(trained), "float").precision == "keras"  # which is computed in float


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"models": [{"name": "a"}]}', '{"models": []}'])
def test_another_programs_manifest_beside_a_file_says_nothing(tmp_path, text):
    (tmp_path / "a.tflite").write_bytes(CONTENT)
    (tmp_path / "manifest.json").write_text(text)
    assert zoo.find(str(tmp_path / "a.tflite")) == ModelCard("a", tmp_path / "a.tflite")


@pytest.mark.parametrize(("name", "precision"), [("A.TFLITE", "float"), ("a.Int8.TFLite", "int8")])
def test_a_suffix_may_be_in_capitals(tmp_path, name, precision):
    path = tmp_path / name
    path.write_bytes(CONTENT)
    assert zoo.find(str(path), "") == ModelCard(path.stem, path, precision)


def test_files_of_other_kinds_are_told_so(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(CONTENT)
    with pytest.raises(UnknownModelError, match=r"net\.pth: no weights") as caught:
        zoo.find(str(path))
    assert ".tflite" in caught.value.hint


def test_a_path_without_a_file(tmp_path):
    with pytest.raises(UnknownModelError, match=r"none\.tflite: no such weights file"):
        zoo.find(str(tmp_path / "none.tflite"))


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_card_that_is_none(tmp_path, text):
    (tmp_path / "a.tflite").write_bytes(CONTENT)
    (tmp_path / "a.tflite.json").write_text(text)
    with pytest.raises(ModelError, match=r"a\.tflite\.json: not a model's card"):
        zoo.find(str(tmp_path / "a.tflite"))


def test_bfloat16_is_computed_with_the_weights_of_float(tmp_path):
    for name in ("fsrcnn-s", "fsrcnn-l"):
        card, float_card = zoo.find(name, "bfloat16"), zoo.find(name)
        for part in (lambda one: one, zoo.second, zoo.direct):
            known, other = part(card), part(float_card)
            if known or other:
                assert (known.path, known.sha256, known.views()) == (other.path, other.sha256, other.views())
                assert known.precision == "bfloat16"
    alone = shutil.copy(zoo.find("fsrcnn-s").path, tmp_path / "copy.tflite")
    assert zoo.find(str(alone), "bfloat16").precision == "bfloat16"
    assert zoo.find(str(alone), "bfloat16").path == alone


def test_later_passes_have_files_of_their_own_in_every_kind():
    """So that a runtime which takes another kind of file takes the later pass's, too."""
    first = zoo.find("fsrcnn-m", "int8")
    later = zoo.second(first)
    assert later.path.name == "fsrcnn-m-second.int8.tflite"
    assert later.files["keras"]["file"] == "fsrcnn-m-second.keras"
    assert later.halo < first.halo  # facts of its own, too: it is less deep
    assert zoo.second(later) is None


def test_the_card_of_two_passes_in_one():
    """It has facts and files of its own; a model without such weights has none."""
    card = zoo.find("fsrcnn-m", "int8")
    both = zoo.direct(card)
    assert (both.name, both.path.name, both.precision) == ("fsrcnn-m", "fsrcnn-m-direct.int8.tflite", "int8")
    assert (both.scale, both.residual) == (card.scale**2, True)
    assert both.files["keras"]["file"] == "fsrcnn-m-direct.keras"
    assert zoo.direct(both) is None
    assert zoo.direct(zoo.find("bicubic")) is None
