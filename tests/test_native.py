"""The compiled kernels, against the same sums in numpy and OpenCV."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli import native, window
from upscale_cli.color import luma
from upscale_cli.geometry import Region
from upscale_cli.window import Composer

if native.compiled is None:
    pytest.skip("the package was built without a C compiler", allow_module_level=True)
kernels = native.compiled
KINDS = {"": [], "vnni": ["vnni"], "amx": ["vnni", "amx"]}[kernels.KIND]


def details(height, width, seed=1):
    """An answer of a network: a few grey levels up and down, and some large ones."""
    values = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    return values * np.float32(0.02) + (np.abs(values) > 3) * np.sign(values)


def test_luma_is_that_of_the_other_path():
    pixels = draw(21, 37)
    out = np.empty((21, 37), np.float32)
    kernels.luma(pixels, out)
    np.testing.assert_allclose(out, luma(pixels.astype(np.float32))[..., 0] / 255, atol=1e-6)
    view = np.empty((5, 9), np.float32)
    kernels.luma(pixels[3:8, 11:20], view)
    assert np.array_equal(view, out[3:8, 11:20])


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (9, 23), (40, 64), (3, 131)])
def test_windows_are_composed_as_by_opencv(scale, height, width, monkeypatch):
    model = SimpleNamespace(scale=scale, channels=1, residual=True, halo=4)
    pixels, answer = draw(height + 11, width + 9), details(height * scale, width * scale)
    pixels[: height // 2] //= 16  # dark and light, so that sums are clipped
    area, results = Region(6, 4, height, width), []
    spare = np.zeros((scale * (height + 11), scale * (width + 9), 1), np.float32)
    spare[area.scaled(scale).slices] = answer[..., None]
    for compiled in (kernels, None):
        monkeypatch.setattr(window, "compiled", compiled)
        out = np.empty((scale * height, scale * width, 3), np.uint8)
        Composer(model, 3, np.uint8).compose(pixels, spare, area, out)
        results.append(out.astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1  # halves: OpenCV adds in another order at 4x
    assert (results[0] != results[1]).mean() < 1e-3


@pytest.mark.parametrize("scale", [2, 4])
def test_every_width_of_registers_gives_the_same_bytes(scale):
    pixels, answer = draw(50, 90), details(42 * scale, 82 * scale)
    results = []
    for registers in (0, 16, 32, 64):
        out = np.empty((42 * scale, 82 * scale, 3), np.uint8)
        kernels.add_detail(pixels, 4, 4, scale, answer, out, registers)
        results.append(out)
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_a_pixel_has_the_same_bytes_wherever_it_lies():
    pixels, answer = draw(40, 100), details(64, 184)
    whole = np.empty((64, 184, 3), np.uint8)
    kernels.add_detail(pixels, 4, 4, 2, answer, whole)
    for y, x, height, width in ((0, 0, 1, 1), (3, 7, 9, 17), (20, 41, 12, 51), (31, 91, 1, 1)):
        part = np.zeros((2 * height, 2 * width + 5, 3), np.uint8)
        there = slice(2 * y, 2 * (y + height)), slice(2 * x, 2 * (x + width))
        kernels.add_detail(pixels[y:], 4, 4 + x, 2, answer[there], part[:, : 2 * width])
        assert np.array_equal(part[:, : 2 * width], whole[there])
        assert not part[:, 2 * width :].any()  # nothing is written beside it


@pytest.mark.parametrize(
    ("place", "answer", "out"),
    [
        ((3, 4), (4, 4), (4, 4, 3)),  # too near to the window's borders
        ((4, 3), (4, 4), (4, 4, 3)),
        ((15, 4), (4, 4), (4, 4, 3)),
        ((4, 15), (4, 4), (4, 4, 3)),
        ((-4, 4), (4, 4), (4, 4, 3)),
        ((4, 4), (4, 6), (4, 4, 3)),  # shapes that differ
        ((4, 4), (5, 5), (5, 5, 3)),  # half a pixel
        ((4, 4), (4, 4), (4, 4, 1)),
    ],
)
def test_places_outside_are_refused(place, answer, out):
    with pytest.raises(ValueError, match="do not fit together"):
        kernels.add_detail(draw(20, 20), *place, 2, np.zeros(answer, np.float32), np.zeros(out, np.uint8))


def test_other_arrays_are_refused():
    pixels, answer, out = draw(20, 20), np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8)
    for wrong in (pixels.astype(np.float32), pixels[..., 0], pixels[:, ::2], pixels[::-1], pixels[:, :0]):
        with pytest.raises(ValueError, match="dimensions of 'B'"):
            kernels.add_detail(wrong, 4, 4, 2, answer, out)
    with pytest.raises(ValueError, match="dimensions of 'f'"):
        kernels.add_detail(pixels, 4, 4, 2, answer.astype(np.float64), out)
    with pytest.raises(TypeError):
        kernels.add_detail(pixels, 4, 4, 2, None, out)
    out.flags.writeable = False
    with pytest.raises((ValueError, BufferError), match=r"read-only|writable"):
        kernels.add_detail(pixels, 4, 4, 2, answer, out)
    with pytest.raises(ValueError, match="do not fit"):
        kernels.luma(pixels, np.empty((20, 19), np.float32))


class Chain:
    """A random network of int8 convolutions, as ``prepare`` takes it and as numpy computes it."""

    def __init__(self, block, *widths, seed=0):
        rng = np.random.default_rng(seed)
        self.block, channels = block, 4
        self.slopes, self.starts = rng.uniform(100, 250, 4).astype(np.float32), np.float32([0, 3, 5.25, 9])
        self.layers, shapes, weights, factors = [], [], [], [self.slopes, self.starts]
        for number, filters in enumerate(widths):
            taps = rng.integers(-127, 128, (filters, 3, 3, channels))
            zero, low, last = int(rng.integers(0, 9)), int(rng.integers(0, 9)), number + 1 == len(widths)
            factor = (rng.uniform(0.5, 1.5, filters) / (60 * np.sqrt(9 * channels) * 40)).astype(np.float32)
            offset = rng.uniform(0, 90, filters).astype(np.float32)
            if last and block == 2:
                factor, offset = rng.standard_normal((8, 4)).astype(np.float32) / 9e6, offset[:4] / 500
            elif last:
                factor, offset = factor / 255, offset / 500
            self.layers.append((taps, zero, low, factor, offset, last))
            shapes.append((channels, filters, zero, low))
            rows = np.zeros((filters, 3, -(-3 * channels // 64) * 64), np.int8)
            rows[:, :, : 3 * channels] = taps.reshape(filters, 3, -1)
            groups = rows.reshape(filters // 16, 16, 3, -1, 16, 4).transpose(0, 2, 3, 4, 1, 5)
            weights.append(groups.ravel())
            times = 1 if last else int(np.lcm(64, filters)) // filters
            factors += [np.tile(factor.ravel(), times), np.tile(offset, times)]
            channels = filters
        arrays = np.array(shapes, np.int32), np.concatenate(weights), np.concatenate(factors)
        self.prepared = kernels.prepare(block, *arrays)

    def run(self, kind, plane, answer):
        memory = np.full(kernels.workspace(self.prepared, plane.shape[1]), 200, np.uint8)
        kernels.run(self.prepared, kind, plane, memory, answer)

    def expected(self, plane, padded):
        """(scale*H, scale*W) float32; sums as integers, the rest in float64."""
        q = np.clip(np.rint(plane[..., None].astype(np.float64) * self.slopes + self.starts), 0, 255)
        for taps, zero, low, factor, offset, last in self.layers:
            if padded:
                q = np.pad(q, ((1, 1), (1, 1), (0, 0)), constant_values=zero)
            windows = np.lib.stride_tricks.sliding_window_view(q, (3, 3), (0, 1))
            sums = np.einsum("yxcrs,frsc->yxf", windows, taps, optimize=True)
            if last:
                values = sums[..., :8] @ factor + offset if self.block == 2 else sums * factor + offset
            else:
                q = np.clip(np.maximum(np.rint(sums * factor + offset), low), 0, 255)
        height, width = values.shape[:2]
        squares = values.reshape(height, width, self.block, self.block)
        return squares.swapaxes(1, 2).reshape(height * self.block, width * self.block)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("block", "widths"),
    [
        (2, (16,)),
        (4, (16, 16)),
        (2, (16, 32, 48, 16)),
        (2, (64, 64, 16, 16)),
        (4, (128, 48, 32, 16)),
        (2, (48, 16)),
    ],
)
@pytest.mark.parametrize("padded", [True, False])
def test_networks_are_what_numpy_computes(kind, block, widths, padded):
    chain = Chain(block, *widths)
    for height, width in ((9, 9), (10, 33), (13, 150), (12, 64 + 2 * len(widths))):
        plane = np.random.default_rng(height).random((height, width), dtype=np.float32)
        expected = chain.expected(plane, padded)
        answer = np.full(expected.shape, np.nan, np.float32)
        chain.run(kind, plane, answer)
        difference = np.abs(answer - expected)
        # sums that lie halfway between two bytes may be rounded to the other one
        assert np.median(difference) < 1e-5 * np.abs(expected).max()
        assert (difference > 1e-3 * np.abs(expected).max()).mean() < 0.03
        assert difference.max() < 0.1 * np.abs(expected).max()


@pytest.mark.skipif(len(KINDS) < 2, reason="the CPU has no matrix unit")
def test_both_kinds_give_the_same_bits():
    chain = Chain(2, 64, 32, 16, 48, 16)
    plane = np.random.default_rng(1).random((41, 77), dtype=np.float32)
    answers = [np.empty((82, 154), np.float32) for _ in KINDS]
    for kind, answer in zip(KINDS, answers, strict=True):
        chain.run(kind, plane, answer)
    assert np.array_equal(*answers)


@pytest.mark.skipif(not KINDS, reason="the CPU has no VNNI")
def test_wrong_sizes_and_kinds_are_refused():
    chain, plane = Chain(2, 16, 16), np.zeros((20, 20), np.float32)
    for shape in ((40, 41), (38, 38), (20, 20)):
        with pytest.raises(ValueError, match="do not fit"):
            chain.run(KINDS[0], plane, np.empty(shape, np.float32))
    with pytest.raises(ValueError, match="do not fit"):  # nothing would be left
        chain.run(KINDS[0], plane[:4], np.empty((1, 32), np.float32))
    with pytest.raises(ValueError, match="do not fit"):  # a view with gaps
        chain.run(KINDS[0], np.zeros((20, 40), np.float32)[:, :20], np.empty((40, 40), np.float32))
    with pytest.raises(ValueError, match="no 'neon'"):
        chain.run("neon", plane, np.empty((40, 40), np.float32))
    answer, memory = np.empty((40, 40), np.float32), np.empty(10**6, np.uint8)
    with pytest.raises(ValueError, match="PyCapsule"):
        kernels.run(object(), KINDS[0], plane, memory, answer)
    enough = kernels.workspace(chain.prepared, 20)
    with pytest.raises(ValueError, match="do not fit"):
        kernels.run(chain.prepared, KINDS[0], plane, memory[: enough - 1], answer)
    kernels.run(chain.prepared, KINDS[0], plane, memory[:enough], answer)
    memory.flags.writeable = False
    with pytest.raises(ValueError, match="do not fit"):
        kernels.run(chain.prepared, KINDS[0], plane, memory, answer)


def arrays(shapes, weights=None, factors=None):
    """Arrays for ``prepare`` that fit the shapes, unless told otherwise."""
    size = sum(filters // 16 * 3 * -(-3 * channels // 64) * 1024 for channels, filters, _, _ in shapes)
    numbers = 8 + sum(2 * int(np.lcm(64, filters)) for _, filters, _, _ in shapes[:-1]) + 36
    return (
        np.array(shapes, np.int32),
        np.zeros(size if weights is None else weights, np.int8),
        np.zeros(numbers if factors is None else factors, np.float32),
    )


def test_layers_that_do_not_fit_together_are_refused():
    good = [(4, 32, 0, 0), (32, 16, 0, 0)]
    kernels.prepare(2, *arrays(good))
    for block, wrong in (
        (3, arrays(good)),
        (4, arrays(good)),  # has other factors
        (2, arrays(good, weights=1024)),
        (2, arrays(good, factors=100)),
        (2, arrays(good, factors=1000)),
        (2, arrays([(4, 32, 0, 0), (16, 16, 0, 0)])),
        (2, arrays([(16, 16, 0, 0)])),
        (2, arrays([(4, 24, 0, 0), (24, 16, 0, 0)])),
        (2, arrays([(4, 144, 0, 0), (144, 16, 0, 0)])),
        (2, arrays([(4, 32, 0, 0)])),
        (2, arrays([(4, 16, 0, 0)] + [(16, 16, 0, 0)] * 64)),
        (2, (np.zeros((0, 4), np.int32), np.zeros(0, np.int8), np.zeros(44, np.float32))),
    ):
        with pytest.raises(ValueError, match="do not make a network"):
            kernels.prepare(block, *wrong)


def test_without_the_compiled_module_the_package_works(tmp_path):
    code = (
        "import sys; sys.modules['upscale_cli._native'] = None\n"
        "import numpy as np, upscale_cli\n"
        "from upscale_cli import native\n"
        "assert native.compiled is None and native.arithmetic() == ''\n"
        "picture = np.zeros((20, 30, 3), np.uint8)\n"
        "print(upscale_cli.upscale(picture, model='fsrcnn-s', precision='int8').shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "(40, 60, 3)\n"
