"""What happens inside one window."""

import cv2
import numpy as np
import pytest

from tests.conftest import Facts, TinyNetwork, draw
from upscale_cli.color import luma, slopes
from upscale_cli.errors import ResultError
from upscale_cli.geometry import Region
from upscale_cli.model import Chained
from upscale_cli.pixels import from_float, to_float
from upscale_cli.resample import Interpolation, double, enlarge_batch
from upscale_cli.window import Composer, cut


def whole(pixels):
    return Region(0, 0, *pixels.shape[:2])


def compose(pixels, model):
    """One window, all of it, through a composer."""
    composer = Composer(model, pixels.shape[2], pixels.dtype)
    (answer,) = composer.answers([pixels], 1)
    height, width, channels = pixels.shape
    out = np.empty((height * model.scale, width * model.scale, channels), pixels.dtype)
    composer.compose(pixels, answer, whole(pixels), out)
    return out


def shares(pixels, scale):
    """What each channel takes of a change of luma, from 8 bit of ``pixels``."""
    eight = from_float(to_float(pixels), np.uint8)
    return cv2.resize(slopes(eight), None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)


def test_inside_the_picture_a_window_is_a_view():
    picture = draw(20, 30)
    window = cut(picture[5:], 5, 20, Region(6, 3, 8, 9), 4)
    assert np.shares_memory(window, picture)
    assert np.array_equal(window, picture[6:14, 3:12])


@pytest.mark.parametrize("channels", [1, 3])
def test_beyond_the_borders_a_window_mirrors_the_picture(channels):
    picture = draw(12, 14, channels)
    padded = np.pad(picture, ((4, 4), (4, 4), (0, 0)), mode="reflect")
    for y, x in ((-4, -4), (2, 3), (-1, 6), (3, -2)):
        window = cut(picture, 0, 12, Region(y, x, 13, 11), 4)
        assert np.array_equal(window, padded[y + 4 : y + 17, x + 4 : x + 15])


def test_an_axis_no_longer_than_the_margin_repeats_its_edge():
    picture = draw(4, 14)
    expected = np.pad(picture, ((4, 4), (0, 0), (0, 0)), mode="edge")
    expected = np.pad(expected, ((0, 0), (4, 4), (0, 0)), mode="reflect")
    assert np.array_equal(cut(picture, 0, 4, Region(-4, -4, 12, 22), 4), expected)
    turned = np.ascontiguousarray(picture.swapaxes(0, 1))
    assert np.array_equal(cut(turned, 0, 14, Region(-4, -4, 22, 12), 4), expected.swapaxes(0, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_is_the_enlargement_plus_the_residual_of_its_luma(tiny, dtype):
    picture = draw(20, 30, dtype=dtype)
    values = to_float(picture)
    expected = double(values) + tiny(luma(values)[None])[0] * shares(picture, 2)
    difference = compose(picture, tiny).astype(int) - from_float(expected, dtype)
    assert np.abs(difference).max() <= 1  # one level where the order of the sums decides about a tie
    assert (difference != 0).mean() < (1e-3 if dtype == np.uint8 else 0.05)


def test_floats_are_shared_out_as_integers_are(tiny):
    picture = draw(20, 30, dtype=np.uint16)
    floats = np.clip(compose(to_float(picture), tiny), 0, 1) * 65535
    assert np.abs(floats - compose(picture, tiny)).max() < 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_network_sees_sums_that_are_the_same_in_any_order(tiny, dtype):
    """Of 8 bit in whole numbers; of 16 bit, whose sums would not be exact, each rounded by itself."""
    seen, picture = [], draw(20, 30, dtype=dtype)
    watched = Facts(tiny)
    watched.model = lambda batch: seen.append(batch[0].copy()) or tiny(batch)
    compose(picture, watched)
    if dtype == np.uint8:
        thousandths = picture.astype(int) @ [[299], [587], [114]]
        expected = thousandths.astype(np.float32) * (1 / np.float32(255_000))
    else:
        expected = luma(picture.astype(np.float32)) * (1 / np.float32(65_535))
    assert np.array_equal(seen[0], expected)


def test_what_one_colour_lacks_stays_out_of_it(tiny):
    """As in green text on black, whose edges would turn white."""
    loud = Facts(tiny)
    loud.model = lambda batch: 20 * tiny(batch)
    for channel in range(3):
        picture = np.zeros((24, 30, 3), np.uint8)
        picture[:, ::3, channel] = 255
        others = np.delete(compose(picture, loud), channel, axis=2)
        alike = loud(luma(to_float(picture))[None])[0] * 255
        assert others.max() < 0.5 * alike.max()


def test_float_windows_are_not_clipped(tiny):
    loud = Facts(tiny)
    loud.model = lambda batch: 50 * tiny(batch)
    out = compose(draw(20, 30, dtype=np.float32), loud)
    assert out.min() < 0
    assert out.max() > 1


def test_integers_saturate(tiny):
    loud = Facts(tiny)
    loud.model = lambda batch: 50 * tiny(batch)
    out = compose(draw(20, 30), loud)
    assert (out.min(), out.max()) == (0, 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_constants_and_greys_are_kept_by_construction(dtype):
    class Silent(TinyNetwork):
        def __call__(self, batch, *, spare=0):
            return np.zeros_like(super().__call__(batch, spare=spare))

    value = np.iinfo(dtype).max // 3
    assert (compose(np.full((9, 9, 3), value, dtype), Silent()) == value).all()
    grey = np.repeat(draw(20, 20, 1, dtype), 3, axis=2)
    big = compose(grey, TinyNetwork())
    assert np.array_equal(big[..., 0], big[..., 1])
    assert np.array_equal(big[..., 0], big[..., 2])


def test_two_passes_are_rounded_once(tiny):
    picture = draw(16, 16)
    values = to_float(picture)
    y = luma(values)[None]
    expected = enlarge_batch(values[None], 4) + Chained(tiny, 2)(y) * shares(picture, 4)
    difference = compose(picture, Chained(tiny, 2)).astype(int) - from_float(expected[0], np.uint8)
    assert (difference != 0).mean() < 1e-3


def test_a_luma_model_that_answers_with_pictures_is_turned_into_a_residual():
    picture = draw(20, 30)
    bicubic = Interpolation("bicubic", 2, channels=1)
    big = to_float(compose(picture, bicubic))
    np.testing.assert_allclose(luma(big), bicubic(luma(to_float(picture))[None])[0], atol=0.02)
    grey = draw(20, 30, 1)
    assert np.array_equal(compose(grey, bicubic), from_float(bicubic(to_float(grey)[None])[0], np.uint8))


def test_that_residual_is_the_one_of_the_place_that_was_asked_for():
    composer = Composer(Interpolation("bicubic", 2, channels=1), 3, np.uint8)
    windows = [draw(20, 30)]
    whole = composer.answers(windows, 1)
    assert np.array_equal(composer.answers(windows, 1, spare=5), whole[:, 10:-10, 10:-10])


def test_a_colour_model_is_used_as_it_is_and_takes_grey_too():
    bicubic = Interpolation("bicubic", 4)
    picture = draw(11, 12)
    assert np.array_equal(
        compose(picture, bicubic), from_float(bicubic(to_float(picture)[None])[0], np.uint8)
    )
    grey = draw(11, 12, 1)
    tripled = np.repeat(grey, 3, axis=2)
    assert np.abs(compose(grey, bicubic).astype(int) - compose(tripled, bicubic)[..., :1]).max() <= 1
    reddened = Facts(bicubic)
    reddened.model = lambda batch: bicubic(batch) * np.float32([1, 0, 0])
    assert compose(np.full((4, 5, 1), 200, np.uint8), reddened).max() == round(0.299 * 200)


@pytest.mark.parametrize("scale", [3, 6])
def test_luma_models_need_a_scale_that_bicubic_can_reach(tiny, scale):
    with pytest.raises(ValueError, match="power of two"):
        Composer(Facts(tiny, scale=scale), 3, np.uint8)


@pytest.mark.parametrize("which", [0, 2])
@pytest.mark.parametrize("rubbish", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_refused(tiny, rubbish, which):
    broken = Facts(tiny)

    def answer(batch):
        values = tiny(batch)
        values[which, 3, 3, 0] = rubbish
        return values

    broken.model = answer
    with pytest.raises(ResultError, match="no numbers") as caught:
        Composer(broken, 3, np.uint8).answers([draw(8, 8)] * 3, 3)
    assert caught.value.hint


def test_an_answer_of_the_wrong_size_is_refused(tiny):
    with pytest.raises(ResultError, match=r"\(1, 16, 16, 1\)"):
        compose(draw(8, 8), Facts(tiny, scale=4))


def test_the_bytes_do_not_depend_on_the_place_in_a_row(tiny):
    """Vectorised loops treat the end of a row differently; it must not show."""
    picture = cv2.GaussianBlur(draw(40, 120), (0, 0), 1)
    composer = Composer(tiny, 3, picture.dtype)
    (answer,) = composer.answers([picture], 1)
    out = np.empty((80, 240, 3), np.uint8)
    composer.compose(picture, answer, whole(picture), out)
    for width in range(1, 40):
        area = Region(7, 50, 20, width)
        part = np.empty((40, 2 * width, 3), np.uint8)
        composer.compose(picture, answer, area, part)
        assert np.array_equal(part, out[14:54, 100 : 100 + 2 * width])
