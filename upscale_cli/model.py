"""What a model is, and models made of models.

A *residual* model does not answer with a picture but with what must be added to the bicubic enlargement of
its input (`resample.double`, as often as its scale asks). Adding the residual of the luma to R, G and B
alike enlarges a colour picture: constants stay constant and grey stays neutral, whatever the network says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from upscale_cli.pixels import Batch
from upscale_cli.resample import DOUBLE_HALO, SHRINK_HALO, enlarge_batch, shrink_batch


class Model(Protocol):
    """Anything that enlarges a batch; calls from several threads at once must be allowed."""

    @property
    def scale(self) -> int:
        """Output pixels per input pixel, along each axis."""

    @property
    def channels(self) -> int:
        """1: luma; 3: RGB."""

    @property
    def halo(self) -> int | None:
        """How far, in input pixels, an output pixel can see; None = everywhere."""

    @property
    def residual(self) -> bool:
        """Whether the answer is to be added to the bicubic enlargement."""

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """(N, H, W, channels) in [0, 1] to (N, scale*(H - 2*spare), scale*(W - 2*spare), channels).

        ``spare``: input pixels on each side for which no answer is wanted, less than half of H and W. The
        result belongs to the caller.
        """


def columns_at_once(model: Model) -> int:
    """The width of windows that ``model`` is quickest with, which it works through row by row; 0 = it takes a
    window as a whole, which had better be square.
    """
    columns: int = getattr(model, "columns", 0)
    return columns


@dataclass(frozen=True)
class ModelCard:
    """What is known about one weights file; `zoo.find` makes it from a row of ``manifest.json``."""

    name: str
    path: Path
    precision: str = "float"
    scale: int = 0
    """0 = not known before the file is opened, like the other facts of a file without a card."""
    channels: int = 1
    halo: int | None = None
    residual: bool = False
    parameters: int = 0
    macs_per_pixel: int = 0
    """Multiplications per *input* pixel, of each view."""
    sha256: str = ""
    kernel: str = ""
    """Name of an interpolation kernel, for the entries that need no weights."""
    description: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By precision: name, sha256, and where it is more than one, in how many ``views`` it is used."""
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    """Facts and files of weights for the passes after the first, if there are such."""
    direct: dict[str, Any] = field(default_factory=dict)
    """Facts and files of weights that make two passes in one, if there are such."""
    back_projection: bool = False
    """Whether the answer of all passes is corrected as `BackProjected` does."""

    def views(self, precision: str = "") -> int:
        """Flips and turns of a picture whose answers are averaged; "" = in the card's own precision."""
        own: int = self.files.get(weights_of(precision or self.precision), {}).get("views", 1)
        return own


def weights_of(precision: str) -> str:
    """The precision whose file a network is computed from: bfloat16 has none of its own."""
    return "float" if precision == "bfloat16" else precision


def inner(batch: Batch, rim: int) -> Batch:
    """A batch without ``rim`` pixels on each side; a view."""
    return batch[:, rim:-rim, rim:-rim] if rim else batch


class Chained:
    """Several passes as one model, float between the passes and nothing clipped.

    ``Chained(model, 2)`` or ``Chained([first, second])``. A chain of residual models is a residual model:
    ``up(r1) + r2``, where the second pass reads ``up(y) + r1``.
    """

    def __init__(self, models: Model | Sequence[Model], passes: int = 1) -> None:
        self.models: tuple[Model, ...] = tuple(models) if isinstance(models, Sequence) else (models,) * passes
        if len({model.channels for model in self.models}) != 1:
            raise ValueError("a chain needs models with the same number of channels")
        self.channels = self.models[0].channels
        self.residual = all(model.residual for model in self.models)
        self.scale = math.prod(model.scale for model in self.models)
        self._needs = _needs(self.models)
        self.halo = self._needs[0]

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Run the passes one after the other; each leaves out what those after it do not look at."""
        image = total = batch  # what the next pass reads; what to answer
        for number, model in enumerate(self.models):
            need = self._needs[number + 1]
            left_out = 0 if need is None else max(spare - -(-need // model.scale), 0)
            rim = left_out * model.scale
            answer = model(image, spare=left_out)
            if self.residual:
                total = answer if number == 0 else inner(enlarge_batch(total, model.scale), rim) + answer
            if not self.residual or number + 1 < len(self.models):
                image = inner(enlarge_batch(image, model.scale), rim) + answer if model.residual else answer
            spare = (spare - left_out) * model.scale
        return inner(total if self.residual else image, spare)


def _needs(models: Sequence[Model]) -> list[int | None]:
    """Halo of each pass with those after it, in its own input pixels; None = all; the last is for no pass."""
    needs: list[int | None] = [None]
    need: int | None = 0
    for model in reversed(models):
        if model.halo is None or need is None:
            need = None
        else:
            own = max(model.halo, DOUBLE_HALO) if model.residual else model.halo
            need = own + -(-need // model.scale)
        needs.insert(0, need)
    return needs


VIEWS = ((0, False), (2, False), (0, True), (2, True), (1, False), (3, False), (1, True), (3, True))
"""The flips and turns of a picture: quarter turns of it or of its mirror image. The first two, the first four
and all eight are groups, so that their mean turns with the picture; the first four keep height and width."""


class SelfEnsemble:
    """The mean over flips and turns of the input: a little better, as many times the work.

    Timofte et al., "Seven ways to improve example-based single image super resolution", CVPR 2016.
    """

    def __init__(self, model: Model, views: int = len(VIEWS)) -> None:
        """Average over the first ``views`` of `VIEWS`."""
        self.model, self.views = model, VIEWS[:views]
        self.scale, self.channels = model.scale, model.channels
        self.halo, self.residual = model.halo, model.residual

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Turn, enlarge, turn back, average."""
        total: Batch | None = None
        for turns, flip in self.views:
            view = batch[:, :, ::-1] if flip else batch
            answer = self.model(np.ascontiguousarray(np.rot90(view, turns, (1, 2))), spare=spare)
            answer = np.rot90(answer, -turns, (1, 2))
            answer = answer[:, :, ::-1] if flip else answer
            total = answer.copy() if total is None else np.add(total, answer, out=total)
        assert total is not None
        return np.multiply(total, np.float32(1 / len(self.views)), out=total)


class BackProjected:
    """A model whose answer is shrunk again; what then differs from the input is enlarged and added.

    Irani and Peleg, "Improving resolution by image registration", CVGIP: Graphical Models and Image
    Processing 53 (1991), one step.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.scale = model, model.scale
        self.channels, self.residual = model.channels, model.residual
        # the halo of all doublings, each of half the reach of the one before, and that of the shrinking
        self._rim = math.ceil(2 * DOUBLE_HALO * (1 - 1 / model.scale)) + SHRINK_HALO
        self.halo = None if model.halo is None else max(model.halo, DOUBLE_HALO) + self._rim

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Enlarge, shrink, compare, correct."""
        kept = min(spare, self._rim)
        answer = self.model(batch, spare=spare - kept)
        read, image = inner(batch, spare - kept), answer
        if self.residual:
            image = inner(enlarge_batch(batch, self.scale), self.scale * (spare - kept)) + answer
        answer += enlarge_batch(read - shrink_batch(image, self.scale), self.scale)
        return inner(answer, self.scale * kept)
