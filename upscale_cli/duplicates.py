"""Find pictures that look the same, whatever their size and however they were saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from upscale_cli.originals import Pixels8, grey

GRID = 16
NEAR = 24
"""Bits of 256 in which two fingerprints of one picture may differ. Strangers differ in about a hundred."""


@dataclass(frozen=True)
class Facts:
    """What is remembered of a picture."""

    source: Path
    pixels: int
    digest: str
    """Of the pixels, to tell exact duplicates from near ones."""
    fingerprint: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Duplicate:
    """A picture that looks like a larger one, or as large, and which."""

    source: Path
    of: Path
    exact: bool


def fingerprint(pixels: Pixels8) -> npt.NDArray[np.uint8]:
    """256 bits, as 32 bytes, that hardly change when a picture is resized or saved again.

    Each bit says whether a cell of a 16x16 grid is brighter than its left neighbour (the "difference hash").
    """
    small = cv2.resize(grey(pixels), (GRID + 1, GRID), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1])


def split_duplicates(pictures: Iterable[Facts]) -> tuple[list[Facts], list[Duplicate]]:
    """Keep the largest picture of each group that looks the same, the first by path among equals.

    Every picture is held against every one kept: fit for tens of thousands.
    """
    kept: list[Facts] = []
    duplicates = []
    prints = np.empty((0, GRID * GRID // 8), np.uint8)
    for one in sorted(pictures, key=lambda one: (-one.pixels, one.source)):
        distances = np.unpackbits(prints ^ one.fingerprint, axis=1).sum(axis=1)
        if kept and distances.min() <= NEAR:
            twin = kept[int(np.argmin(distances))]
            duplicates.append(Duplicate(one.source, twin.source, twin.digest == one.digest))
        else:
            kept.append(one)
            prints = np.vstack([prints, one.fingerprint])
    return kept, duplicates
