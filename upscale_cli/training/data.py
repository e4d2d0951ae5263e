"""Photographs as a pool of pixel pairs that a training step can cut patches from.

A pair is what the network sees and what it should answer: luma at low resolution, and what bicubic
enlargement of that luma lacks. All pairs of a run lie one after the other in two flat arrays, so that a
patch, turned or mirrored, is one gather, on whatever device the arrays are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from upscale_cli.color import BLUE, GREEN, RED
from upscale_cli.errors import InputError
from upscale_cli.image_io import open_picture
from upscale_cli.resample import enlarge_batch, resize
from upscale_cli.training.config import TrainConfig
from upscale_cli.training.synthetic import drawing

UNITS = 64 * 255
"""Pool values are int16 in 1/64 grey levels: exact enough for 8-bit data, with room for overshoot."""

MOST_PIXELS = 2**31 - 1
"""Pixels of all pairs at high resolution: places in a pool are int32, on whatever device it is."""

_NOISE = 2e-5
"""Squared error of bicubic, of white 1, that hardly matters: an even picture does not count without end."""
WORTH = 1_000_000
"""What a place counts on average."""
_MOST = 50 * WORTH
"""What a place counts at most: few steps shall not decide."""
_DRAWING = 384
"""Side of a synthetic drawing, in pixels."""

LUMA = np.array([RED, GREEN, BLUE])

Plane = NDArray[np.float32]
"""(H, W) float32, about [0, 1]."""

Enlarger = Callable[[Plane], Plane]
"""Luma (H, W) to its enlargement (scale*H, scale*W)."""


@dataclass(frozen=True)
class Pool:
    """The pairs of a run."""

    low: NDArray[np.int16]
    """Low-resolution luma of all pairs, flat, in 1/64 levels."""
    residual: NDArray[np.int16]
    """High resolution minus bicubic enlargement of ``low``, flat, scale*H × scale*W per pair."""
    taught: NDArray[np.int16] | None
    """What a teacher would answer in place of ``residual``, if there is one."""
    start: NDArray[np.int64]
    """(pairs,) where each pair starts in ``low``; scale² times that in ``residual``."""
    shape: NDArray[np.int64]
    """(pairs, 2) height and width at low resolution."""
    corners: NDArray[np.int32]
    """(spots, 3) pair, top, left of the patches that may be drawn."""
    odds: NDArray[np.float64]
    """(spots,) cumulated probability of each."""
    worth: NDArray[np.int32]
    """(spots,) how much each counts, in `WORTH`."""

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int32]:
        """Return ``count`` random patches, (count, 5) int32: start of its pair in ``low``, corner from there,
        row length, flip-and-turn code 0 to 7, how much it counts in `WORTH`."""
        spot = np.searchsorted(self.odds, rng.random(count), side="right")
        pair, top, left = self.corners[spot].T
        width = self.shape[pair, 1]
        code = rng.integers(0, 8, count)
        columns = [self.start[pair], top * width + left, width, code, self.worth[spot]]
        return np.stack(columns, axis=1).astype(np.int32)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decode a photograph to (H, W, 3) uint8, transparency left out.

    Raises:
        InputError: as :func:`upscale_cli.image_io.open_picture`, or if the picture is not 8 bit.
    """
    pixels = open_picture(path).pixels()
    if pixels.dtype != np.uint8:
        raise InputError(
            f"{path}: {pixels.dtype} pixels; training takes 8-bit pictures",
            hint="convert it first: upscale prepare SRC DST",
        )
    colour = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    return np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3)))


def luma(rgb: NDArray[np.uint8], weights: NDArray[np.float64] = LUMA) -> Plane:
    """Return the weighted sum of the channels, (H, W) in [0, 1]."""
    plane: Plane = np.asarray(rgb @ (weights / 255), np.float32)
    return plane


def degrade(rgb: NDArray[np.uint8], factor: int = 2) -> NDArray[np.uint8]:
    """Shrink by ``factor`` with antialiased bicubic, rounded to 8 bit: the literature's degradation."""
    return resize(rgb, rgb.shape[0] // factor, rgb.shape[1] // factor)


def enlarge(low: Plane, scale: int = 2) -> Plane:
    """Bicubic enlargement by a power of two, the very one that the tiler adds a network's residual to."""
    enlarged: Plane = enlarge_batch(low[None], scale)[0]
    return enlarged


def views(
    rgb: NDArray[np.uint8], config: TrainConfig, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """Yield a photograph, reduced copies of it with another luma and, by chance, a drawing."""
    yield rgb, LUMA
    # 0.5 is one copy of every second photograph
    for _ in range(int(config.rescaled + rng.random())):
        weights = rng.dirichlet([1.0, 1.0, 1.0]) if config.mixed else LUMA
        yield reduced(rgb, rng, config.scale * config.patch), weights
    if config.synthetic and rng.random() < config.synthetic:
        yield drawing(rng, max(_DRAWING, config.scale * config.patch)), LUMA


def reduced(rgb: NDArray[np.uint8], rng: np.random.Generator, least: int) -> NDArray[np.uint8]:
    """Shrink by a random factor of 0.35 to 0.94, a little more along one axis, to at least ``least`` pixels.

    Up to three rows and columns are cut off first, so that the sampling grid shifts.
    """
    top, left = rng.integers(0, 4, 2)
    rgb = rgb[top:, left:]
    factor, stretch = rng.uniform(0.35, 0.94), np.exp(rng.uniform(-0.06, 0.06))
    height, width = (
        min(side, max(least, int(side * part)))
        for side, part in zip(rgb.shape[:2], (factor * stretch, factor / stretch), strict=True)
    )
    return resize(np.ascontiguousarray(rgb), height, width)


def pairs(
    files: Iterable[Path], config: TrainConfig, first: Enlarger | None = None
) -> Iterator[tuple[Plane, Plane]]:
    """Yield (low, high) luma of each view; what is smaller than a patch is left out.

    Without ``first``, low is the shrunken picture. With it, the picture is shrunk by 2 once more and low is
    what the first pass makes of that: softer than a shrunken picture, and what the second pass of a chain is
    given.
    """
    rng = np.random.default_rng(config.seed)
    shrink = config.scale * (2 if first else 1)
    for path in files:
        rgb = read_rgb(path)
        for view, weights in views(rgb, config, rng):
            height, width = (side // shrink * shrink for side in view.shape[:2])
            if min(height, width) >= config.scale * config.patch:
                whole = np.ascontiguousarray(view[:height, :width])
                low = luma(degrade(whole, shrink), weights)
                yield first(low) if first else low, luma(whole, weights)


def originals(
    files: Iterable[Path], config: TrainConfig, first: Enlarger | None = None
) -> list[tuple[Plane, Plane]]:
    """Return (low, high) luma of the photographs as they are, without further views: what to validate on."""
    return list(pairs(files, replace(config, rescaled=0.0, synthetic=0.0), first))


def build_pool(
    source: Iterable[tuple[Plane, Plane]],
    patch: int,
    hardness: float,
    teacher: Enlarger | None = None,
    *,
    relative: bool = False,
) -> Pool:
    """Gather pairs into a pool, with the odds of each place to be drawn and the ``teacher``'s answers.

    ``relative``: all pictures are drawn as often, and a place counts such that the mean over many draws is
    the mean over pictures of an error over the mean squared error of bicubic in that picture. A mean PSNR
    over pictures changes by their relative errors; without this, hard pictures outweigh all others.

    Raises:
        InputError: if there is no pair, or more than `MOST_PIXELS`.
    """
    lows, residuals, lessons, shapes, corners, weights, worths = [], [], [], [], [], [], []
    pixels = 0
    for index, (low, high) in enumerate(source):
        pixels += high.size
        if pixels > MOST_PIXELS:
            raise InputError(
                f"too many pixels to train on: more than {MOST_PIXELS:,} in the pictures and their views",
                hint="cut squares from the pictures with `upscale prepare --crops 1`, or give --rescaled 0",
            )
        bicubic = enlarge(low, high.shape[0] // low.shape[0])
        residual = high - bicubic
        lows.append(_stored(low))
        residuals.append(_stored(residual))
        if teacher:
            lessons.append(_stored(teacher(low) - bicubic))
        shapes.append(low.shape)
        error = cv2.blur(
            cv2.resize(np.abs(residual), low.shape[::-1], interpolation=cv2.INTER_AREA),
            (patch, patch),
            anchor=(0, 0),
        )
        tops, lefts = np.mgrid[0 : low.shape[0] - patch + 1 : 4, 0 : low.shape[1] - patch + 1 : 4].reshape(
            2, -1
        )
        corners.append(np.stack([np.full_like(tops, index), tops, lefts], axis=1))
        odd = (error[tops, lefts] + 1e-4) ** hardness
        if relative:
            worths.append(odd.mean() / odd / (np.square(residual).mean() + _NOISE))
            odd /= odd.sum()
        weights.append(odd)
    if not lows:
        raise InputError(
            "no picture is large enough to train on",
            hint=f"a patch is {patch} pixels a side after shrinking: larger pictures, or a smaller --patch",
        )
    starts = np.cumsum([0, *(low.size for low in lows)])[:-1]
    odd = np.concatenate(weights, dtype=np.float64)
    odds = np.cumsum(odd)
    worth = np.concatenate(worths) if relative else np.ones(len(odd))
    worth *= WORTH / np.average(worth, weights=odd)
    return Pool(
        np.concatenate(lows),
        np.concatenate(residuals),
        np.concatenate(lessons) if teacher else None,
        starts,
        np.array(shapes),
        np.concatenate(corners).astype(np.int32),
        odds / odds[-1],
        np.minimum(worth, _MOST).astype(np.int32),
    )


def _stored(plane: Plane) -> NDArray[np.int16]:
    """Return the pixels of ``plane`` as a pool keeps them."""
    return np.rint(plane * UNITS).astype(np.int16).ravel()
