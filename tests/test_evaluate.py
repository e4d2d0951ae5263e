"""Evaluation: the protocol against Pillow's and scikit-image's arithmetic, and what odd files do to it."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from upscale_cli.errors import (
    DamagedImageError,
    MissingInputError,
    NotAnImageError,
    ScaleError,
    UnsupportedImageError,
)
from upscale_cli.evaluate import ImageScore, Score, evaluate, measure, read_measurable
from upscale_cli.originals import bicubic

SHARED = Path(__file__).parents[2] / "shared" / "data" / "test"


def double(pixels: np.ndarray) -> np.ndarray:
    return bicubic(pixels, 2 * pixels.shape[0], 2 * pixels.shape[1])


def nearest(pixels: np.ndarray) -> np.ndarray:
    return pixels.repeat(2, axis=0).repeat(2, axis=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photographs with odd sides, one in colour and one grey."""
    Image.fromarray(data.astronaut()[:121, 150:301]).save(tmp_path / "astronaut.png")
    Image.fromarray(data.camera()[100:233, 150:255]).save(tmp_path / "camera.png")
    return tmp_path


def pillow_bicubic(path: Path, scale: int) -> float:
    """PSNR on luma of Pillow's bicubic, written out with other people's functions."""
    original = Image.open(path).convert("RGB")
    original = original.crop((0, 0, original.width // scale * scale, original.height // scale * scale))
    small = original.resize((original.width // scale, original.height // scale), Image.Resampling.BICUBIC)
    large = small.resize(original.size, Image.Resampling.BICUBIC)
    x, y = (rgb2ycbcr(np.asarray(picture))[scale:-scale, scale:-scale, 0] for picture in (original, large))
    return float(peak_signal_noise_ratio(x, y, data_range=255))


def test_bicubic_scores_what_pillow_scores(folder: Path) -> None:
    found = evaluate(folder, {"bicubic": double, "nearest": nearest}, 2)
    score = found.scores["bicubic"]
    assert found.skipped == {}
    assert [image.file for image in score.images] == ["astronaut.png", "camera.png"]
    for image in score.images:
        assert image.psnr == pytest.approx(pillow_bicubic(folder / image.file, 2), abs=0.003)
    assert found.scores["nearest"].psnr < score.psnr - 1
    assert found.scores["nearest"].ssim < score.ssim


@pytest.mark.skipif(not SHARED.is_dir(), reason="the literature's test sets are not here")
@pytest.mark.parametrize(
    ("name", "scale", "decibels"),
    [("Set5", 2, 33.67), ("Set14", 2, 30.32), ("Set5", 4, 28.43), ("Set14", 4, 26.09)],
)
def test_bicubic_reads_the_published_figures(name: str, scale: int, decibels: float) -> None:
    def enlarge(pixels: np.ndarray) -> np.ndarray:
        return bicubic(pixels, scale * pixels.shape[0], scale * pixels.shape[1])

    assert round(evaluate(SHARED / name, {"": enlarge}, scale).scores[""].psnr, 2) == decibels


def test_perfect_enlargement_is_infinite_and_others_average() -> None:
    flat = np.full((40, 44, 3), 90, np.uint8)
    score = measure(flat, flat[::2, ::2], nearest, name="flat")
    assert (score.file, score.psnr, score.pixels) == ("flat", math.inf, 40 * 44)
    assert score.ssim == pytest.approx(1)
    images = tuple(ImageScore(f"{db}", db, db / 50, 0.5, 1_000_000) for db in (30.0, 20.0, 40.0))
    total = Score(images)
    assert (total.psnr, total.seconds, total.megapixels_per_second) == (30.0, 1.5, 2.0)
    assert total.ssim == pytest.approx(0.6)
    assert [image.file for image in total.worst(2)] == ["20.0", "30.0"]


@pytest.mark.parametrize("scale", [2, 4])
def test_as_many_pixels_as_the_scale_are_left_out(scale: int) -> None:
    original = np.full((40, 48, 3), 90, np.uint8)
    result = original.copy()
    result[:scale] = result[:, -scale:] = 0
    assert measure(original, original[::scale, ::scale], lambda _: result).psnr == math.inf
    result[scale, scale] = 0
    assert measure(original, original[::scale, ::scale], lambda _: result).psnr < 100


def test_the_smallest_original(tmp_path: Path) -> None:
    """It is cropped to a multiple of the scale, and large enough after that."""
    path = tmp_path / "a.png"
    Image.new("RGB", (41, 16)).save(path)
    assert read_measurable(path, 2).shape == (16, 40, 3)
    for size in ((40, 15), (15, 40), (15, 15)):
        Image.new("RGB", size).save(path)
        with pytest.raises(UnsupportedImageError, match=f"{size[0]}x{size[1]} pixels are too few"):
            read_measurable(path, 2)


def test_what_cannot_be_measured_is_listed(folder: Path) -> None:
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden").write_text("not looked at")
    (folder / "sub").mkdir()
    Image.new("RGB", (14, 200)).save(folder / "thin.png")
    done = []
    found = evaluate(folder, {"nearest": nearest}, 2, on_picture=lambda: done.append(1))
    assert list(found.skipped) == ["notes.txt", "thin.png"]
    assert "14x200 pixels are too few" in found.skipped["thin.png"]
    assert len(found.scores["nearest"].images) == 2
    assert len(done) == 4


def test_a_damaged_original_stops_the_evaluation(folder: Path) -> None:
    whole = (folder / "camera.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedImageError, match=r"cut\.png"):
        evaluate(folder, {"nearest": nearest}, 2)


def test_folders_without_originals(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nowhere: no such folder"):
        evaluate(tmp_path / "nowhere", {"nearest": nearest}, 2)
    with pytest.raises(MissingInputError, match="empty"):
        evaluate(tmp_path, {"nearest": nearest}, 2)
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(NotAnImageError, match="none of its files") as caught:
        evaluate(tmp_path, {"nearest": nearest}, 2)
    assert "folder" in caught.value.hint
    with pytest.raises(MissingInputError, match="not a folder"):
        evaluate(tmp_path / "notes.txt", {"nearest": nearest}, 2)


def test_scale_one_measures_nothing(folder: Path) -> None:
    with pytest.raises(ScaleError, match="scale 1"):
        evaluate(folder, {"nearest": nearest}, 1)


def test_a_size_in_a_message_is_the_files_own(tmp_path):
    Image.new("L", (200, 1)).save(tmp_path / "line.png")
    with pytest.raises(NotAnImageError, match=r"line.png: 200x1 pixels are too few"):
        evaluate(tmp_path, {"double": double}, 2)
