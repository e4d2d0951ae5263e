import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli import pipeline
from upscale_cli.errors import ResultError
from upscale_cli.image_io import open_picture, write_picture
from upscale_cli.pipeline import Settings, Upscaler, upscale_file


@pytest.fixture
def in_bands(monkeypatch):
    """Make `upscale_file` work in bands, whatever there is of memory."""
    return lambda: monkeypatch.setattr(pipeline, "check_request", lambda *_: True)


@pytest.mark.parametrize(
    ("channels", "dtype", "name", "settings"),
    [
        (3, np.uint8, "png", {}),
        (1, np.uint8, "png", {"scale": 4}),
        (3, np.uint16, "tif", {}),
        (3, np.uint8, "ppm", {"tile": 23, "threads": 1}),
        (3, np.uint8, "jpg", {"tile": 16, "overlap": 4}),
    ],
)
def test_same_bytes_as_in_one_piece(tmp_path, in_bands, channels, dtype, name, settings):
    source, whole, bands = (tmp_path / f"{word}.{name}" for word in ("source", "whole", "bands"))
    write_picture(source, [draw(150, 90, channels, dtype)])
    upscaler = Upscaler(Settings(**{"tile": 40, **settings}))
    first = upscale_file(source, whole, upscaler)
    in_bands()
    counted = []
    second = upscale_file(source, bands, upscaler, on_tile=counted.append)
    assert whole.read_bytes() == bands.read_bytes()
    assert first.consistency == pytest.approx(second.consistency)
    assert sum(counted) == 150 * 90


def test_pictures_stored_turned(tmp_path, in_bands):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(draw(60, 90)).save(tmp_path / "a.jpg", exif=exif)
    upscaler = Upscaler(Settings(model="bicubic", tile=16))
    upscale_file(tmp_path / "a.jpg", tmp_path / "whole.png", upscaler)
    in_bands()
    upscale_file(tmp_path / "a.jpg", tmp_path / "new" / "bands.png", upscaler)
    whole, bands = (open_picture(tmp_path / name).pixels() for name in ("whole.png", "new/bands.png"))
    assert whole.shape == (180, 120, 3)
    np.testing.assert_array_equal(whole, bands)


def test_garbage_is_found_in_its_band_and_leaves_no_file(tmp_path, in_bands, monkeypatch):
    write_picture(tmp_path / "a.png", [draw(150, 90) // 2 + 100])
    in_bands()
    plain = pipeline.upscale_in_bands.__globals__["tiler"].upscale_bands

    def spoilt(*arguments, **more):
        for number, band in enumerate(plain(*arguments, **more)):
            yield band * 0 if number == 2 else band

    monkeypatch.setattr("upscale_cli.bands.tiler.upscale_bands", spoilt)
    with pytest.raises(ResultError):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", Upscaler(Settings(model="bicubic", tile=16)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
