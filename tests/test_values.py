import pytest

from upscale_cli.cli.values import parse_amount, parse_colour, parse_precision, parse_scale, parse_size
from upscale_cli.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_scale, "2", 2),
        (parse_precision, "int8", "int8"),
        (parse_precision, "", ""),
        (parse_scale, "4x", 4),
        (parse_scale, "X1.5", 1.5),
        (lambda text: parse_size(text, "--fit"), "640x360", (640, 360)),
        (lambda text: parse_size(text, "--fit"), "1X1", (1, 1)),
        (lambda text: parse_amount(text, "--memory"), "800M", 800_000_000),
        (lambda text: parse_amount(text, "--memory"), "1.5gb", 1_500_000_000),
        (lambda text: parse_amount(text, "--memory"), "12", 12),
        (parse_colour, "white", (255, 255, 255)),
        (parse_colour, "Black", (0, 0, 0)),
        (parse_colour, "#0a0B0c", (10, 11, 12)),
    ],
)
def test_values(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize("text", ["", "x", "2y", "two", "1,5"])
def test_no_scales(text):
    with pytest.raises(UsageError, match="--scale") as caught:
        parse_scale(text)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "10", "x10", "10x", "0x5", "-1x5", "1.5x2", "10x10x10"])
def test_no_sizes(text):
    with pytest.raises(UsageError, match="--fit"):
        parse_size(text, "--fit")


@pytest.mark.parametrize("text", ["", "M", "0", "-5M", "1Q", "nan", "infG", "1e400"])
def test_no_amounts(text):
    with pytest.raises(UsageError, match="--memory"):
        parse_amount(text, "--memory")


@pytest.mark.parametrize("text", ["", "#fff", "#gggggg", "red-ish", "#12345678"])
def test_no_colours(text):
    with pytest.raises(UsageError, match="--background"):
        parse_colour(text)
