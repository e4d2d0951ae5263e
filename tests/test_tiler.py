"""The tiler's theorem: an output pixel sees the same input whatever the tiles are."""

import threading
import tracemalloc

import cv2
import numpy as np
import pytest

from tests.conftest import Facts, TinyNetwork, draw
from upscale_cli.errors import ResultError
from upscale_cli.model import BackProjected, Chained, SelfEnsemble
from upscale_cli.resample import Interpolation, double
from upscale_cli.tiler import Tiling, upscale, upscale_bands

ONE_PIECE = Tiling(tile=10_000, threads=1)
DTYPES = [np.uint8, np.uint16, np.float32]
SIZES = [(1, 1), (1, 23), (23, 1), (2, 3), (7, 64), (31, 37), (33, 32), (65, 63), (64, 128)]


def same(pixels, model, *tilings):
    expected = upscale(pixels, model, ONE_PIECE)
    assert expected.dtype == pixels.dtype
    assert expected.shape[:2] == (pixels.shape[0] * model.scale, pixels.shape[1] * model.scale)
    for tiling in tilings:
        np.testing.assert_array_equal(upscale(pixels, model, tiling), expected, err_msg=str(tiling))


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shipped_weights_give_the_same_bytes_for_all_tiles_batches_and_threads(
    each_shipped, dtype, channels, passes
):
    model = Chained(each_shipped, passes) if passes > 1 else each_shipped
    tilings = [(0, 0, 0), (8, 5, 2), (31, 1, 2), (32, 2, 3), (61, 1, 1), (66, 4, 2)]
    picture = draw(67, 61, channels, dtype) if passes == 1 else draw(37, 33, channels, dtype)
    same(picture, model, *(Tiling(tile, None, batch, threads) for tile, batch, threads in tilings))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_shipped_weights_on_awkward_sizes(shipped, height, width):
    same(draw(height, width), shipped, Tiling(), Tiling(tile=8, batch=3), Tiling(tile=32, threads=2))


@pytest.mark.parametrize("passes", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_awkward_sizes(tiny, height, width, passes):
    model = Chained(tiny, passes)
    same(draw(height, width), model, Tiling(), Tiling(tile=8, batch=3), Tiling(tile=32), Tiling(tile=31))


@pytest.mark.parametrize("kernel", ["box", "bicubic", "lanczos"])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_interpolation_is_exact_too(kernel, scale, channels):
    same(draw(40, 50, channels), Interpolation(kernel, scale), Tiling(tile=8), Tiling(tile=33, batch=2))


def test_the_ensemble_is_exact_too(shipped):
    same(draw(40, 50), SelfEnsemble(shipped), Tiling(tile=16), Tiling(tile=33, batch=2))


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_back_projection_is_exact_too(shipped, dtype, passes):
    model = BackProjected(Chained(shipped, passes))
    same(draw(37, 51, 3, dtype), model, Tiling(), Tiling(tile=8), Tiling(tile=29, batch=2), Tiling(tile=32))


@pytest.mark.parametrize("passes", [1, 2])
def test_one_pixel_less_halo_shows(passes):
    """The declared halo is needed: with one pixel less, tiles can be told apart."""
    model = Chained(TinyNetwork(), passes)
    picture = draw(64, 64, dtype=np.float32)
    need = 3 if passes == 1 else 5
    assert model.halo == need
    # A colour model's margin is its halo and nothing else; a luma model's is at least that of the
    # enlargement.
    image = Picture(model)
    same(picture, image, Tiling(tile=8))
    short = Facts(image, halo=need - 1)
    assert not np.array_equal(upscale(picture, short, Tiling(tile=8)), upscale(picture, short, ONE_PIECE))


def test_one_pixel_less_halo_shows_on_shipped_weights(each_shipped):
    picture = draw(96, 96, dtype=np.float32)
    same(picture, each_shipped, Tiling(tile=24))
    short = Facts(each_shipped, halo=each_shipped.halo - 1)
    assert not np.array_equal(upscale(picture, short, Tiling(tile=24)), upscale(picture, short, ONE_PIECE))


class Picture(Facts):
    """A luma model, run on each of three channels."""

    def __init__(self, model):
        super().__init__(model, channels=3, residual=False)

    def __call__(self, batch, *, spare=0):
        return np.concatenate([self.model(batch[..., c : c + 1], spare=spare) for c in range(3)], axis=3)


def test_a_model_that_sees_everything_gets_the_whole_picture(tiny):
    shapes = []
    model = Facts(tiny, halo=None)
    model.model = lambda batch: shapes.append(batch.shape) or tiny(batch)
    upscale(draw(50, 60), model, Tiling(tile=8))
    assert shapes == [(1, 50 + 8, 60 + 8, 1)]


def test_windows_have_one_shape(tiny):
    shapes = set()
    model = Facts(tiny)
    model.model = lambda batch: shapes.add(batch.shape) or tiny(batch)
    upscale(draw(50, 61), model, Tiling(tile=16, batch=3))
    assert shapes == {(3, 16 + 8, 16 + 8, 1)}


class Spy(Facts):
    """A model that notes the shape of each batch and what was to spare."""

    def __init__(self, model, **facts):
        super().__init__(model, **facts)
        self.calls = []

    def __call__(self, batch, *, spare=0):
        self.calls.append((batch.shape, spare))
        return super().__call__(batch, spare=spare)


@pytest.mark.parametrize(("overlap", "side", "spare"), [(None, 16, 4), (7, 16, 4), (6, 16, 4), (5, 13, 0)])
def test_twice_the_halo_is_exact_and_then_the_rim_need_not_be_answered(tiny, overlap, side, spare):
    model = Spy(tiny)
    upscale(draw(20, 24), model, Tiling(tile=8, overlap=overlap, batch=1))
    assert set(model.calls) == {((1, side, side, 1), spare)}


@pytest.mark.parametrize(("tile", "batch"), [(8, 3), (200, 1)])
def test_batches_are_no_longer_than_a_row_of_tiles_nor_larger_than_a_cache(tiny, tile, batch):
    model = Spy(tiny)
    upscale(draw(400, 24 if tile == 8 else 400), model, Tiling(tile=tile))
    assert {shape[0] for shape, _ in model.calls} == {batch}


def test_progress_adds_up_in_the_callers_thread(tiny):
    finished, threads = [], set()

    def on_tile(count):
        finished.append(count)
        threads.add(threading.get_ident())

    upscale(draw(50, 61), tiny, Tiling(tile=16, threads=2), on_tile=on_tile)
    assert sum(finished) == 50 * 61
    assert len(finished) > 3
    assert threads == {threading.get_ident()}


def test_floats_stay_in_range(tiny):
    loud = Facts(tiny)
    loud.model = lambda batch: 50 * tiny(batch)
    for overlap in (None, 2):
        out = upscale(draw(20, 30, dtype=np.float32), loud, Tiling(tile=8, overlap=overlap))
        assert (out.min(), out.max()) == (0, 1)


def test_the_source_is_left_alone(tiny):
    picture = draw(30, 30)
    before = picture.copy()
    upscale(picture, tiny, Tiling(tile=8))
    assert np.array_equal(picture, before)


def test_any_memory_layout_will_do(tiny):
    picture = draw(40, 40)
    expected = upscale(picture, tiny)
    assert np.array_equal(upscale(np.asfortranarray(picture), tiny), expected)
    assert np.array_equal(upscale(np.repeat(picture, 2, axis=2)[..., ::2], tiny), expected)
    picture.flags.writeable = False
    assert np.array_equal(upscale(picture, tiny), expected)


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(tiny, pixels):
    with pytest.raises(ValueError, match="pixels"):
        upscale(pixels, tiny)


def test_an_error_in_a_worker_reaches_the_caller(tiny):
    broken = Facts(tiny)
    broken.model = lambda batch: np.full_like(tiny(batch), np.nan)
    with pytest.raises(ResultError):
        upscale(draw(60, 60), broken, Tiling(tile=8, threads=2))


def test_opencv_keeps_its_own_setting(tiny, one_thread_opencv):
    cv2.setNumThreads(3)
    upscale(draw(40, 40), tiny, Tiling(tile=8))
    assert cv2.getNumThreads() == 3
    bands = upscale_bands(lambda y0, y1: draw(40, 40)[y0:y1], 40, 40, tiny, Tiling(tile=8))
    next(bands)
    bands.close()
    assert cv2.getNumThreads() == 3


def test_opencv_works_in_one_thread_until_the_last_picture_is_done(tiny, one_thread_opencv):
    cv2.setNumThreads(3)
    first, second = (
        upscale_bands(lambda y0, y1: draw(40, 40)[y0:y1], 40, 40, tiny, Tiling(tile=8)) for _ in range(2)
    )
    seen = []
    for work in (lambda: next(first), lambda: next(second), first.close, second.close):
        work()
        seen.append(cv2.getNumThreads())
    assert seen == [1, 1, 1, 3]


def test_several_pictures_at_a_time(shipped, one_thread_opencv):
    cv2.setNumThreads(2)
    pictures = [draw(60 + 7 * n, 50, seed=n) for n in range(6)]
    expected = [upscale(picture, shipped) for picture in pictures]
    results = [None] * 6

    def work(n):
        results[n] = upscale(pictures[n], shipped, Tiling(tile=16))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(results, expected, strict=True))
    assert cv2.getNumThreads() == 2


# Bands: pictures that never are in memory as a whole.


@pytest.mark.parametrize("overlap", [None, 5, 0])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_bands_are_the_bytes_of_one_piece(shipped, channels, dtype, overlap):
    picture = draw(83, 41, channels, dtype)
    asked = []

    def read_rows(y0, y1):
        asked.append((y0, y1))
        return picture[y0:y1].copy()

    tiling = Tiling(tile=16, overlap=overlap, threads=2)
    bands = list(upscale_bands(read_rows, 83, 41, shipped, tiling, channels=channels, dtype=dtype))
    assert len(bands) > 3
    assert np.array_equal(np.concatenate(bands), upscale(picture, shipped, tiling))
    # Every row once, in order, and never none.
    assert all(y0 < y1 for y0, y1 in asked)
    assert [row for y0, y1 in asked for row in range(y0, y1)] == list(range(83))


def test_bands_read_one_row_of_tiles_ahead(tiny):
    picture = draw(200, 20)
    read = [0]

    def read_rows(y0, y1):
        read[0] = y1
        return picture[y0:y1]

    for number, _ in enumerate(upscale_bands(read_rows, 200, 20, tiny, Tiling(tile=8, threads=1)), 1):
        assert read[0] == min((number + 1) * 8 + 4, 200)


# Memory: the result, and a few windows.


def peak_memory(work):
    """The most bytes that Python objects and arrays took during ``work()``."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("overlap", [None, 6])
def test_no_copy_of_the_whole_picture_is_made(threads, overlap):
    picture = draw(1200, 1600)
    model = Interpolation("bicubic", 2)
    result = 4 * picture.nbytes
    peak = peak_memory(lambda: upscale(picture, model, Tiling(tile=64, overlap=overlap, threads=threads)))
    assert result < peak < result + picture.nbytes  # in floats, the source alone would be 4 times that


@pytest.mark.parametrize(
    ("halo", "scale", "side"),
    [(4, 2, 256), (12, 2, 256), (22, 2, 194), (60, 2, 128), (12, 4, 128), (22, 4, 128), (4, 8, 64)],
)
def test_deeper_networks_get_smaller_windows(halo, scale, side):
    """What a runtime keeps grows with a window's pixels and the layers; the two together stay bounded. Below
    128 pixels a core's margins cost more than they save."""
    model = Spy(Interpolation("box", scale), halo=halo)
    upscale(draw(900, 900), model, Tiling(threads=2))
    count, height, width = np.max([shape[:3] for shape, _ in model.calls], axis=0)
    assert 0.85 * side + 2 * halo < max(height, width) <= side + 2 * halo
    assert halo == 60 or 2 * count * height * width * halo * 80 < 200e6


@pytest.mark.parametrize("length", [860, 900])
def test_windows_in_work_have_their_share_of_memory(length):
    model = Spy(Interpolation("box", 2), halo=22)
    upscale(draw(length, length), model, Tiling(threads=2))
    count, height, width = np.max([shape[:3] for shape, _ in model.calls], axis=0)
    assert 100e6 < 2 * count * height * width * 22 * 80 < 200e6


def test_any_scale_and_no_halo_will_do():
    picture = draw(3, 4, 1)
    big = upscale(picture, Facts(Interpolation("box", 600), halo=0))
    assert np.array_equal(big, picture.repeat(600, axis=0).repeat(600, axis=1))


def test_bands_take_the_memory_of_bands():
    height, width = 4000, 400
    rows = draw(100, width)

    def read_rows(y0, y1):
        return np.repeat(rows[:1], y1 - y0, axis=0)

    def work():
        for _ in upscale_bands(read_rows, height, width, Interpolation("bicubic", 2), Tiling(tile=50)):
            pass

    assert peak_memory(work) < height * width * 3 * 4 / 3  # a third of the result


# Less overlap than exactness needs.


def steps_at_borders(big, scale, tile):
    """Mean step across the borders of tiles over that across other input pixels' borders; 1 where none
    shows.
    """
    grey = big.astype(np.float64).mean(axis=2)
    across = np.abs(np.diff(grey, axis=1)).mean(axis=0)[scale - 1 :: scale]
    down = np.abs(np.diff(grey, axis=0)).mean(axis=1)[scale - 1 :: scale]
    borders = np.s_[tile - 1 :: tile]
    return np.mean([steps[borders].mean() / np.delete(steps, borders).mean() for steps in (across, down)])


@pytest.mark.parametrize("passes", [1, 2])
def test_squares_are_there_without_overlap_and_gone_with_it(shipped, passes):
    model = Chained(shipped, passes)
    picture = cv2.GaussianBlur(draw(128, 128, seed=3), (0, 0), 1.5)
    naive, blended, exact = (
        steps_at_borders(upscale(picture, model, Tiling(tile=8, overlap=overlap)), model.scale, 8)
        for overlap in (0, 8, None)
    )
    assert naive > 1.3
    assert blended == pytest.approx(1, abs=0.05)
    assert exact == pytest.approx(1, abs=0.05)


def test_without_overlap_every_tile_is_run_alone(shipped):
    picture = draw(32, 48, 1)
    result = upscale(picture, shipped, Tiling(tile=16, overlap=0))
    for y in (0, 16):
        for x in (0, 16, 32):
            values = picture[y : y + 16, x : x + 16].astype(np.float32)
            residual = shipped(values[None] * np.float32(1 / 255))[0]
            alone = np.clip(double(values) + 255 * residual, 0, 255)
            assert np.abs(result[2 * y : 2 * y + 32, 2 * x : 2 * x + 32] - alone).max() <= 0.51


@pytest.mark.parametrize(
    ("height", "rows"), [(3, [0, 0, 0, 1, 2, 2, 2, 2]), (4, [2, 1, 0, 1, 2, 3, 2, 1, 0])]
)
def test_less_overlap_mirrors_less(tiny, height, rows):
    """Two pixels before and three after: they are repeated where the picture has no more than that."""
    picture, seen = np.repeat(draw(height, 1, 1), 20, axis=1), []
    model = Facts(tiny)
    model.model = lambda batch: seen.append(batch[0, :, 0, 0].copy()) or tiny(batch)
    upscale(picture, model, Tiling(tile=8, overlap=5))
    assert np.array_equal(np.rint(seen[0] * 255), picture[rows, 0, 0])


def test_colours_are_blended_in_the_picture_s_own_unit():
    """A model of colours answers from 0 to 1, a picture has levels."""
    picture = draw(40, 50)
    exact = upscale(picture, Interpolation("bicubic", 2)).astype(int)
    blended = upscale(picture, Interpolation("bicubic", 2), Tiling(tile=16, overlap=3))
    assert np.abs(blended - exact).mean() < 1


def test_more_overlap_comes_closer_to_exact(shipped):
    picture = draw(96, 96)
    exact = upscale(picture, shipped).astype(float)
    errors = [
        np.abs(upscale(picture, shipped, Tiling(tile=16, overlap=overlap)) - exact).mean()
        for overlap in (0, 4, 8, 16, 2 * shipped.halo)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("overlap", [0, 1, 3, 19])
def test_blending_handles_awkward_sizes(shipped, height, width, overlap):
    picture = np.full((height, width, 3), 90, np.uint8)
    result = upscale(picture, shipped, Tiling(tile=8, overlap=overlap))
    assert result.shape == (2 * height, 2 * width, 3)
    if overlap == 19:
        exact = upscale(picture, shipped).astype(int)
        assert np.abs(result - exact).max() <= 1


@pytest.mark.parametrize("threads", [1, 2])
def test_models_that_work_row_by_row_get_low_wide_windows(tiny, threads):
    shapes = set()

    class ByRows(Facts):
        columns = 300

        def __call__(self, batch, *, spare=0):
            shapes.add(batch.shape[1:3])
            return tiny(batch, spare=spare)

    picture = draw(140, 2000)
    big = upscale(picture, ByRows(tiny), Tiling(threads=threads))
    ((height, width),) = shapes
    assert height <= 128 + 2 * 4
    assert 200 < width <= 300
    assert np.array_equal(big, upscale(picture, tiny, ONE_PIECE))
