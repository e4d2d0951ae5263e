"""Whether a WebP was stored without loss, and that its result then is, too."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw
from upscale_cli.image_io import open_picture, webp
from upscale_cli.image_io.encode import SaveOptions, write_picture


def encoded(channels=3, frames=1, **options):
    pictures = [Image.fromarray(draw(20, 30, channels, seed=n)) for n in range(frames)]
    file = io.BytesIO()
    pictures[0].save(file, "WEBP", save_all=frames > 1, append_images=pictures[1:], **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("options", [{}, {"icc_profile": b"x" * 131}])
@pytest.mark.parametrize("lossless", [False, True])
def test_told_apart(channels, frames, options, lossless):
    data = encoded(channels, frames, lossless=lossless, **options)
    assert webp.is_lossless(data) == lossless
    for end in (0, 12, 19, 40):
        webp.is_lossless(data[:end])


def test_a_lossless_source_has_a_lossless_result_unless_quality_is_asked_for(tmp_path):
    like = open_picture(encoded(lossless=True))
    for options, exact in ((SaveOptions(), True), (SaveOptions(quality=90), False)):
        write_picture(tmp_path / "x.webp", [draw(20, 30)], like=like, options=options)
        assert np.array_equal(open_picture(tmp_path / "x.webp").pixels(), draw(20, 30)) == exact
    write_picture(tmp_path / "x.webp", [draw(20, 30)], like=open_picture(encoded()))
    assert not np.array_equal(open_picture(tmp_path / "x.webp").pixels(), draw(20, 30))
