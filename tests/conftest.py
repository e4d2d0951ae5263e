"""Pictures drawn on the spot, a tiny network made of numpy, and the shipped models."""

from __future__ import annotations

import itertools
import os

import cv2
import numpy as np
import pytest
from hypothesis import settings

from tests.command import paint
from upscale_cli import zoo
from upscale_cli.model import inner
from upscale_cli.runtimes import open_model

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


def draw(height, width, channels=3, dtype=np.uint8, seed=0):
    """A picture with smooth parts, edges and noise, (height, width, channels) of ``dtype``."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    planes = []
    for _ in range(channels):
        a, b, phase, level = rng.uniform(0.02, 0.3, 4)
        plane = 0.5 + 0.3 * np.sin(a * x + b * y + 9 * phase) + 0.15 * (np.hypot(x - 20, y - 30) < 60 * level)
        planes.append(plane + rng.normal(0, 0.03, plane.shape))
    values = np.clip(np.stack(planes, axis=2), 0, 1).astype(np.float32)
    if dtype == np.float32:
        return values
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


class TinyNetwork:
    """Three random 3x3 convolutions and a depth-to-space: a residual model of scale 2 with halo 3.

    Every value is a sum of products in a fixed order, so it does not depend on its place in the window;
    beyond the window the network sees zeros, as real ones do.
    """

    scale, channels, residual, halo = 2, 1, True, 3

    def __init__(self, seed=0, width=4):
        rng = np.random.default_rng(seed)
        sizes = [1, width, width, 4]
        self.kernels = [
            rng.normal(0, 0.4, (3, 3, a, b)).astype(np.float32) for a, b in itertools.pairwise(sizes)
        ]

    def __call__(self, batch, *, spare=0):
        values = batch
        for number, kernel in enumerate(self.kernels):
            padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
            height, width = values.shape[1:3]
            values = np.zeros((*values.shape[:3], kernel.shape[3]), np.float32)
            for dy, dx, c in np.ndindex(kernel.shape[:3]):
                values += padded[:, dy : dy + height, dx : dx + width, c : c + 1] * kernel[dy, dx, c]
            if number + 1 < len(self.kernels):
                np.maximum(values, 0, out=values)
        count, height, width = values.shape[:3]
        phases = values.reshape(count, height, width, 2, 2).transpose(0, 1, 3, 2, 4)
        return inner(np.float32(0.1) * phases.reshape(count, 2 * height, 2 * width, 1), 2 * spare)


class Facts:
    """A model with some of its facts told differently."""

    def __init__(self, model, **facts):
        self.model = model
        for name in ("scale", "channels", "halo", "residual"):
            setattr(self, name, facts.get(name, getattr(model, name)))

    def __call__(self, batch, *, spare=0):
        return inner(self.model(batch), self.scale * spare)


@pytest.fixture
def tiny():
    """A random network of numpy, scale 2, halo 3."""
    return TinyNetwork()


@pytest.fixture(scope="session", params=["float", "int8"])
def shipped(request):
    """The default model that comes with the package, in both precisions."""
    return open_model(zoo.find(precision=request.param))


@pytest.fixture(
    scope="session", params=["float", "int8", "float, two passes in one", "int8, two passes in one"]
)
def each_shipped(request):
    """The default model as `shipped`, and its weights for two passes in one."""
    precision, _, direct = request.param.partition(", ")
    card = zoo.find(precision=precision)
    return open_model(zoo.direct(card) if direct else card)


@pytest.fixture
def one_thread_opencv():
    """OpenCV's own thread count, put back after the test."""
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """An empty current folder, without options of ours in variables or in the user's configuration."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("UPSCALE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def quick_folder(empty_folder, monkeypatch):
    """The same with a picture of 10×8, a.png, and a model that is quick."""
    monkeypatch.setenv("UPSCALE_MODEL", "bicubic")
    paint(empty_folder / "a.png", 10, 8)
    return empty_folder
