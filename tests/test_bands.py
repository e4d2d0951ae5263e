"""One picture in flow: the bytes of the whole, whatever the format, and nothing left of what goes wrong."""

import errno
import math
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli import pipeline, tiler
from upscale_cli.errors import DamagedImageError, OutputError, ResultError
from upscale_cli.image_io import Picture, open_picture, rows, spool, stream, write_picture
from upscale_cli.pipeline import Settings, Upscaler, upscale_file


@pytest.fixture
def in_one_piece(monkeypatch):
    """`upscale_file`, by way of the whole picture in memory."""

    def work(*arguments, **more):
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "fits_bands", lambda *_: False)
            return upscale_file(*arguments, **more)

    return work


@pytest.mark.parametrize(
    ("channels", "dtype", "name", "settings"),
    [
        (3, np.uint8, "jpg", {}),
        (1, np.uint8, "jpg", {"scale": 4}),
        (3, np.uint8, "jpg", {"tile": 16, "overlap": 4}),
        (3, np.uint8, "png", {"scale": 4}),
        (3, np.uint16, "png", {"tile": 1000}),
        (1, np.uint16, "png", {}),
        (3, np.uint16, "tif", {}),
        (1, np.uint8, "tif", {}),
        (3, np.float32, "tif", {}),
        (3, np.uint8, "webp", {}),
        (3, np.uint8, "ppm", {"tile": 23, "threads": 1}),
        (3, np.uint8, "png", {"height": 302}),  # a pass; two for the picture on its side
        (3, np.uint8, "png", {"tile": 50}),  # the last band is of one row
    ],
)
def test_same_bytes_as_in_one_piece(tmp_path, in_one_piece, channels, dtype, name, settings):
    source, whole, bands = (tmp_path / f"{word}.{name}" for word in ("source", "whole", "bands"))
    write_picture(source, [draw(151, 93, channels, dtype)])
    upscaler = Upscaler(Settings(**{"tile": 40, **settings}))
    counted = []
    first = in_one_piece(source, whole, upscaler)
    second = upscale_file(source, bands, upscaler, on_tile=counted.append)
    assert whole.read_bytes() == bands.read_bytes()
    assert first.consistency == pytest.approx(second.consistency, abs=0.1)
    assert sum(counted) == 151 * 93


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (17, 3)])
def test_tiny_pictures(tmp_path, in_one_piece, size):
    write_picture(tmp_path / "a.png", [draw(*size)])
    upscaler = Upscaler(Settings(model="bicubic"))
    first = upscale_file(tmp_path / "a.png", tmp_path / "bands.png", upscaler)
    second = in_one_piece(tmp_path / "a.png", tmp_path / "whole.png", upscaler)
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "bands.png").read_bytes()
    assert first.consistency == pytest.approx(second.consistency, abs=0.01)


def test_a_picture_that_is_kept_as_it_is_agrees_without_bounds(tmp_path):
    write_picture(tmp_path / "a.png", [np.full((40, 30, 3), 90, np.uint8)])
    done = upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(model="bicubic", tile=16)))
    assert done.consistency == math.inf


def test_metadata_go_along(tmp_path, in_one_piece):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(draw(60, 90)).save(tmp_path / "a.jpg", exif=exif, dpi=(300, 300))
    upscaler = Upscaler(Settings(model="bicubic", tile=16))
    for name in ("jpg", "png", "tif"):
        upscale_file(tmp_path / "a.jpg", tmp_path / f"bands.{name}", upscaler)
        in_one_piece(tmp_path / "a.jpg", tmp_path / f"whole.{name}", upscaler)
        assert (tmp_path / f"whole.{name}").read_bytes() == (tmp_path / f"bands.{name}").read_bytes()
        assert open_picture(tmp_path / f"bands.{name}").metadata.exif


@pytest.mark.parametrize("in_memory", [0, 10**9])
def test_pictures_stored_turned(tmp_path, in_one_piece, monkeypatch, in_memory):
    monkeypatch.setattr(spool, "IN_MEMORY", in_memory)
    monkeypatch.setattr(rows, "IN_MEMORY", in_memory)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(draw(60, 90)).save(tmp_path / "a.jpg", exif=exif)
    upscaler = Upscaler(Settings(model="bicubic", tile=16))
    in_one_piece(tmp_path / "a.jpg", tmp_path / "whole.png", upscaler)
    upscale_file(tmp_path / "a.jpg", tmp_path / "new" / "bands.png", upscaler)
    whole, bands = (open_picture(tmp_path / name).pixels() for name in ("whole.png", "new/bands.png"))
    assert whole.shape == (180, 120, 3)
    np.testing.assert_array_equal(whole, bands)


def test_a_picture_stored_turned_is_unpacked_beside_its_target(tmp_path, monkeypatch):
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(draw(60, 90)).save(tmp_path / "a.png", exif=tags)
    for module in (spool, rows):
        monkeypatch.setattr(module, "IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(model="bicubic")))
    assert open_picture(tmp_path / "b.png").pixels().shape == (180, 120, 3)


def test_nothing_is_unpacked_in_the_current_folder_for_a_pipe(tmp_path, monkeypatch, capfdbinary):
    write_picture(tmp_path / "a.png", [draw(20, 10)])
    asked, rows_of = [], Picture.rows
    monkeypatch.setattr(Picture, "rows", lambda self, folder: asked.append(folder) or rows_of(self, folder))
    for target in ("-", tmp_path / "b.png"):
        upscale_file(tmp_path / "a.png", target, Upscaler(Settings(model="bicubic")))
    assert asked == [None, tmp_path]
    assert open_picture(capfdbinary.readouterr().out).pixels().shape == (40, 20, 3)


def test_threads_of_the_settings_hold(tmp_path, monkeypatch):
    write_picture(tmp_path / "a.png", [draw(20, 10)])
    asked, work = [], tiler.upscale_bands
    monkeypatch.setattr(tiler, "upscale_bands", lambda *a, **k: asked.append(a[4].threads) or work(*a, **k))
    upscaler = Upscaler(Settings(model="bicubic", threads=3))
    for threads in (0, 2):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", upscaler, threads=threads)
    assert asked == [3, 2]


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_damage_found_late_leaves_no_file(tmp_path, suffix):
    write_picture(tmp_path / f"a.{suffix}", [draw(300, 90)])
    data = (tmp_path / f"a.{suffix}").read_bytes()
    (tmp_path / f"a.{suffix}").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DamagedImageError, match="cut short"):
        upscale_file(
            tmp_path / f"a.{suffix}", tmp_path / "b.png", Upscaler(Settings(model="bicubic", tile=16))
        )
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_a_failure_ends_the_network_s_threads(tmp_path, monkeypatch):
    write_picture(tmp_path / "a.png", [draw(300, 90)])
    before = cv2.getNumThreads(), set(threading.enumerate())

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("upscale_cli.image_io.savers.Saver.save_stream", full)
    with pytest.raises(OutputError, match="No space"):  # what was raised is still held by pytest afterwards
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(model="bicubic", tile=16)))
    assert cv2.getNumThreads() == before[0]
    assert set(threading.enumerate()) <= before[1]  # one of an earlier test may have ended meanwhile
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_no_more_than_a_few_bands_are_made_ahead(tmp_path, monkeypatch):
    """An encoder that stands still stops the network."""
    write_picture(tmp_path / "a.png", [draw(400, 20)])
    made, going_on = [], threading.Event()
    read = stream.RowStream._read

    def waiting(self, size):
        if self.begun:
            going_on.wait(60)
        return read(self, size)

    monkeypatch.setattr(stream.RowStream, "_read", waiting)
    upscaler = Upscaler(Settings(model="bicubic", tile=10, threads=1))
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(
            upscale_file, tmp_path / "a.png", tmp_path / "b.png", upscaler, on_tile=made.append
        )
        time.sleep(1)
        ahead = sum(made)
        going_on.set()
        work.result(60)
    assert 0 < ahead < sum(made) / 2


def test_garbage_is_found_in_its_band_and_leaves_no_file(tmp_path, monkeypatch):
    write_picture(tmp_path / "a.png", [draw(150, 90) // 2 + 100])
    plain = pipeline.upscale_in_bands.__globals__["tiler"].upscale_bands

    def spoilt(*arguments, **more):
        for number, band in enumerate(plain(*arguments, **more)):
            yield band * 0 if number == 2 else band

    monkeypatch.setattr("upscale_cli.bands.tiler.upscale_bands", spoilt)
    with pytest.raises(ResultError):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(model="bicubic", tile=16)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
