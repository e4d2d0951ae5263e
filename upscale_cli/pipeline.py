"""From picture to picture: one array, or one file.

``Upscaler`` opens a model once and is called often, from any number of threads; `upscale_file` adds decoding,
checks and writing; `upscale` is the short form of both for scripts.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np

from upscale_cli import alpha as transparency
from upscale_cli import tiler, zoo
from upscale_cli.encode import target_format
from upscale_cli.errors import TooLargeError
from upscale_cli.image_io import Picture, check_target, open_picture, write_picture
from upscale_cli.memory import available_memory
from upscale_cli.model import Chained, Model, SelfEnsemble
from upscale_cli.pixels import Pixels, check_pixels
from upscale_cli.resample import Interpolation, resize
from upscale_cli.runtimes import open_model
from upscale_cli.sanity import consistency
from upscale_cli.settings import Settings
from upscale_cli.size import passes

__all__ = ["Done", "Enlarged", "Settings", "Upscaler", "upscale", "upscale_file"]

OnTile = Callable[[int], None]

#: Bytes that interpreters, tiles and encoders take beside the pictures themselves.
WORKSPACE = 150_000_000


@dataclass(frozen=True)
class Enlarged:
    """An enlarged picture and what was found out about it."""

    pixels: Pixels
    consistency: float
    """Agreement of the shrunken result with the source, in dB; infinite where no network was needed."""


@dataclass(frozen=True)
class Done:
    """What became of one file."""

    source: str
    target: str
    source_size: tuple[int, int]
    """(width, height), upright."""
    size: tuple[int, int]
    frames: int
    model: str
    seconds: float
    consistency: float
    """The worst of all frames, in dB."""
    warnings: tuple[str, ...] = ()
    """What the target's format could not hold."""


class Upscaler:
    """Enlarges pictures with one model under one set of settings. Thread-safe."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Find the model. Raises `UnknownModelError`, or `ModelError` without usable weights."""
        self.settings = settings or Settings()
        self.card = zoo.find(self.settings.model or zoo.default_name(), self.settings.precision)
        self._second_card = zoo.second(self.card)
        weights = self.card.sha256 + (self._second_card.sha256 if self._second_card else "")
        self.fingerprint = self.settings.fingerprint(weights or self.card.name)
        self._models: dict[int, Model] = {}
        self._guard = threading.Lock()

    def __call__(self, pixels: Pixels, *, on_tile: OnTile | None = None) -> Pixels:
        """Return ``pixels`` (H, W, C), C = 1 to 4, enlarged, in the same number type; see `enlarge`."""
        return self.enlarge(pixels, on_tile=on_tile).pixels

    def enlarge(self, pixels: Pixels, *, on_tile: OnTile | None = None, threads: int = 0) -> Enlarged:
        """Enlarge an array (H, W, C), C = 1 to 4, transparency by the same network as the colour.

        ``on_tile`` is told how many input pixels have just been finished; ``threads`` overrides the settings.
        Raises `ScaleError` for a size out of reach, `ResultError` when the result is no picture of the input.
        """
        check_pixels(pixels)
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

    def _enlarge(self, pixels: Pixels, on_tile: OnTile | None, threads: int) -> Enlarged:
        """Enlarge grey or colour: as many passes as it takes, then one downsize to the size asked for."""
        height, width = pixels.shape[:2]
        wide, high = self.settings.size.of(width, height)
        rounds = passes((width, height), (wide, high), self._factor)
        agreement = math.inf
        if rounds:
            tiling = self.settings.tiling
            tiling = replace(tiling, threads=threads) if threads else tiling
            big = tiler.upscale(pixels, self._model(rounds), tiling, on_tile=on_tile)
            agreement = consistency(pixels, big)
            pixels = big
        elif on_tile:
            on_tile(height * width)
        if pixels.shape[:2] != (high, wide):
            pixels = resize(pixels, high, wide)
        return Enlarged(pixels, agreement)

    @cached_property
    def _once(self) -> Model:
        """The network itself, opened when first needed."""
        return open_model(self.card, runtime=self.settings.runtime, threads=self.settings.threads)

    @cached_property
    def _again(self) -> Model:
        """The network of all passes but the first."""
        card = self._second_card
        return (
            open_model(card, runtime=self.settings.runtime, threads=self.settings.threads)
            if card
            else self._once
        )

    @property
    def _factor(self) -> int:
        """What one pass enlarges by."""
        return self.card.scale or self._once.scale

    def _model(self, rounds: int) -> Model:
        """Return the model that makes so many passes in one."""
        with self._guard:
            if rounds not in self._models:
                if self.card.kernel:
                    model: Model = Interpolation(self.card.kernel, self._factor**rounds)
                else:
                    later = [self._again] * (rounds - 1)
                    model = Chained([self._once, *later]) if later else self._once
                self._models[rounds] = SelfEnsemble(model) if self.settings.ensemble else model
            return self._models[rounds]


def _halved(on_tile: OnTile) -> OnTile:
    """Return a counter for work that goes over every pixel twice."""
    rest = 0

    def count(pixels: int) -> None:
        nonlocal rest
        whole, rest = divmod(rest + pixels, 2)
        on_tile(whole)

    return count


def check_request(picture: Picture, target: str | os.PathLike[str], settings: Settings) -> None:
    """Refuse what cannot be done, from the header alone.

    Raises `TooLargeError` for more pixels than the target's format holds or than there is memory for,
    `ScaleError` for a size out of reach, `UsageError` for a format that is unknown or holds one frame only.
    """
    size = settings.size.of(picture.width, picture.height)
    passes((picture.width, picture.height), size)
    fmt = target_format(os.fspath(target), picture, settings.save)
    pages = picture.format == "tiff"
    check_target(fmt, *size, frames=picture.frames, pages=pages, source=picture.name)
    budget = settings.memory or available_memory()
    needed = memory_needed(picture, size)
    if needed > budget:
        raise TooLargeError(
            f"{picture.name}: {picture.width}x{picture.height} to {size[0]}x{size[1]} takes about "
            f"{needed / 1e9:.1f} GB of memory; {budget / 1e9:.1f} GB are allowed or free",
            hint="enlarge less, or raise --memory",
        )


def memory_needed(picture: Picture, size: tuple[int, int]) -> int:
    """Return about how many bytes enlarging ``picture`` to ``size`` (width, height) takes at its peak."""
    depth = picture.channels * np.dtype(picture.dtype).itemsize
    return (picture.width * picture.height + size[0] * size[1]) * picture.frames * depth + WORKSPACE


def upscale_file(
    source: str | os.PathLike[str] | Picture,
    target: str | os.PathLike[str],
    upscaler: Upscaler,
    *,
    on_tile: OnTile | None = None,
    threads: int = 0,
) -> Done:
    """Enlarge one file into another; the target appears whole or not at all.

    Raises the errors of `open_picture`, `check_request`, `Upscaler.enlarge` and `write_picture`.
    """
    started = time.perf_counter()
    settings = upscaler.settings
    picture = source if isinstance(source, Picture) else open_picture(source, max_pixels=settings.max_pixels)
    check_request(picture, target, settings)
    agreements: list[float] = []

    def frames() -> Iterator[Pixels]:
        before: Pixels | None = None
        for number in range(picture.frames):
            pixels = picture.pixels(number)
            if before is None or not np.array_equal(pixels, before):  # animations hold their pictures
                big = upscaler.enlarge(pixels, on_tile=on_tile, threads=threads)
                agreements.append(big.consistency)
                before = pixels
            elif on_tile:
                on_tile(pixels.shape[0] * pixels.shape[1])
            yield big.pixels

    warnings = write_picture(target, frames(), like=picture, options=settings.save)
    return Done(
        source=picture.name,
        target=os.fspath(target),
        source_size=(picture.width, picture.height),
        size=settings.size.of(picture.width, picture.height),
        frames=picture.frames,
        model=upscaler.card.name,
        seconds=time.perf_counter() - started,
        consistency=min(agreements),
        warnings=tuple(warnings),
    )


@overload
def upscale(source: Pixels, /, **settings: Any) -> Pixels: ...
@overload
def upscale(source: str | Path, target: str | Path, /, **settings: Any) -> Done: ...
def upscale(
    source: Pixels | str | Path, target: str | Path | None = None, /, **settings: Any
) -> Pixels | Done:
    """Enlarge an array, or a file into another file.

    >>> upscale(pixels, scale=4)                      # array (H, W) or (H, W, C) in, the same kind out
    >>> upscale("photo.jpg", "big.png", scale=4)      # file to file

    ``settings`` are the fields of `Settings`. Arrays are uint8 or uint16 over the full range or float32 in
    [0, 1]; grey, grey with alpha, RGB or RGBA.
    """
    upscaler = _opened(Settings(**settings))
    if isinstance(source, np.ndarray):
        flat = source.ndim == 2
        big = upscaler(source[..., None] if flat else source)
        return big[..., 0] if flat else big
    if target is None:
        raise TypeError("upscale(source, target): a file needs a target")
    return upscale_file(source, target, upscaler)


@lru_cache(maxsize=2)
def _opened(settings: Settings) -> Upscaler:
    return Upscaler(settings)
