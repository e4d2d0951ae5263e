"""What the tests of several runtimes ask of each."""

import numpy as np

from tests.conftest import draw
from upscale_cli.tiler import Tiling, upscale


def batch(height, width, count=1):
    return np.stack([draw(height, width, 1, np.float32, seed) for seed in range(count)])


def check_that_pictures_are_the_same_whatever_the_tiles(model):
    for height, width in ((1, 1), (1, 9), (9, 1)):
        assert upscale(draw(height, width), model).shape == (height * model.scale, width * model.scale, 3)
    picture = draw(150, 163)
    expected = upscale(picture, model, Tiling())
    for tiling in (Tiling(tile=8), Tiling(tile=70, batch=2), Tiling(tile=47, threads=1), Tiling(threads=5)):
        assert np.array_equal(upscale(picture, model, tiling), expected)
