"""Defaults from upscale.toml and UPSCALE_* variables, and who counts first."""

import os

import pytest

from tests.command import paint, size_of
from upscale_cli.cli import config, main
from upscale_cli.errors import UsageError


def width(*arguments):
    """Width of the result of a run, in pixels."""
    with pytest.raises(SystemExit) as caught:
        main(["a.png", "-o", "new.png", *arguments])
    return size_of("new.png")[0] if caught.value.code == 0 else caught.value.code


def test_the_command_line_counts_before_variables_before_the_file(quick_folder, monkeypatch):
    assert width() == 20
    (quick_folder / "upscale.toml").write_text("scale = 3\n")
    assert width() == 30
    monkeypatch.setenv("UPSCALE_SCALE", "4")
    assert width() == 40
    assert width("--scale", "5") == 50


def test_a_mark_in_front_of_the_file(quick_folder):
    (quick_folder / "upscale.toml").write_text("scale = 3\n", "utf-8-sig")
    assert width() == 30


def test_values_out_of_range_are_refused_wherever_they_stand(quick_folder, monkeypatch):
    (quick_folder / "upscale.toml").write_text("quality = 0\n")
    assert width() == 2
    assert width("-q", "1") == 20
    monkeypatch.setenv("UPSCALE_QUALITY", "50")
    assert width() == 20


def test_options_of_several_words(quick_folder, monkeypatch):
    monkeypatch.setenv("UPSCALE_LONG_SIDE", "33")
    assert width() == 33
    monkeypatch.delenv("UPSCALE_LONG_SIDE")
    (quick_folder / "upscale.toml").write_text("long-side = 34\nquiet = true\ninclude = ['*.png', '*.jpg']\n")
    assert width() == 34


def test_a_variable_of_the_version_is_no_option(quick_folder, monkeypatch):
    monkeypatch.setenv("UPSCALE_VERSION", "0.3")
    assert width() == 20


def test_where_the_file_may_be(quick_folder, monkeypatch):
    assert config.config_file() is None
    own = quick_folder / "config" / "upscale" / "upscale.toml"
    own.parent.mkdir(parents=True)
    own.write_text("scale = 3\n")
    assert width() == 30
    (quick_folder / "upscale.toml").write_text("scale = 4\n")
    assert width() == 40
    (quick_folder / "other.toml").write_text("scale = 5\n")
    monkeypatch.setenv("UPSCALE_CONFIG", "other.toml")
    assert width() == 50


def test_a_file_that_cannot_be_reached_counts_as_absent(quick_folder, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "x" * 300)
    assert width() == 20
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # nobody knows this user's home
    assert config.config_file() is None
    assert width() == 20


def test_tables_hold_the_defaults_of_other_commands(quick_folder):
    (quick_folder / "upscale.toml").write_text("scale = 3\n[evaluate]\nscale = 4\n")
    commands = ("run", "evaluate", "models")
    assert config.defaults("run", ["scale"], commands) == {"scale": 3}
    assert config.defaults("evaluate", ["scale"], commands) == {"scale": 4}
    assert config.defaults("models", ["json"], commands) == {}


def test_one_value_stands_for_a_list_of_one(quick_folder, capfd):
    (quick_folder / "upscale.toml").write_text(
        "include = '*.png'\n[evaluate]\nmodel = 'nearest'\nfolders = '.'\n"
    )
    paint(quick_folder / "b.jpg", 10, 8)
    paint(quick_folder / "large.png", 64, 64)
    with pytest.raises(SystemExit) as caught:
        main([".", "-o", "out", "--quiet"])
    assert caught.value.code == 0
    assert sorted(path.name for path in (quick_folder / "out").glob("*_x2*")) == ["a_x2.png", "large_x2.png"]
    with pytest.raises(SystemExit) as caught:
        main(["evaluate"])
    assert caught.value.code == 0 and "nearest" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("scael = 4", "there is no option 'scael'", "did you mean 'scale'?"),
        ("zzz = 4", "there is no option 'zzz'", "--help"),
        ("scale = ", "cannot be read", "--help"),
    ],
)
def test_mistakes_in_the_file_are_told(quick_folder, text, error, hint):
    (quick_folder / "upscale.toml").write_text(text)
    with pytest.raises(UsageError, match=error) as caught:
        config.defaults("run", ["scale", "width"], ("run",))
    assert "upscale.toml" in str(caught.value)
    assert hint in caught.value.hint


def test_a_file_that_is_named_and_not_there(quick_folder, monkeypatch):
    monkeypatch.setenv("UPSCALE_CONFIG", "gone.toml")
    assert width() == 2


def test_bad_values_name_their_source(quick_folder, monkeypatch, capfd):
    monkeypatch.setenv("UPSCALE_WIDTH", "wide")
    assert width() == 2
    assert "(from UPSCALE_WIDTH)" in capfd.readouterr().err
    monkeypatch.delenv("UPSCALE_WIDTH")
    (quick_folder / "upscale.toml").write_text("width = 'wide'")
    assert width() == 2
    assert "(from upscale.toml)" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("table", "word"), [("[run]\nscale = 3", "'run' is no command"), ("train = 3", "'train' is a command")]
)
def test_tables_that_mean_nothing_are_refused(quick_folder, capfd, table, word):
    (quick_folder / "upscale.toml").write_text(table)
    assert width() == 2
    assert word in capfd.readouterr().err
