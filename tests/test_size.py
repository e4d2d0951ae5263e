import pytest

from upscale_cli.errors import ScaleError
from upscale_cli.size import TargetSize, passes


@pytest.mark.parametrize(
    ("asked", "source", "result"),
    [
        ({}, (10, 7), (20, 14)),
        ({"scale": 4}, (10, 7), (40, 28)),
        ({"scale": 1.5}, (10, 7), (15, 10)),
        ({"scale": 1}, (10, 7), (10, 7)),
        ({"scale": 0.5, "shrink": True}, (10, 7), (5, 4)),
        ({"scale": 0.01, "shrink": True}, (10, 7), (1, 1)),
        ({"width": 30}, (10, 7), (30, 21)),
        ({"height": 70}, (10, 7), (100, 70)),
        ({"width": 30, "height": 30}, (10, 7), (30, 30)),
        ({"fit": (100, 100)}, (10, 7), (100, 70)),
        ({"fit": (100, 35)}, (10, 7), (50, 35)),
        ({"long_side": 50}, (10, 7), (50, 35)),
        ({"long_side": 50}, (7, 10), (35, 50)),
        ({"long_side": 1000}, (1, 3000), (1, 3000)),
        ({"width": 5}, (10, 7), (10, 7)),  # only enlarges
        ({"width": 5, "shrink": True}, (10, 7), (5, 4)),
        ({"fit": (5, 5), "shrink": True}, (10, 7), (5, 4)),
        ({"width": 20, "height": 3}, (10, 7), (20, 3)),  # grows on one side: exactly as asked
    ],
)
def test_result_sizes(asked, source, result):
    assert TargetSize(**asked).of(*source) == result


@pytest.mark.parametrize(
    "asked",
    [
        {"scale": 0},
        {"scale": -2},
        {"scale": float("nan")},
        {"scale": float("inf")},
        {"scale": 65},
        {"scale": 0.5},
        {"width": 0},
        {"height": -1},
        {"fit": (10, 0)},
        {"width": 10, "fit": (10, 10)},
        {"height": 10, "long_side": 10},
    ],
)
def test_sizes_that_cannot_be_made(asked):
    with pytest.raises(ScaleError) as caught:
        TargetSize(**asked)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "target", "factor", "count"),
    [
        ((10, 7), (10, 7), 2, 0),
        ((10, 7), (5, 3), 2, 0),
        ((10, 7), (11, 7), 2, 1),
        ((10, 7), (20, 14), 2, 1),
        ((10, 7), (21, 14), 2, 2),
        ((10, 7), (10, 57), 2, 4),
        ((10, 7), (30, 21), 4, 1),
        ((1, 1), (64, 64), 2, 6),
    ],
)
def test_passes_reach_the_target_and_no_more(source, target, factor, count):
    assert passes(source, target, factor) == count


def test_sizes_out_of_reach():
    with pytest.raises(ScaleError, match="more than 64 times"):
        passes((1, 1), (65, 65))


def test_label_names_the_factor():
    assert TargetSize(scale=4.0).label() == "4"
    assert TargetSize(scale=1.5).label() == "1.5"
    assert TargetSize(width=9).label() == ""
