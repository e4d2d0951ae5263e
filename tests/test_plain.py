"""Plain values of options: what comes out is what Typer's own validators would have given."""

import pytest
import typer

from upscale_cli.cli import load
from upscale_cli.cli.plain import keep_plain

WORDS = [
    [],
    ["a.png"],
    ["a.png", "b.png", "--quiet", "-o", "big", "-s", "4"],
    ["a.png", "--include", "*.jpg", "--include", "*.png"],
    ["a.png", "--tile", "8", "--threads", "2", "--overlap", "0"],
]


def values(words, *, plain):
    """The values that ``upscale run`` gets from the command line, without running it."""
    built = load("run")
    if not plain:
        built.get_params = super(type(built), built).get_params
    return built.make_context("upscale", list(words)).params


@pytest.mark.parametrize("words", WORDS)
def test_values_are_those_of_the_validators(words):
    assert values(words, plain=True) == values(words, plain=False)


def test_numbers_are_still_checked():
    with pytest.raises(typer.BadParameter, match="integer"):
        values(["a.png", "--tile", "wide"], plain=True)


def test_required_values_and_callbacks():
    seen = []
    app = typer.Typer()

    @app.command()
    def show(name: str = typer.Option(..., callback=lambda value: seen.append(value) or value)) -> None: ...

    built = typer.main.get_command(app)
    keep_plain(built.params, {"name": str})
    assert built.make_context("show", ["--name", "x"]).params == {"name": "x"}
    assert seen == ["x"]
    with pytest.raises(typer.TyperException, match="Missing"):
        built.make_context("show", [])
