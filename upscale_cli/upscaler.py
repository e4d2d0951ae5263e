"""Arrays in, enlarged arrays out: one model, opened once and called often."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from upscale_cli import alpha as transparency
from upscale_cli import tiler, zoo
from upscale_cli.errors import ModelError, UsageError
from upscale_cli.model import VIEWS, BackProjected, Chained, Model, ModelCard, SelfEnsemble, weights_of
from upscale_cli.pixels import Pixels, check_pixels, check_range
from upscale_cli.resample import Interpolation, resize
from upscale_cli.runtimes import open_model, quickest
from upscale_cli.sanity import consistency
from upscale_cli.settings import Settings
from upscale_cli.size import passes
from upscale_cli.tiler import OnTile


@dataclass(frozen=True)
class Enlarged:
    """An enlarged picture and what was found out about it."""

    pixels: Pixels
    consistency: float
    """Agreement of the shrunken result with the source, in dB; infinite where no network was needed."""


class Upscaler:
    """Enlarges pictures with one model under one set of settings. Thread-safe."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Find the model. Raises `UnknownModelError`, `ModelError` without usable weights, and `UsageError`
        for another precision than float with TensorFlow.
        """
        self.settings = settings or Settings()
        self.card = zoo.find(self.settings.model or zoo.default_name(), self.settings.precision)
        if self.settings.runtime == "tensorflow":
            self.card = self._precise(self.card)
            if (kind := self.card.precision) in ("int8", "bfloat16"):
                raise UsageError(
                    f"{self.card.name}: TensorFlow computes in float, and {kind} was asked for",
                    hint="use --precision float, or leave out --runtime",
                )
        self._again = zoo.second(self.card) or self.card
        self._direct = zoo.direct(self.card)
        self.fingerprint = self.settings.fingerprint(self._weights() or self.card.name)
        self._opened: dict[tuple[Path, str, str], Model] = {}
        self._models: dict[tuple[int, bool, str], Model] = {}
        self._guard = threading.Lock()

    def _weights(self) -> str:
        """Hashes of all weights that may be used, and how: in how many views, with back-projection.

        Where the CPU chooses the precision, both count: machines of different kinds that share a folder
        accept each other's results.
        """
        cards = [card for card in (self.card, self._again, self._direct) if card]
        kinds = [weights_of(self.settings.precision)] if self.settings.precision else ["float", "int8"]
        found = [
            card.files[kind]["sha256"] + _times(card.views(kind))
            for card in cards
            for kind in kinds
            if kind in card.files
        ]
        corrected = [" back-projected"] if self.card.back_projection else []
        return "".join(dict.fromkeys((found or [card.sha256 for card in cards]) + corrected))

    def __call__(self, pixels: Pixels, *, on_tile: OnTile | None = None) -> Pixels:
        """Return ``pixels`` (H, W, C), C = 1 to 4, enlarged, in the same number type; see `enlarge`.

        The result is an array of its own, also where nothing had to be done.
        """
        big = self.enlarge(pixels, on_tile=on_tile).pixels
        return big.copy() if big is pixels else big

    def enlarge(self, pixels: Pixels, *, on_tile: OnTile | None = None, threads: int = 0) -> Enlarged:
        """Enlarge an array (H, W, C), C = 1 to 4, transparency by the same network as the colour.

        ``on_tile`` is told how many input pixels have just been finished; ``threads`` overrides the settings.
        Raises `ScaleError` for a size out of reach, `ResultError` when the result is no picture of the input,
        TypeError or ValueError for arrays that break the contract of `pixels`.
        """
        check_pixels(pixels)
        check_range(pixels)
        if pixels.shape[2] in (1, 3):
            return self._enlarge(pixels, on_tile, threads)
        colour, alpha = transparency.split(pixels)
        if transparency.is_constant(alpha):
            big = self._enlarge(colour, on_tile, threads)
            return replace(big, pixels=transparency.join(big.pixels, alpha[:1, :1]))
        halved = on_tile and _halved(on_tile)
        big = self._enlarge(colour, halved, threads)
        plane = transparency.keep_plateaus(self._enlarge(alpha, halved, threads).pixels, alpha)
        return replace(big, pixels=transparency.join(big.pixels, plane))

    def model_for(self, width: int, height: int, dtype: DTypeLike = np.uint8) -> Model | None:
        """Return the model whose passes take that size to the one asked for, or beyond; None for no passes.

        ``dtype`` is the picture's. Raises `ScaleError` for a size out of reach.
        """
        rounds = self.passes(width, height)
        deep = np.dtype(dtype) != np.uint8
        card = self._precise(self.card) if deep else self.card
        runtime = self.settings.runtime or quickest(card, width * height, self._views(card))
        return self._model(rounds, deep, runtime) if rounds else None

    def passes(self, width: int, height: int) -> int:
        """Return how many passes take that size to the one asked for, or beyond."""
        return passes((width, height), self.settings.size.of(width, height), self.factor)

    def _enlarge(self, pixels: Pixels, on_tile: OnTile | None, threads: int) -> Enlarged:
        """Enlarge grey or colour: as many passes as it takes, then one downsize to the size asked for."""
        height, width = pixels.shape[:2]
        wide, high = self.settings.size.of(width, height)
        model, agreement = self.model_for(width, height, pixels.dtype), math.inf
        if model:
            tiling = replace(self.settings.tiling, threads=threads or self.settings.threads)
            big = tiler.upscale(pixels, model, tiling, on_tile=on_tile)
            agreement = consistency(pixels, big)
            pixels = big
        elif on_tile:
            on_tile(height * width)
        if pixels.shape[:2] != (high, wide):
            pixels = resize(pixels, high, wide)
        return Enlarged(pixels, agreement)

    @property
    def factor(self) -> int:
        """What one pass enlarges by."""
        return (
            self.card.scale or self._open(self.card, self.settings.runtime or quickest(self.card, 0, 1)).scale
        )

    def _open(self, card: ModelCard, runtime: str) -> Model:
        """Open a network when it is first needed."""
        key = card.path, card.precision, runtime
        if key not in self._opened:
            try:
                self._opened[key] = open_model(card, runtime=runtime, threads=self.settings.threads)
            except ModelError:
                if self.settings.runtime or runtime == "litert" or card.precision == "bfloat16":
                    raise
                self._opened[key] = open_model(card)  # LiteRT runs networks of any kind
        return self._opened[key]

    def _model(self, rounds: int, deep: bool, runtime: str) -> Model:
        """Return the model that makes so many passes in one, of pictures of 8 bit or of more."""
        with self._guard:
            if (rounds, deep, runtime) not in self._models:
                if self.card.kernel:
                    model: Model = Interpolation(self.card.kernel, self.factor**rounds)
                else:
                    cards = [self._precise(card) if deep else card for card in self._chain(rounds)]
                    chain = [self._averaged(card, runtime) for card in cards]
                    model = Chained(chain) if chain[1:] else chain[0]
                    if self.card.back_projection:
                        model = BackProjected(model)
                self._models[rounds, deep, runtime] = model
            return self._models[rounds, deep, runtime]

    def _precise(self, card: ModelCard) -> ModelCard:
        """Return the float weights where the CPU alone chose others: int8 answers in steps of 1/500 of white.

        That is half a grey level of 8 bit, and more than a dark picture of 16 bit may have in all.
        """
        chosen = self.settings.precision or self.settings.model not in ("", card.name)
        chosen = chosen or self.settings.runtime == "native"  # which has int8 only
        return card if chosen or "float" not in card.files else zoo.in_precision(card, "float")

    def _averaged(self, card: ModelCard, runtime: str) -> Model:
        """Return a network averaged over its views: each pass averaged does better than the whole chain."""
        model, views = self._open(card, runtime), self._views(card)
        return SelfEnsemble(model, views) if views > 1 else model

    def _views(self, card: ModelCard) -> int:
        """Return how many flips and turns a network's answers are averaged over."""
        return len(VIEWS) if self.settings.ensemble else card.views()

    def _chain(self, rounds: int) -> list[ModelCard]:
        """Return the weights of all passes in order, first those that make two in one, if there are any."""
        if self._direct and rounds > 1:
            return [self._direct] + [self._again] * (rounds - 2)
        return [self.card] + [self._again] * (rounds - 1)


def _times(views: int) -> str:
    return f" in {views} views" if views > 1 else ""


def _halved(on_tile: OnTile) -> OnTile:
    """Return a counter for work that goes over every pixel twice."""
    rest = 0

    def count(pixels: int) -> None:
        nonlocal rest
        whole, rest = divmod(rest + pixels, 2)
        on_tile(whole)

    return count
