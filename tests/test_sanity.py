import cv2
import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.errors import ResultError
from upscale_cli.sanity import consistency


def enlarged(pixels, scale=2):
    size = (pixels.shape[1] * scale, pixels.shape[0] * scale)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC).reshape(size[1], size[0], pixels.shape[2])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (64, 50), (33, 7)])
def test_sound_results_pass_in_every_type(dtype, channels, shape):
    pixels = draw(*shape, channels, dtype)
    assert consistency(pixels, enlarged(pixels)) > 30


@pytest.mark.parametrize("channels", [1, 3])
def test_figure_is_the_definition(channels):
    source = np.full((16, 16, channels), 100, np.uint8)
    result = np.full((32, 32, channels), 102, np.uint8)
    assert consistency(source, result) == pytest.approx(10 * np.log10(255**2 / 4))
    assert consistency(source, np.full((32, 32, channels), 100, np.uint8)) == np.inf


@pytest.mark.parametrize(
    "pattern",
    [
        np.indices((32, 32)).sum(0) % 2,  # the finest there is: no enlarger keeps its contrast
        np.indices((32, 32))[0] % 2,
        (np.indices((32, 32)) % 4 == 0).all(0),
        np.random.default_rng(0).integers(0, 2, (32, 32)),
    ],
)
def test_extreme_detail_passes(pattern):
    pixels = (pattern * 255).astype(np.uint8)[..., None]
    consistency(pixels, enlarged(pixels))


@pytest.mark.parametrize("spoil", ["black", "white", "one tile", "shuffled", "inverted"])
def test_garbage_is_refused(spoil):
    pixels = draw(64, 64)
    result = enlarged(pixels)
    if spoil == "black":
        result[:] = 0
    elif spoil == "white":
        result[:] = 255
    elif spoil == "one tile":
        result[32:64, 32:64] = 0
    elif spoil == "shuffled":
        result = np.ascontiguousarray(result[:, ::-1])
    else:
        result = 255 - result
    with pytest.raises(ResultError):
        consistency(pixels, result)


def test_values_that_are_no_numbers_are_refused():
    pixels = draw(16, 16, dtype=np.float32)
    result = enlarged(pixels)
    result[3, 3] = np.nan
    with pytest.raises(ResultError, match="finite"):
        consistency(pixels, result)
