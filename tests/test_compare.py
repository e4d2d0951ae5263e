"""Comparison: which places are chosen, that crops are cuts of the whole result, and what the sheet shows."""

import cv2
import numpy as np
import pytest
from skimage import data

from upscale_cli.compare import compare, most_different
from upscale_cli.errors import UsageError
from upscale_cli.geometry import Region
from upscale_cli.metrics import compare_luma
from upscale_cli.sheet import draw


def linear(pixels: np.ndarray) -> np.ndarray:
    return enlarge(pixels, cv2.INTER_LINEAR)


def cubic(pixels: np.ndarray) -> np.ndarray:
    return enlarge(pixels, cv2.INTER_CUBIC)


def enlarge(pixels: np.ndarray, kernel: int) -> np.ndarray:
    large = cv2.resize(pixels, None, fx=2, fy=2, interpolation=kernel)
    return large.reshape(*large.shape[:2], pixels.shape[2])


@pytest.fixture(scope="module")
def original() -> np.ndarray:
    return data.astronaut()[:400, :300]


@pytest.fixture(scope="module")
def photo(original: np.ndarray) -> np.ndarray:
    return cv2.resize(original, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def test_the_largest_differences_are_found_in_order() -> None:
    spread = np.zeros((100, 120), np.float32)
    spread[70:80, 20:30] = 3
    spread[10:20, 90:100] = 5
    assert most_different(spread, 10, 2) == [Region(10, 90, 10, 10), Region(70, 20, 10, 10)]


def test_squares_lie_apart_inside_the_picture_and_may_be_fewer() -> None:
    boxes = most_different(np.random.default_rng(1).random((50, 64), np.float32), 20, 99)
    assert 2 <= len(boxes) <= 6
    for box in boxes:
        assert 0 <= box.x <= 64 - 20 and 0 <= box.y <= 50 - 20
    for i, a in enumerate(boxes):
        assert all(abs(a.x - b.x) >= 20 or abs(a.y - b.y) >= 20 for b in boxes[:i])
    assert most_different(np.ones((7, 9), np.float32), 7, 4) == [Region(0, 0, 7, 7)]


def test_squares_of_a_large_picture_lie_far_apart() -> None:
    spread = np.zeros((500, 500), np.float32)
    spread[200:300, 200:300] = 1
    boxes = most_different(spread, 20, 4)
    assert len(boxes) == 4
    for i, a in enumerate(boxes):
        assert all(abs(a.x - b.x) >= 100 or abs(a.y - b.y) >= 100 for b in boxes[:i])


def test_crops_are_cuts_of_the_whole_result(photo: np.ndarray) -> None:
    found = compare(photo, {"linear": linear, "cubic": cubic}, 2, count=3)
    assert [panel.name for panel in found.panels] == ["nearest", "linear", "cubic"]
    assert [panel.psnr for panel in found.panels] == [None] * 3
    whole = cubic(photo)
    for box, crop in zip(found.boxes, found.panels[2].crops, strict=True):
        y, x = 2 * box.y, 2 * box.x
        np.testing.assert_array_equal(crop, whole[y : y + 80, x : x + 80])


def test_the_places_are_where_methods_differ() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    flat[140:160, 30:50] = data.astronaut()[100:120, 200:220]
    box = compare(flat, {"linear": linear, "cubic": cubic}, 2, count=1).boxes[0]
    assert box.x <= 30 and box.right >= 50
    assert box.y <= 140 and box.bottom >= 160


def test_a_reference_gives_scores_and_a_panel(photo: np.ndarray, original: np.ndarray) -> None:
    done = []
    found = compare(photo, {"cubic": cubic}, 2, reference=original, on_method=lambda: done.append(1))
    nearest, cubics, last = found.panels
    assert (cubics.psnr, cubics.ssim) == compare_luma(cubic(photo), original, border=2)
    assert nearest.psnr is not None and cubics.psnr > nearest.psnr
    assert (last.name, last.psnr) == ("original", None)
    box = found.boxes[0]
    y, x = 2 * box.y, 2 * box.x
    np.testing.assert_array_equal(last.crops[0], original[y : y + 80, x : x + 80])
    assert len(done) == 2


def test_a_reference_of_another_size_is_refused(photo: np.ndarray, original: np.ndarray) -> None:
    with pytest.raises(UsageError, match="300x398 pixels where 2 x 150x200 makes 300x400") as caught:
        compare(photo, {"cubic": cubic}, 2, reference=original[:398])
    assert "--scale" in caught.value.hint


@pytest.mark.parametrize(("height", "width"), [(200, 150), (9, 150), (30, 17)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_sheet_shows_every_crop_unchanged(
    height: int, width: int, channels: int, photo: np.ndarray
) -> None:
    small = np.ascontiguousarray(photo[:height, :width, :channels])
    found = compare(small, {"linear": linear, "cubic": cubic}, 2)
    sheet = draw(small, found, 2, title="a name much too long for the column above the overview.png")
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    side = 2 * found.boxes[0].width
    zoom = max(1, round(280 / side))
    for column, panel in enumerate(reversed(found.panels)):
        right = sheet.shape[1] - 12 - column * (side * zoom + 12)
        shown = sheet[64 : 64 + side * zoom : zoom, right - side * zoom : right : zoom]
        np.testing.assert_array_equal(shown, np.broadcast_to(panel.crops[0], shown.shape))


def test_a_strip_has_a_sheet_with_its_name() -> None:
    """Its overview is narrower than three dots."""
    strip = np.random.default_rng(1).integers(0, 256, (3000, 3, 3), np.uint8)
    found = compare(strip, {"linear": linear, "cubic": cubic}, 2)
    sheet = draw(strip, found, 2, title="a name much too long for the column above the overview.png")
    words = np.flatnonzero((sheet[:34] < 128).any(axis=(0, 2)))
    assert words[words < 12 + 240].max() > 200


def test_the_best_score_stands_out(photo: np.ndarray, original: np.ndarray) -> None:
    found = compare(photo, {"linear": linear, "cubic": cubic}, 2, reference=original)
    sheet = draw(photo, found, 2)
    green = (sheet[:64] == (0, 120, 60)).all(axis=2)
    best = max(range(3), key=lambda i: found.panels[i].psnr or 0)
    cell = 2 * 40 * 4 + 12  # the scale, the crop, its zoom and the gap
    columns = np.flatnonzero(green.any(axis=0)) - (sheet.shape[1] - len(found.panels) * cell)
    assert set(columns // cell) == {best}
