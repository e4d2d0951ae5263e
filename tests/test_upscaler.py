import json
import shutil
import threading

import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli import tiler, zoo
from upscale_cli import upscaler as module
from upscale_cli.errors import ModelError, ResultError, UnknownModelError, UsageError
from upscale_cli.model import BackProjected, Chained, SelfEnsemble
from upscale_cli.resample import Interpolation, resize
from upscale_cli.runtimes import open_model, quickest
from upscale_cli.settings import Settings
from upscale_cli.upscaler import Upscaler


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler(Settings())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_shape_and_type(upscaler, channels, dtype):
    pixels = draw(9, 13, channels, dtype)
    big = upscaler(pixels)
    assert big.shape == (18, 26, channels)
    assert big.dtype == dtype


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ({"scale": 4}, (36, 52)),
        ({"scale": 8}, (72, 104)),
        ({"scale": 3}, (27, 39)),
        ({"scale": 1.5}, (14, 20)),
        ({"scale": 1}, (9, 13)),
        ({"width": 100, "height": 20}, (20, 100)),
        ({"long_side": 26}, (18, 26)),
        ({"long_side": 5}, (9, 13)),
        ({"long_side": 5, "shrink": True}, (3, 5)),
    ],
)
def test_any_size(asked, shape):
    assert Upscaler(Settings(**asked, model="bicubic"))(draw(9, 13)).shape == (*shape, 3)


def test_an_interpolation_makes_any_number_of_passes_in_one():
    pixels = draw(6, 7)
    expected = tiler.upscale(pixels, Interpolation("bicubic", 8))
    np.testing.assert_array_equal(Upscaler(Settings(scale=8, model="bicubic"))(pixels), expected)


@pytest.mark.parametrize("value", [0, 1, 127, 255])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_constant_stays_constant(value, scale):
    big = Upscaler(Settings(scale=scale))(np.full((12, 10, 3), value, np.uint8))
    assert (big == value).all()


def test_grey_stays_neutral(upscaler):
    grey = draw(30, 30, 1)
    big = upscaler(np.repeat(grey, 3, axis=2))
    assert (big == big[..., :1]).all()
    np.testing.assert_array_equal(big[..., :1], upscaler(grey))


def test_mean_colour_is_kept(upscaler):
    pixels = draw(64, 64)
    np.testing.assert_allclose(upscaler(pixels).mean((0, 1)), pixels.mean((0, 1)), atol=0.5)


def test_a_constant_alpha_costs_nothing_and_stays(upscaler):
    pixels = draw(16, 16, 4)
    pixels[..., 3] = 200
    counted = []
    big = upscaler(pixels, on_tile=counted.append)
    assert (big[..., 3] == 200).all()
    np.testing.assert_array_equal(big[..., :3], upscaler(pixels[..., :3]))
    assert sum(counted) == 16 * 16


def test_alpha_goes_through_the_network_and_keeps_its_plateaus(upscaler):
    pixels = draw(32, 32, 4)
    pixels[..., 3] = 0
    pixels[8:24, 8:24, 3] = 255
    big = upscaler(pixels)
    assert (big[:14, :, 3] == 0).all()
    assert (big[20:44, 20:44, 3] == 255).all()


@pytest.mark.parametrize("asked", [{}, {"scale": 1}, {"long_side": 5, "shrink": True}])
def test_progress_counts_every_pixel_once(asked):
    upscaler = Upscaler(Settings(**asked))
    for channels in (1, 3, 4):
        counted = []
        upscaler(draw(33, 21, channels), on_tile=counted.append)
        assert sum(counted) == 33 * 21


def test_same_bytes_for_any_tile_and_thread_count(upscaler):
    pixels = draw(50, 41)
    whole = upscaler(pixels)
    for asked in ({"tile": 8, "threads": 2}, {"tile": 23, "threads": 1}, {"tile": 64}):
        np.testing.assert_array_equal(Upscaler(Settings(**asked))(pixels), whole)
    np.testing.assert_array_equal(upscaler.enlarge(pixels, threads=1).pixels, whole)


def test_many_threads_may_call_one_upscaler(upscaler):
    pictures = [draw(20 + n, 30, seed=n) for n in range(8)]
    wanted = [upscaler(pixels) for pixels in pictures]
    got = [None] * len(pictures)

    def work(n):
        got[n] = upscaler.enlarge(pictures[n], threads=1).pixels

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ensemble_is_another_result(upscaler):
    pixels = draw(16, 16)
    assert (Upscaler(Settings(ensemble=True))(pixels) != upscaler(pixels)).any()


def test_a_model_may_average_over_views():
    """What the card says is done without ``ensemble``, and results without it are not taken for the same."""
    pixels = draw(16, 20)
    for precision in ("float", "int8"):
        card = zoo.find("fsrcnn-l", precision)
        assert card.views() == 4
        upscaler = Upscaler(Settings(model="fsrcnn-l", precision=precision))
        network = open_model(card, runtime=quickest(card, 16 * 20, 4))
        mean = tiler.upscale(pixels, BackProjected(SelfEnsemble(network, 4)))
        np.testing.assert_array_equal(upscaler(pixels), mean)
        assert (tiler.upscale(pixels, BackProjected(network)) != mean).any()


@pytest.mark.parametrize("ensemble", [False, True])
def test_each_pass_averages_over_its_own_views(ensemble):
    """The second pass reads the mean of the first, and what is corrected is the result of both."""
    card, pixels = zoo.find("fsrcnn-l", "float"), draw(16, 20)
    passes = [
        SelfEnsemble(open_model(one), 8 if ensemble else one.views()) for one in (card, zoo.second(card))
    ]
    upscaler = Upscaler(Settings(scale=4, model="fsrcnn-l", precision="float", ensemble=ensemble))
    np.testing.assert_array_equal(upscaler(pixels), tiler.upscale(pixels, BackProjected(Chained(passes))))


def test_views_and_back_projection_are_part_of_the_fingerprint(tmp_path, monkeypatch):
    manifest = json.loads((zoo.weights_dir() / "manifest.json").read_text())
    row = manifest["models"][0]
    prints = set()
    for views, back_projection in ((1, False), (2, False), (4, False), (4, True)):
        row["files"]["int8"]["views"], row["back_projection"] = views, back_projection
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        monkeypatch.setenv("UPSCALE_MODELS", str(tmp_path))
        prints.add(Upscaler(Settings(model=row["name"])).fingerprint)
    assert len(prints) == 4


def test_garbage_from_a_network_is_an_error(monkeypatch):
    monkeypatch.setattr(module.tiler, "upscale", lambda pixels, *a, **k: np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(ResultError):
        Upscaler(Settings())(draw(32, 32) // 4 + 150)


def test_the_runtime_that_was_asked_for_is_opened(monkeypatch):
    asked = []
    monkeypatch.setattr(
        module, "open_model", lambda card, **k: asked.append(k["runtime"]) or open_model(card)
    )
    Upscaler(Settings(runtime="tensorflow"))(draw(6, 7))
    assert asked == ["tensorflow"]


def test_tensorflow_runs_float_weights_only(monkeypatch):
    """What was asked for is not silently replaced; what the CPU would choose is."""
    monkeypatch.setattr(zoo, "quick_int8", lambda: True)
    assert Upscaler(Settings(model="fsrcnn-s")).card.precision == "int8"
    assert Upscaler(Settings(model="fsrcnn-s", runtime="tensorflow")).card.precision == "float"
    file = zoo.find("fsrcnn-s", "int8").path
    with pytest.raises(UsageError, match="bfloat16 was asked for"):
        Upscaler(Settings(model="fsrcnn-s", precision="bfloat16", runtime="tensorflow"))
    for asked in ({"model": "fsrcnn-s", "precision": "int8"}, {"model": file}):
        with pytest.raises(UsageError, match=r"fsrcnn-s: TensorFlow computes in float") as caught:
            Upscaler(Settings(**asked, runtime="tensorflow"))
        assert "--precision float" in caught.value.hint
        assert Upscaler(Settings(**asked, runtime="litert")).card.precision == "int8"


def test_large_pictures_get_the_quickest_runtime(monkeypatch):
    asked = []
    monkeypatch.setattr(
        module, "open_model", lambda card, **k: asked.append(k["runtime"]) or open_model(card)
    )
    quickest = "openvino", "litert"
    monkeypatch.setattr(module, "quickest", lambda card, pixels, views: quickest[pixels * views < 1000])
    upscaler = Upscaler(Settings())
    for height in (10, 50, 10, 50):
        upscaler(draw(height, 20))
    assert asked == ["litert", "openvino"]
    asked.clear()
    Upscaler(Settings(ensemble=True))(draw(10, 20))  # 200 pixels in eight views
    assert asked == ["openvino"]


@pytest.mark.parametrize("quick", ["native", "openvino"])
def test_networks_that_the_quickest_runtime_does_not_know_are_for_litert(quick, monkeypatch):
    asked = []

    def opened(card, runtime="litert", threads=0):
        asked.append(runtime)
        if runtime != "litert":
            raise ModelError("not one of mine")
        return open_model(card)

    monkeypatch.setattr(module, "open_model", opened)
    monkeypatch.setattr(module, "quickest", lambda card, pixels, views: quick)
    assert Upscaler(Settings())(draw(10, 20)).shape == (20, 40, 3)
    assert asked == [quick, "litert"]
    with pytest.raises(ModelError, match="not one of mine"):  # who asks for it is told
        Upscaler(Settings(runtime=quick))(draw(10, 20))


def test_unknown_model():
    with pytest.raises(UnknownModelError, match="fsrcnn-q"):
        Upscaler(Settings(model="fsrcnn-q"))


@pytest.mark.parametrize("precision", ["float", "int8"])
def test_two_passes_in_one_where_there_are_weights_for_it(precision):
    """4x is one call of the direct network, 8x another pass on that, and 3x a downsize of 4x."""
    card = zoo.find("fsrcnn-m", precision)
    pixels, runtime = draw(20, 23), quickest(card, 20 * 23, 1)
    direct, later = (open_model(one, runtime=runtime) for one in (zoo.direct(card), zoo.second(card)))
    four = tiler.upscale(pixels, direct)
    for scale, expected in (
        (4, four),
        (8, tiler.upscale(pixels, Chained([direct, later]))),
        (3, resize(four, 60, 69)),
    ):
        upscaler = Upscaler(Settings(scale=scale, model="fsrcnn-m", precision=precision))
        np.testing.assert_array_equal(upscaler(pixels), expected)


def test_later_passes_have_their_own_weights(tmp_path, monkeypatch):
    """A model whose second pass is another file; the int8 one stands in for it."""
    first, other = zoo.find(), zoo.find(precision="int8")
    plain = Upscaler(Settings(scale=4, precision="float"))
    for card in (first, other):
        shutil.copy(card.path, tmp_path)
    facts = {name: getattr(first, name) for name in ("scale", "channels", "halo", "residual")}
    files = {"float": {"file": first.path.name, "sha256": first.sha256}}
    second = {"files": {"float": {"file": other.path.name, "sha256": other.sha256}}}
    manifest = {"models": [{"name": "chain", "files": files, "second": second, **facts}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("UPSCALE_MODELS", str(tmp_path))
    chained = Upscaler(Settings(scale=4))
    pixels = draw(20, 23)
    expected = tiler.upscale(pixels, Chained([open_model(first), open_model(other)]))
    np.testing.assert_array_equal(chained(pixels), expected)
    assert (chained(pixels) != plain(pixels)).any()
    assert chained.fingerprint != plain.fingerprint


def test_machines_of_different_kinds_know_each_others_results(monkeypatch):
    found = {}
    for quick in (True, False):
        monkeypatch.setattr(zoo, "quick_int8", lambda quick=quick: quick)
        own = Upscaler(Settings())
        found[own.card.precision] = own.fingerprint
    assert found["float"] == found["int8"]
    asked = {kind: Upscaler(Settings(precision=kind)).fingerprint for kind in ("float", "int8")}
    assert len({*asked.values(), found["float"]}) == 3


def test_a_model_named_by_its_file_does_what_its_name_does():
    """Passes after the first by their own weights, and as many views."""
    folder = zoo.weights_dir()
    for name, file in (("fsrcnn-m", "fsrcnn-m.int8.tflite"), ("fsrcnn-l", "fsrcnn-l.int8.tflite")):
        named, given = (
            Upscaler(Settings(scale=4, model=m, precision="int8")) for m in (name, str(folder / file))
        )
        pixels = draw(12, 9)
        np.testing.assert_array_equal(named(pixels), given(pixels))


@pytest.mark.parametrize("scale", [1, 2, 0.5])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5, 255.0])
def test_floats_beyond_the_range_are_refused_by_what_they_reach(bad, scale):
    pixels = draw(16, 16, 3, np.float32)
    pixels[5, 5, 1] = bad
    with pytest.raises(
        ValueError, match=rf"in \[0, 1\]; these reach from .*{'-0.5' if bad == -0.5 else f'{bad:g}'}"
    ):
        Upscaler(Settings(scale=scale, shrink=True))(pixels)


@pytest.mark.parametrize("asked", [{"scale": 1}, {"long_side": 4}])
def test_the_result_is_an_array_of_its_own(asked):
    pixels = draw(8, 9)
    big = Upscaler(Settings(**asked, model="bicubic"))(pixels)
    assert not np.shares_memory(big, pixels)
    np.testing.assert_array_equal(big, pixels)


@pytest.mark.parametrize("scale", [2, 4])
def test_more_than_8_bit_take_float_where_the_cpu_chose_int8(monkeypatch, scale):
    monkeypatch.setattr(zoo, "quick_int8", lambda: True)
    chosen, *asked = (Upscaler(Settings(scale=scale, precision=kind)) for kind in ("", "int8", "float"))
    for dtype, same in ((np.uint8, asked[0]), (np.uint16, asked[1]), (np.float32, asked[1])):
        pixels = draw(12, 14, 3, dtype)
        np.testing.assert_array_equal(chosen(pixels), same(pixels))
    assert (asked[0](draw(12, 14, 3, np.uint16)) != asked[1](draw(12, 14, 3, np.uint16))).any()
    named = Upscaler(Settings(scale=scale, model=zoo.find("", "int8").path))
    pixels = draw(12, 14, 3, np.uint16)
    np.testing.assert_array_equal(named(pixels), asked[0](pixels))
