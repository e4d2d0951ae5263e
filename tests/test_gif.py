"""GIF's structure against files that Pillow writes."""

import io

import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError
from upscale_cli.image_io import gif, open_picture


def moving(count=3):
    """An animation whose frames are long enough for several sub-blocks."""
    frames, file = [Image.fromarray(draw(40, 50, seed=n)).convert("P") for n in range(count)], io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def test_a_file_cut_anywhere_is_known():
    data = moving()
    assert not gif.is_cut_short(data)
    assert not gif.is_cut_short(data[:-1])  # the end mark
    assert not gif.is_cut_short(data + b"more")
    starts = {n for n in range(len(data)) if not gif.is_cut_short(data[:n])}
    assert len(starts) < 15  # only between two blocks can nothing be said
    assert gif.is_cut_short(data[: len(data) // 2])


@pytest.mark.parametrize("share", [0.4, 0.6, 0.95])
def test_an_animation_that_is_cut_short_is_refused(share):
    data = moving()
    with pytest.raises(DamagedImageError, match=r"x\.gif: the GIF data is cut short"):
        open_picture(data[: int(share * len(data))], name="x.gif")
