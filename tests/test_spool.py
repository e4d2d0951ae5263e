"""Results in memory or in a file of raw samples: the same array, and no file left."""

import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.errors import OutputError
from upscale_cli.image_io import spool


@pytest.mark.parametrize("limit", [0, 10**9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_bands_become_one_array(limit, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "IN_MEMORY", limit)
    picture = draw(30, 20, 3, dtype)
    bands = (picture[top : top + 7, ::-1] for top in range(0, 30, 7))
    with spool.spooled(bands, picture.shape, dtype, tmp_path / "x.png") as whole:
        np.testing.assert_array_equal(whole, picture[:, ::-1])
        assert len(list(tmp_path.iterdir())) == (limit == 0)
    assert list(tmp_path.iterdir()) == []


def test_the_file_goes_after_a_failure_too(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "IN_MEMORY", 0)

    def bands():
        yield draw(7, 20)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), spool.spooled(bands(), (30, 20, 3), np.uint8, tmp_path / "x.png"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_no_room_on_the_disk(tmp_path):
    shape = (10**6, 10**6, 3)
    with (
        pytest.raises(OutputError, match=r"needs 3000.0 GB"),
        spool.spooled([], shape, "u1", tmp_path / "x.png"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_no_such_folder(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), spool.raw_file(tmp_path / "gone" / "x", 1):
        pass
