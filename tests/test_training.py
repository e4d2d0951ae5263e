"""Training end to end on pictures that the test draws: data, loop, export, recipe and command."""

from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra")
pytest.importorskip("tensorflow", reason="needs the train extra")

from PIL import Image  # noqa: E402

from upscale_cli import Settings, Upscaler, upscale, zoo  # noqa: E402
from upscale_cli.architectures.fsrcnn import convolutions, fsrcnn, merged  # noqa: E402
from upscale_cli.cli import main  # noqa: E402
from upscale_cli.cli.train import recipe  # noqa: E402
from upscale_cli.errors import (  # noqa: E402
    InputError,
    ModelError,
    OutputError,
    UnknownModelError,
    UsageError,
)
from upscale_cli.metrics import psnr  # noqa: E402
from upscale_cli.runtimes.litert import Prepared  # noqa: E402
from upscale_cli.training import data, export, loop  # noqa: E402
from upscale_cli.training.config import PRESETS, TrainConfig, preset  # noqa: E402
from upscale_cli.training.files import picture_files  # noqa: E402
from upscale_cli.training.lessons import LESSONS  # noqa: E402
from upscale_cli.training.recipe import fine_tune, load, run_recipe, stem_of, teacher_of  # noqa: E402

CONFIG = TrainConfig("tiny", 16, 1, expansion=8, steps=4, batch=2, patch=16, warmup=1, check_every=2)

# Keras and TensorFlow convert arrays in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def draw(path, seed, size=(64, 72)):
    """Save a picture of random strokes over a gradient: smooth, sharp and textured places."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    pixels = np.stack([x * 2.0, y * 2.0, (x + y) * 1.0], axis=-1)
    for _ in range(12):
        top, left = rng.integers(0, size[0] - 8), rng.integers(0, size[1] - 8)
        pixels[top : top + rng.integers(2, 20), left : left + rng.integers(2, 20)] = rng.integers(0, 256, 3)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        draw(folder / f"{seed}.png", seed)
    return folder


@pytest.fixture(scope="module")
def pool(photos):
    return data.build_pool(data.pairs(picture_files([photos]), CONFIG), CONFIG.patch, CONFIG.hardness)


@pytest.fixture(scope="module")
def held_out(photos):
    return data.originals(picture_files([photos])[:1], CONFIG)


def test_pairs_restore_the_original(held_out):
    low, high = held_out[0]
    assert high.shape == (64, 72) and low.shape == (32, 36)
    assert high.min() >= 0 and high.max() <= 1
    assert np.abs(data.enlarge(low) - high).mean() < 0.1


def test_degradation_is_pillows_bicubic(photos):
    rgb = data.read_rgb(photos / "0.png") // 2 + 64  # no overshoot, which Pillow cuts off between the axes
    expected = np.asarray(Image.fromarray(rgb).resize((36, 32), Image.Resampling.BICUBIC))
    assert np.abs(data.degrade(rgb).astype(int) - expected).max() <= 1


def test_patches_are_cut_flipped_and_turned_together(photos):
    """All eight codes: the low and the high patch must be the same place in the same attitude."""
    low, high = next(data.pairs(picture_files([photos]), CONFIG))
    pool = data.build_pool(iter([(low, high)] * 2), 16, 0.5)
    trainer = loop.PatchTrainer(fsrcnn(16, 1), pool, CONFIG)
    side, width = CONFIG.patch, low.shape[1]
    for code in range(8):
        start, row, column = int(pool.start[1]), 5, 7
        small = trainer.patches(trainer.low, [start + row * width + column], [width], [code], side)
        corner = 4 * start + 2 * row * 2 * width + 2 * column
        large = trainer.patches(trainer.residual, [corner], [2 * width], [code], 2 * side)

        def attitude(patch, code=code):
            patch = patch.T if code & 4 else patch
            patch = patch[::-1] if code & 1 else patch
            return patch[:, ::-1] if code & 2 else patch

        residual = high - data.enlarge(low)
        np.testing.assert_allclose(
            np.asarray(small)[0, :, :, 0], attitude(low[row : row + 16, column : column + 16]), atol=1e-4
        )
        there = residual[2 * row : 2 * row + 32, 2 * column : 2 * column + 32]
        np.testing.assert_allclose(np.asarray(large)[0, :, :, 0], attitude(there), atol=1e-4)


def test_a_picture_is_validated_with_the_borders_of_the_tiler(photos, tmp_path):
    folder = tmp_path / "w"
    run_recipe(CONFIG, [photos], out=folder, run=tmp_path / "r")
    low, high = data.originals(picture_files([photos]), CONFIG)[0]
    result, inside = upscale(low, model=str(folder / "tiny.tflite")), (slice(2, -2),) * 2
    levels = (np.rint(16 + 219 * np.clip(plane[inside], 0, 1)) for plane in (result, high))
    assert loop.validate(load(folder / "tiny.keras"), [(low, high)]) == pytest.approx(psnr(*levels), abs=1e-3)


def test_a_teachers_answer_stands_where_the_truth_does(photos):
    """Beside each truth lies what the teacher said of that picture; the trust is its share of the loss."""
    source = list(data.pairs(picture_files([photos]), CONFIG))
    config = replace(CONFIG, teacher="a teacher", trust=0.25)

    def teacher(low):
        return data.enlarge(low) + 0.125 + low.mean()

    pool = data.build_pool(iter(source), 16, 0.5, teacher)
    for (low, _), start in zip(source, pool.start, strict=True):
        lesson = pool.taught[4 * start : 4 * (start + low.size)]
        np.testing.assert_allclose(lesson / data.UNITS, 0.125 + low.mean(), atol=1e-4)
    network = fsrcnn(16, 1)
    trainer = loop.PatchTrainer(network, pool, config)
    errors = np.asarray(trainer(pool.draw(np.random.default_rng(3), 4)))
    assert errors.shape == (4, 32, 32, 2)
    truth, taught = np.abs(errors).mean(axis=(0, 1, 2))
    assert float(trainer.compute_loss(y_pred=errors)) == pytest.approx(0.75 * truth + 0.25 * taught, rel=1e-5)
    alone = loop.PatchTrainer(network, replace(pool, taught=None), CONFIG)
    np.testing.assert_array_equal(alone(pool.draw(np.random.default_rng(3), 4)), errors[..., :1])


def test_a_pupil_comes_to_answer_like_its_teacher(photos, tmp_path):
    """Trusting its teacher alone, a network ends nearer to it than the truth is."""
    folder = tmp_path / "w"
    made = run_recipe(replace(CONFIG, steps=60, rate=2e-2), [photos], out=folder, run=tmp_path / "r1")
    assert made.row is not None
    config = replace(CONFIG, name="pupil", teacher=str(folder / "tiny.tflite"), trust=1.0)
    config = replace(config, steps=150, check_every=150, batch=8, ema=0.9, rate=2e-2)
    row = run_recipe(config, [photos], out=folder, run=tmp_path / "r2").row
    assert row["training"]["teacher"] == config.teacher
    teacher = teacher_of(config)
    low, high = data.originals(picture_files([photos])[1:], CONFIG)[0]
    pupil = upscale(low, model=str(folder / "pupil.tflite"))
    assert psnr(255 * pupil, 255 * teacher(low[..., None])[..., 0]) > psnr(255 * pupil, 255 * high) + 3


def test_an_interrupted_run_does_not_ask_its_teacher_again(photos, tmp_path, monkeypatch):
    folder, run = tmp_path / "w", tmp_path / "r2"
    run_recipe(CONFIG, [photos], out=folder, run=tmp_path / "r1")
    config = replace(CONFIG, name="pupil", teacher=str(folder / "tiny.tflite"))
    asked = []
    ask = Upscaler.__call__
    monkeypatch.setattr(Upscaler, "__call__", lambda self, pixels: (asked.append(1), ask(self, pixels))[1])

    def interrupt(*block):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_recipe(config, [photos], out=folder, run=run, on_block=interrupt)
    first = len(asked)
    assert first and (run / LESSONS).exists()
    run_recipe(config, [photos], out=folder, run=run)
    assert len(asked) == first
    assert not (run / LESSONS).exists()


def test_draws_stay_inside_and_prefer_hard_places(pool):
    rows = pool.draw(np.random.default_rng(0), 500)
    pair = np.searchsorted(pool.start, rows[:, 0], side="right") - 1
    top, left = np.divmod(rows[:, 1], rows[:, 2])
    assert (top + CONFIG.patch <= pool.shape[pair, 0]).all() and (left + CONFIG.patch <= rows[:, 2]).all()
    assert set(rows[:, 3]) == set(range(8))


def test_relative_errors_are_means_over_pictures():
    """Whatever a place has, hard or easy: its worth undoes how often it is drawn, and its picture's error."""
    rng = np.random.default_rng(5)
    source = []
    for side, contrast in ((20, 0.01), (40, 0.3)):
        high = (0.5 + contrast * (rng.random((2 * side, 2 * side)) - 0.5)).astype(np.float32)
        high[side:] = 0.5
        source.append((data.luma(data.degrade((255 * np.stack([high] * 3, 2)).astype(np.uint8))), high))
    pool = data.build_pool(iter(source), 16, 0.5, relative=True)
    odds, first = np.diff(pool.odds, prepend=0), pool.corners[:, 0] == 0
    assert odds[first].sum() == pytest.approx(0.5)
    values = rng.random(len(odds))
    squares = [np.square(high - data.enlarge(low)).mean() for low, high in source]
    expected = [
        values[own].mean() / (square + 2e-5) for own, square in zip((first, ~first), squares, strict=True)
    ]
    found = [(odds * pool.worth * values)[own].sum() for own in (first, ~first)]
    assert found[0] / found[1] == pytest.approx(expected[0] / expected[1], rel=1e-3)
    assert (odds * pool.worth).sum() == pytest.approx(data.WORTH, rel=1e-3)


def test_a_patch_counts_by_its_worth(pool):
    trainer = loop.PatchTrainer(fsrcnn(16, 1), pool, CONFIG)
    rows = pool.draw(np.random.default_rng(3), 2)
    once, fourfold = (np.square(trainer(rows * np.int32([1, 1, 1, 1, n]))) for n in (1, 4))
    np.testing.assert_allclose(fourfold, 4 * once, rtol=1e-5)


def test_drawings_come_beside_photographs(photos):
    """They are contrasty, differ from each other, and are the same in every run."""
    config = replace(CONFIG, synthetic=1.0, rescaled=0.0)
    made = [high for _, high in data.pairs(picture_files([photos]), config)]
    again = [high for _, high in data.pairs(picture_files([photos]), config)]
    assert [high.shape for high in made] == [(64, 72), (384, 384)] * 3
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    assert not np.array_equal(made[1], made[3])
    assert min(high.std() for high in made[1::2]) > 0.05


def test_reduced_copies_come_beside_photographs(photos):
    """Their sizes vary, and a fraction is the chance of one more."""
    files = picture_files([photos])

    def sizes(rescaled, times=1):
        return [high.shape for _, high in data.pairs(files * times, replace(CONFIG, rescaled=rescaled))]

    made = sizes(3.0)
    assert made[::4] == [(64, 72)] * 3
    copies = [size for n, size in enumerate(made) if n % 4]
    assert len(copies) == 9 and len(set(copies)) > 3
    assert all(32 <= height < 64 and 32 <= width < 72 for height, width in copies)
    assert 60 + 9 <= len(sizes(0.25, times=20)) <= 60 + 25
    assert len(sizes(0.0)) == 3


def test_reduced_copies_differ_in_size_proportion_and_grid():
    """A ramp shows where a copy begins: 0 to 3 pixels inside the photograph."""
    rgb = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, axis=0).repeat(3, axis=2)
    rng = np.random.default_rng(0)
    copies = [data.reduced(rgb, rng, 48) for _ in range(60)]
    heights, widths = np.array([copy.shape[:2] for copy in copies]).T
    assert heights.min() == 48 and heights.max() > 90 and 64 <= widths.min() < 80 and widths.max() > 180
    free = heights > 48
    stretch = heights[free] * 2 / widths[free]
    assert 0.85 < stretch.min() < 0.93 and 1.07 < stretch.max() < 1.18
    first = np.array([copy[0, 0, 0] for copy in copies])
    assert first.min() <= 1 and first.max() >= 3
    assert data.reduced(rgb, rng, 500).shape[0] <= 100  # never enlarged


def test_validation_pictures_have_no_further_views(photos):
    files = picture_files([photos])
    config = replace(CONFIG, rescaled=3.0, synthetic=1.0)
    assert [high.shape for _, high in data.originals(files, config)] == [(64, 72)] * 3


def test_no_usable_picture(tmp_path):
    draw(tmp_path / "small.png", 0, size=(20, 20))
    with pytest.raises(InputError, match="large enough"):
        data.build_pool(data.pairs([tmp_path / "small.png"], CONFIG), 16, 0.5)


def test_more_pixels_than_places_can_be_told_are_refused_as_soon_as_they_are_met(photos, monkeypatch):
    one = 64 * 72
    monkeypatch.setattr(data, "MOST_PIXELS", 2 * one)
    config = replace(CONFIG, rescaled=0.0)
    files = picture_files([photos])
    assert data.build_pool(data.pairs(files[:2], config), 16, 0.5).residual.size == 2 * one
    rest = iter(files * 2)
    with pytest.raises(InputError, match="too many pixels") as caught:
        data.build_pool(data.pairs(rest, config), 16, 0.5)
    assert "prepare" in caught.value.hint
    assert len(list(rest)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"loss": "charbonnier"},
        {"loss": "l2"},
        {"loss": "relative"},
        {"fourier": 0.05},
        {"optimizer": "adam", "rate": 3e-3},
    ],
)
def test_every_loss_teaches_more_than_bicubic(pool, held_out, tmp_path, change):
    config = replace(CONFIG, steps=150, check_every=150, batch=8, ema=0.9, **{"rate": 2e-2, **change})
    start = fsrcnn(16, 1)
    start.layers[-2].set_weights([np.zeros_like(w) for w in start.layers[-2].get_weights()])
    bicubic = loop.validate(start, held_out)
    assert loop.validate(loop.train(config, pool, held_out, tmp_path), held_out) > bicubic + 0.2


def test_interrupted_run_ends_like_a_whole_one(pool, held_out, tmp_path):
    def weights(run, stop_after=None):
        def on_block(done, *_):
            if done == stop_after:
                raise KeyboardInterrupt

        return loop.train(CONFIG, pool, held_out, run, on_block=on_block).get_weights()

    whole = weights(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        weights(tmp_path / "cut", stop_after=2)
    resumed = weights(tmp_path / "cut")
    for a, b in zip(whole, resumed, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    with (tmp_path / "cut" / "log.csv").open() as log:
        assert [row[0] for row in csv.reader(log)] == ["2", "4"]


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_a_damaged_checkpoint_is_told(kept, pool, held_out, tmp_path):
    """A machine that lost its power leaves such."""
    loop.train(CONFIG, pool, held_out, tmp_path)
    file = tmp_path / "checkpoint.npz"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"checkpoint\.npz: the checkpoint is damaged") as caught:
        loop.train(CONFIG, pool, held_out, tmp_path)
    assert "--run" in caught.value.hint


@pytest.mark.parametrize("full", ["numpy.savez", "keras.Model.save"])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(full, pool, held_out, tmp_path, monkeypatch):
    def write(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(full, write)
        with pytest.raises(OutputError, match="No space left"):
            loop.train(CONFIG, pool, held_out, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"best.keras"}
    loop.train(CONFIG, pool, held_out, tmp_path)


def test_a_block_of_steps_is_its_steps_one_by_one(pool):
    """It ends with the trained weights, not with the averaged ones, and tells the mean loss."""
    crops = pool.draw(np.random.default_rng(1), 6)
    found = []
    for blocks in ([crops], crops.reshape(3, 2, 5)):
        keras.utils.set_random_seed(1)
        trainer = loop.PatchTrainer(fsrcnn(16, 1), pool, CONFIG)
        optimizer = keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.9)
        optimizer.build(trainer.trainable_variables)
        steps = loop.blocks_of_steps(trainer, optimizer, 2)
        losses = [steps(block) for block in blocks]
        found.append((np.mean(losses), trainer.network.get_weights()))
    (whole, expected), (single, weights) = found
    assert whole == pytest.approx(single, rel=1e-4)
    for a, b in zip(expected, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


ON_JAX = """
import json
import sys
from pathlib import Path
import numpy as np
from upscale_cli.training import loop
from upscale_cli.training.config import TrainConfig
from upscale_cli.training.data import Pool

folder, config = Path(sys.argv[1]), TrainConfig(**json.loads(sys.argv[2]))
with np.load(folder / "pool.npz") as stored:
    pool = Pool(taught=stored["residual"], **stored)
held_out = [(np.zeros((16, 16), "float32"), np.zeros((32, 32), "float32"))]
best = loop.train(config, pool, held_out, folder / "run", init=folder / "start.keras")
np.savez(folder / "weights.npz", *best.get_weights())
"""


@pytest.mark.parametrize(("change", "share"), [({}, 0.01), ({"precision": "mixed_bfloat16"}, 0.5)])
def test_jax_makes_the_same_steps(pool, tmp_path, change, share):
    """From one start both backends come to the same weights, but for a ``share`` of the way there."""
    pytest.importorskip("jax", reason="needs JAX")
    config = replace(CONFIG, expansion=0, depth=2, teacher="itself", rate=1e-3, ema=0.5, **change)
    merged(fsrcnn(16, 2)).save(tmp_path / "start.keras")
    np.savez(tmp_path / "pool.npz", **{k: v for k, v in asdict(pool).items() if k != "taught"})
    subprocess.run(
        [sys.executable, "-c", ON_JAX, str(tmp_path), json.dumps(asdict(config))],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        check=True,
    )
    config = replace(config, precision="float32")
    dark = [(np.zeros((16, 16), "float32"), np.zeros((32, 32), "float32"))]
    pool = replace(pool, taught=pool.residual)
    expected = loop.train(config, pool, dark, tmp_path / "here", init=tmp_path / "start.keras").get_weights()
    start = keras.saving.load_model(tmp_path / "start.keras").get_weights()
    with np.load(tmp_path / "weights.npz") as stored:
        found = [stored[f"arr_{k}"] for k in range(len(start))]
    for before, here, there in zip(start, expected, found, strict=True):
        assert np.abs(there - here).mean() <= share * np.abs(here - before).mean()
    assert all(
        np.abs(here - before).mean() > 1e-5 for before, here in zip(start[::2], expected[::2], strict=True)
    )


def test_mixed_precision_sees_the_luma_as_it_is_and_ships_float32(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        network = fsrcnn(16, 1)
        first, second = network.layers[1:3]
        assert (first.compute_dtype, second.compute_dtype) == ("float32", "bfloat16")
        plain = merged(network)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert {layer.compute_dtype for layer in plain.layers if layer.weights} == {"float32"}


def test_frozen_layers_stay_as_they_were(pool, held_out, tmp_path):
    start = tmp_path / "start.keras"
    merged(fsrcnn(16, 2)).save(start)
    config = replace(CONFIG, depth=2, expansion=0, frozen=2, rate=1e-2)
    trained = loop.train(config, pool, held_out, tmp_path / "run", init=start)
    first, second, *rest = convolutions(trained)
    loop.assign_merged(begun := fsrcnn(16, 2), keras.saving.load_model(start, compile=False))
    for layer, wanted in zip((first, second, *rest), convolutions(merged(begun)), strict=True):
        same = np.allclose(layer.kernel.numpy(), wanted.kernel.numpy(), atol=1e-7)
        assert same == (layer in (first, second)), layer.name


def test_a_run_in_which_no_layer_learns_is_refused(photos, tmp_path):
    with pytest.raises(UsageError, match="all 3 layers"):
        run_recipe(replace(CONFIG, frozen=3), [photos], out=tmp_path / "w", run=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_run_folder_of_other_settings_is_refused(pool, held_out, tmp_path):
    loop.train(CONFIG, pool, held_out, tmp_path)
    with pytest.raises(UsageError, match="other settings"):
        loop.train(replace(CONFIG, rate=1e-4), pool, held_out, tmp_path)


def test_run_folder_of_other_settings_is_refused_before_pictures_are_read(pool, held_out, photos, tmp_path):
    loop.train(CONFIG, pool, held_out, tmp_path / "r")
    read = []
    with pytest.raises(UsageError, match="other settings"):
        run_recipe(
            replace(CONFIG, rate=1e-4), [photos], out=tmp_path / "w", run=tmp_path / "r", progress=read.append
        )
    assert not read


def test_measured_halo_is_the_number_of_layers():
    assert export.facts(merged(fsrcnn(16, 3)))["halo"] == 5


def test_int8_file_keeps_constants(held_out):
    network = fsrcnn(16, 1)
    for variable in network.trainable_variables:
        variable.assign_add(0.1 * np.random.default_rng(5).standard_normal(variable.shape).astype("float32"))
    content = export.to_int8(merged(network), [low for low, _ in held_out])
    runner = Prepared(content, (1, 16, 16, 1))
    answers = [
        runner.run(np.full((1, 16, 16, 1), level / 255, "float32"))[0, 8:-8, 8:-8, 0]
        for level in range(0, 256, 15)
    ]
    np.testing.assert_array_equal(
        answers, np.broadcast_to(answers[0], np.shape(answers))
    )  # whatever the level


def test_presets_keep_their_promised_sizes():
    most = {"fsrcnn-s": 25_000, "fsrcnn-m": 120_000, "fsrcnn-l": 1_500_000}
    assert set(PRESETS) == set(most)
    for name, limit in most.items():
        for scale in (2, 4):
            config = preset(name, scale)
            network = fsrcnn(config.channels, config.depth, scale=config.scale)
            assert config.scale == scale and merged(network).count_params() <= limit
    with pytest.raises(UnknownModelError, match="no recipe"):
        preset("fsrcnn-xxl")


def test_deeper_presets_learn_at_lower_rates():
    shallow_first = sorted(PRESETS.values(), key=lambda config: config.depth)
    rates = [config.rate for config in shallow_first]
    assert rates == sorted(rates, reverse=True)
    assert preset("fsrcnn-l").rate <= 1e-3  # at 2.5e-3 channels fell silent


def test_presets_use_the_shipped_models_as_the_manifest_does():
    for name in PRESETS:
        for kind in ("float", "int8", "keras"):
            card = zoo.find(name, kind)
            assert preset(name).views.get(kind, 1) == card.views()
            assert preset(name, second=True).views.get(kind, 1) == zoo.second(card).views()
            assert preset(name).back_projection == card.back_projection


def test_a_model_that_is_no_better_replaces_nothing(photos, tmp_path):
    first = run_recipe(CONFIG, [photos], out=tmp_path / "w", run=tmp_path / "r1")
    assert first.before is None and first.row is not None
    kept = (tmp_path / "w" / "tiny.tflite").read_bytes()
    worse = replace(CONFIG, rate=1e-12, final_rate=1e-13)  # learns nothing
    second = run_recipe(
        worse, [photos], out=tmp_path / "w", run=tmp_path / "r2", init=tmp_path / "w" / "tiny.keras"
    )
    assert second.row is None and second.before == pytest.approx(second.after, abs=0.01)
    assert (tmp_path / "w" / "tiny.tflite").read_bytes() == kept


def test_what_is_published_has_no_silent_channels(photos, tmp_path):
    plain = merged(fsrcnn(32, 1))
    _, second, last = convolutions(plain)
    kernel, bias = second.get_weights()
    kernel[..., 12:], bias[12:] = 0, -1
    second.set_weights([kernel, bias])
    last.set_weights(
        [np.zeros_like(values) for values in last.get_weights()]
    )  # bicubic, so that it gets better
    plain.save(tmp_path / "start.keras")
    shape = {"channels": 32, "depth": 1, "expansion": 0, "patch": 12}
    used = {"views": {"int8": 4}, "back_projection": True}
    config = replace(CONFIG, **shape, **used, steps=150, check_every=150, batch=8, ema=0.9, rate=2e-2)
    start = tmp_path / "start.keras"
    outcome = run_recipe(config, [photos], out=tmp_path / "w", run=tmp_path / "r", init=start)
    assert outcome.row["macs_per_pixel"] == 9 * (32 + 32 * 16 + 16 * 4)
    assert outcome.row["files"]["int8"]["views"] == 4 and "views" not in outcome.row["files"]["float"]
    assert outcome.row["back_projection"] and zoo.find(str(tmp_path / "w" / "tiny.tflite")).back_projection


def test_a_model_too_large_to_start_from_is_refused_before_pictures_are_read(photos, tmp_path):
    run_recipe(CONFIG, [photos], out=tmp_path / "w", run=tmp_path / "r1")
    read = []
    with pytest.raises(UsageError, match=r"tiny\.keras: wider or deeper than the 8 channels") as caught:
        run_recipe(
            replace(CONFIG, name="less", channels=8),
            [photos],
            out=tmp_path / "w",
            run=tmp_path / "r2",
            init=tmp_path / "w" / "tiny.keras",
            progress=lambda files: read.extend(files) or files,
        )
    assert "--channels" in caught.value.hint and not read


def test_train_command_end_to_end(photos, tmp_path):
    """Two steps through the installed command: files, card, curve, and a model that the program then uses."""
    command = [sys.executable, "-m", "upscale_cli"]
    args = ["train", "fsrcnn-s", "--data", str(photos), "--steps", "2", "--batch", "2", "--patch", "16"]
    done = subprocess.run([*command, *args], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "weights/fsrcnn-s.tflite"
    row = json.loads((tmp_path / "weights" / "manifest.json").read_text())["models"][0]
    assert row["name"] == "fsrcnn-s" and row["halo"] == 12 and row["parameters"] == 23940
    assert (tmp_path / "runs" / "fsrcnn-s" / "curve.png").stat().st_size > 1000
    for kind in ("float", "int8", "keras"):
        assert (tmp_path / "weights" / row["files"][kind]["file"]).exists()
    use = ["photo.png", "-n", "weights/fsrcnn-s.tflite", "-s", "2", "-o", "big.png"]
    draw(tmp_path / "photo.png", 9, size=(30, 40))
    done = subprocess.run([*command, *use], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "big.png") as big:
        assert big.size == (80, 60)


def test_train_command_takes_another_shape(photos, tmp_path):
    args = ["train", "fsrcnn-s", "--channels", "32", "--depth", "9", "--data", str(photos)]
    args += ["--steps", "2", "--batch", "2", "--patch", "16"]
    done = subprocess.run(
        [sys.executable, "-m", "upscale_cli", *args],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "weights" / "manifest.json").read_text())["models"][0]
    assert row["name"] == "fsrcnn-s" and row["halo"] == 11 and row["parameters"] == 84708


def test_train_command_prints_the_file_that_it_made(photos, tmp_path):
    """Beside a model's own weights those for two passes in one."""
    args = ["train", "fsrcnn-s", "--data", str(photos), "--steps", "1", "--batch", "2", "--patch", "16"]
    for more, file in (([], "fsrcnn-s.tflite"), (["--scale", "4"], "fsrcnn-s-direct.tflite")):
        done = subprocess.run(
            [sys.executable, "-m", "upscale_cli", *args, *more],
            cwd=tmp_path, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == f"weights/{file}"
        assert (tmp_path / "weights" / file).exists()


def test_train_command_without_data():
    done = subprocess.run(
        [sys.executable, "-m", "upscale_cli", "train", "fsrcnn-s"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--data" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        ([], "no model to train", "fsrcnn-s"),
        (["mine"], "no recipe named mine", "--init"),
        (["mine", "--init", "bicubic"], "--init bicubic: no network", "upscale models"),
    ],
)
def test_train_command_without_anything_to_train(words, told, hint, photos, capfd):
    with pytest.raises(SystemExit) as caught:
        main(["train", *words, "--data", str(photos)])
    assert caught.value.code == 2
    error, next_step = capfd.readouterr().err.splitlines()[-2:]
    assert told in error and hint in next_step


def test_second_pass_learns_from_what_the_first_makes(photos, tmp_path):
    """Its pairs are softer than the first pass's, and its files stand beside the first's in one row."""
    config = replace(CONFIG, patch=12)
    folder = tmp_path / "w"
    assert run_recipe(config, [photos], out=folder, run=tmp_path / "r1").row is not None
    files = picture_files([photos])
    ((low, high),) = data.originals(files[:1], config, first=data.enlarge)
    ((sharp, _),) = data.originals(files[:1], config)
    assert low.shape == sharp.shape and high.shape == (2 * low.shape[0], 2 * low.shape[1])
    assert np.square(np.diff(low)).mean() < 0.9 * np.square(np.diff(sharp)).mean()
    second = replace(config, second=True, steps=60, check_every=60, batch=8, ema=0.9, rate=2e-3)
    outcome = run_recipe(second, [photos], out=folder, run=tmp_path / "r2")
    assert outcome.row is not None and outcome.after > outcome.before
    row = json.loads((folder / "manifest.json").read_text())["models"][0]
    assert set(row["files"]) == set(row["second"]["files"]) == {"float", "int8", "keras"}
    assert all((folder / file["file"]).exists() for file in row["second"]["files"].values())
    assert row["second"]["halo"] == 3 and row["second"]["training"]["steps"] == 60


def test_a_direct_4x_network_grows_from_a_2x_one(photos, tmp_path):
    """Its trunk is the other's, its pairs are four times apart, and the program uses what comes out."""
    small = replace(CONFIG, patch=12)
    run_recipe(small, [photos], out=tmp_path / "w", run=tmp_path / "r1")
    config = replace(CONFIG, name="tiny4", scale=4, patch=12, steps=60, check_every=60, batch=8, ema=0.9)
    outcome = run_recipe(
        config, [photos], out=tmp_path / "w", run=tmp_path / "r2", init=tmp_path / "w" / "tiny.keras"
    )
    assert outcome.before is None and outcome.row["scale"] == 4
    ((low, high),) = data.originals(picture_files([photos])[:1], config)
    assert high.shape == (4 * low.shape[0], 4 * low.shape[1])
    bicubic = psnr(219 * data.enlarge(low, 4)[4:-4, 4:-4], 219 * high[4:-4, 4:-4])
    assert outcome.after > bicubic + 0.2
    big = upscale(np.zeros((9, 10, 3), np.uint8), model=str(tmp_path / "w" / "tiny4.tflite"), scale=4)
    assert big.shape == (36, 40, 3)


@pytest.mark.parametrize("depth", [0, 1])
def test_a_4x_network_of_a_models_name_makes_its_first_two_passes_in_one(
    photos, tmp_path, monkeypatch, depth
):
    """It stands in the same row, which keeps it when the 2x network is trained again. It starts from that
    network unless it is the smaller one."""
    folder = tmp_path / "w"
    small = replace(CONFIG, patch=12)
    run_recipe(small, [photos], out=folder, run=tmp_path / "r1")
    config = replace(small, scale=4, depth=depth, steps=60, check_every=60, batch=8, ema=0.9)
    assert (stem_of(small, folder), stem_of(config, folder)) == ("tiny", "tiny-direct")
    row = run_recipe(config, [photos], out=folder, run=tmp_path / "r2").row
    assert (row["scale"], row["direct"]["scale"]) == (2, 4)
    assert row["direct"]["training"]["steps"] == 60
    longer = replace(small, steps=60, check_every=60, batch=8, ema=0.9, seed=5)
    again = run_recipe(longer, [photos], out=folder, run=tmp_path / "r3").row
    assert again is not None and again["direct"] == row["direct"]
    monkeypatch.setenv("UPSCALE_MODELS", str(folder))
    pixels = np.random.default_rng(1).integers(0, 256, (20, 22, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        Upscaler(Settings(model="tiny", scale=4, precision="float"))(pixels),
        upscale(pixels, model=str(folder / "tiny-direct.tflite"), scale=4),
    )


@pytest.mark.parametrize("scale", [0, 3, 8])
def test_one_pass_enlarges_by_two_or_four(photos, tmp_path, scale):
    with pytest.raises(UsageError, match=f"no network enlarges by {scale}"):
        run_recipe(replace(CONFIG, scale=scale), [photos], out=tmp_path, run=tmp_path / "r")


def test_second_passes_enlarge_by_two(photos, tmp_path):
    config = replace(CONFIG, second=True, scale=4)
    with pytest.raises(UsageError, match="passes enlarge by 2"):
        run_recipe(config, [photos], out=tmp_path, run=tmp_path / "r")


def test_second_passes_have_no_teacher(photos, tmp_path):
    config = replace(CONFIG, second=True, teacher="fsrcnn-m")
    with pytest.raises(UsageError, match="not what a first pass makes"):
        run_recipe(config, [photos], out=tmp_path, run=tmp_path / "r")


def test_an_unknown_teacher_is_named(photos, tmp_path):
    with pytest.raises(UnknownModelError, match="fsrcnn-xxl"):
        run_recipe(replace(CONFIG, teacher="fsrcnn-xxl"), [photos], out=tmp_path, run=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_fine_tuned_model_is_used_in_the_way_of_the_one_that_it_started_from():
    made, own = recipe("mine", zoo.find("fsrcnn-l", "keras")), preset("fsrcnn-l")
    assert made.views == own.views and own.views["int8"] > 1
    assert made.back_projection and own.back_projection
    other = recipe("mine", zoo.find("fsrcnn-s", "keras"))
    assert not other.views and not other.back_projection


def test_fine_tuning_refuses_a_file_without_layers(tmp_path):
    luma = keras.Input((None, None, 1))
    keras.Model(luma, keras.layers.ReLU()(luma)).save(tmp_path / "odd.keras")
    with pytest.raises(ModelError, match="not a network of this program"):
        fine_tune("x", tmp_path / "odd.keras")
