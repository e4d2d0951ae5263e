import pytest

from upscale_cli.cli import output


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("photo 1 [x].jpg", "photo 1 [x].jpg"),
        ("日本é.jpg", "日本é.jpg"),
        ("a\nb\tc\x1b[31m", r"a\nb\tc\x1b[31m"),
        ("bytes\udcff", r"bytes\udcff"),
    ],
)
def test_names_are_fit_for_a_terminal(name, seen):
    assert output.shown(name) == seen


def test_errors_take_text_as_it_is(capsys):
    output.error("[bold]a[/bold] :smile: " + "long " * 60, "see [this]")
    assert capsys.readouterr().err.splitlines() == [
        "error: [bold]a[/bold] :smile: " + "long " * 60,
        "hint: see [this]",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.304, "0.30 s"), (12.4, "12 s"), (59.6, "60 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_seconds(value, text):
    assert output.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 px"),
        (999, "999 px"),
        (1000, "1.0 kpx"),
        (480_000, "480 kpx"),
        (999_700, "1.0 Mpx"),
        (5e12, "5000 Gpx"),
    ],
)
def test_amounts(value, text):
    assert output.amount(value, "px") == text
