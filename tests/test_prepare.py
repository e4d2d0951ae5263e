"""Preparing a training folder: what is kept is unchanged, what is dropped is dropped for its own reason."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from upscale_cli.errors import MissingInputError, TargetError
from upscale_cli.originals import shrink
from upscale_cli.prepare import Plan, detail, prepare, unique_names


@pytest.fixture
def heap(tmp_path: Path) -> Path:
    """A folder with something of everything."""
    heap = tmp_path / "heap"
    (heap / "trip").mkdir(parents=True)
    astronaut = Image.fromarray(data.astronaut())
    astronaut.save(heap / "astronaut.png")
    astronaut.save(heap / "copy.tiff")
    astronaut.resize((200, 200)).save(heap / "thumbnail.jpg")
    Image.fromarray(data.coffee()).save(heap / "trip" / "coffee.png")
    Image.fromarray(data.chelsea()[:90]).save(heap / "narrow.png")
    Image.new("RGB", (300, 300), "teal").save(heap / "teal.png")
    clear = astronaut.convert("RGBA")
    clear.putalpha(128)
    clear.save(heap / "clear.png")
    (heap / "notes.txt").write_text("no picture")
    (heap / "cut.png").write_bytes((heap / "astronaut.png").read_bytes()[:50_000])
    return heap


def test_everything_is_kept_or_dropped_for_its_reason(heap: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "training"
    done = []
    report = prepare(heap, target, Plan(crop=0), on_picture=lambda: done.append(1))
    assert report.kept == {
        str(heap / "astronaut.png"): ["astronaut.webp"],
        str(heap / "trip" / "coffee.png"): ["trip__coffee.webp"],
    }
    assert sorted(path.name for path in target.iterdir()) == ["astronaut.webp", "trip__coffee.webp"]
    assert [(Path(drop.source).name, drop.reason) for drop in report.dropped] == [
        ("clear.png", "unsupported"),
        ("copy.tiff", "duplicate"),
        ("cut.png", "damaged"),
        ("narrow.png", "too-small"),
        ("notes.txt", "not-an-image"),
        ("teal.png", "flat"),
        ("thumbnail.jpg", "near-duplicate"),
    ]
    details = {Path(drop.source).name: drop.detail for drop in report.dropped}
    assert details["narrow.png"].startswith("451x90 pixels")
    assert details["copy.tiff"] == f"of {heap / 'astronaut.png'}"
    assert str(heap) not in details["cut.png"]
    assert len(done) == 9


@pytest.mark.parametrize("suffix", ["webp", "png", "tiff"])
def test_kept_pixels_are_the_source_s(suffix: str, heap: Path, tmp_path: Path) -> None:
    prepare(heap, tmp_path / "out", Plan(crop=0, format=suffix))
    kept = np.asarray(Image.open(tmp_path / "out" / f"astronaut.{suffix}"))
    np.testing.assert_array_equal(kept, data.astronaut())


def test_crops_are_cut_where_the_detail_is(tmp_path: Path) -> None:
    canvas = np.full((600, 900, 3), 70, np.uint8)
    canvas[40:340, 560:860] = data.astronaut()[:300, 100:400]
    (tmp_path / "in").mkdir()
    Image.fromarray(canvas).save(tmp_path / "in" / "one.png")
    report = prepare(tmp_path / "in", tmp_path / "out", Plan(crop=300, crops=4))
    (files,) = report.kept.values()
    assert "one_1.webp" in files and len(files) < 4  # the flat quarters are left out
    first = np.asarray(Image.open(tmp_path / "out" / "one_1.webp"))
    assert first.shape == (300, 300, 3)
    near = [canvas[y : y + 300, x : x + 300] for y in range(30, 51) for x in range(550, 571)]
    assert any(np.array_equal(first, square) for square in near)


def test_pictures_can_be_shrunk_first(heap: Path, tmp_path: Path) -> None:
    prepare(heap, tmp_path / "out", Plan(crop=128, crops=1, shrink=2))
    small = shrink(data.astronaut(), 2)
    crop = np.asarray(Image.open(tmp_path / "out" / "astronaut_1.webp"))
    windows = np.lib.stride_tricks.sliding_window_view(small[:, :, 0], (128, 128))
    assert (windows == crop[:, :, 0]).all(axis=(2, 3)).any()


def test_detail_is_what_shrinking_loses() -> None:
    assert detail(np.full((33, 40, 3), 77, np.uint8)).max() == 0
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 64, 1))
    assert detail(np.ascontiguousarray(ramp))[4:-4].max() < 0.1
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 200).astype(np.uint8)[:, :, None]
    np.testing.assert_allclose(detail(board), 100, atol=0.01)


def test_names_do_not_collide() -> None:
    top = Path("top")
    paths = [top / "a.png", top / "a.jpg", top / "b" / "a.jpg", top / "b__a.jpg", top / "x.tar.gz"]
    names = unique_names(paths, top)
    assert sorted(names) == sorted(paths)
    assert len(set(names.values())) == len(paths)
    assert (names[top / "a.jpg"], names[top / "a.png"]) == ("a", "a-png")


def test_a_way_too_long_for_a_name_is_cut(tmp_path: Path) -> None:
    """Folders are part of the name; what tells pictures apart may be in the part that is cut off."""
    folders = ["ü" * 100 + one for one in "ab"]
    for folder in folders:
        (tmp_path / "in" / folder / folders[1]).mkdir(parents=True)
    Image.fromarray(data.astronaut()[:200, :200]).save(tmp_path / "in" / folders[0] / folders[1] / "a.png")
    Image.fromarray(data.coffee()[:200, :200]).save(tmp_path / "in" / folders[1] / folders[1] / "a.png")
    report = prepare(tmp_path / "in", tmp_path / "out", Plan(crop=128, crops=2))
    made = [name for names in report.kept.values() for name in names]
    assert len(report.kept) == 2 and not report.dropped
    assert sorted(made) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert all(name.endswith(("üb__a_1.webp", "üb__a_2.webp")) for name in made)


def test_squares_and_small_pictures_have_names_of_their_own(tmp_path: Path) -> None:
    """What is called like a square of another picture does not take its place."""
    (tmp_path / "in").mkdir()
    Image.fromarray(data.astronaut()[:300, :300]).save(tmp_path / "in" / "a.png")
    Image.fromarray(data.coffee()[100:250, 200:350]).save(tmp_path / "in" / "a_1.png")
    report = prepare(tmp_path / "in", tmp_path / "out", Plan(crop=200))
    made = [name for names in report.kept.values() for name in names]
    assert len(report.kept) == 2
    assert sorted(made) == sorted(path.name for path in (tmp_path / "out").iterdir())


def test_a_picture_that_the_format_cannot_hold_is_dropped(tmp_path: Path) -> None:
    """It is too low for a square; where it can be cut, or the format holds more, it is kept."""
    (tmp_path / "in").mkdir()
    wide = np.tile(data.astronaut()[:100], (1, 33, 1))[:, :16_500]
    Image.fromarray(wide).save(tmp_path / "in" / "pano.png")
    Image.fromarray(data.coffee()[:200, :200]).save(tmp_path / "in" / "small.png")
    report = prepare(tmp_path / "in", tmp_path / "out", Plan(crop=200))
    assert [Path(path).name for path in report.kept] == ["small.png"]
    (drop,) = report.dropped
    assert drop.reason == "too-large" and "16500x100 pixels" in drop.detail and "WebP" in drop.detail
    for number, plan in enumerate((Plan(crop=96), Plan(crop=200, format="png"))):
        assert len(prepare(tmp_path / "in", tmp_path / f"out{number}", plan).kept) == 2


def test_targets_and_sources_that_are_refused(heap: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="not an empty folder"):
        prepare(heap, heap)
    with pytest.raises(TargetError, match="not an empty folder"):
        prepare(heap, heap / "notes.txt")
    with pytest.raises(MissingInputError, match="txt: not a folder"):
        prepare(heap / "notes.txt", tmp_path / "out")
    with pytest.raises(MissingInputError, match="nowhere: no such folder"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInputError, match="holds no files"):
        prepare(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_target_inside_the_source_is_not_read(heap: Path) -> None:
    (heap / "training").mkdir()
    report = prepare(heap, heap / "training", Plan(crop=0))
    assert len(report.kept) == 2
    assert not any("training" in Path(drop.source).parts for drop in report.dropped)
