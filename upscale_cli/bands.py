"""One picture flows through: a few rows are read while others are enlarged, checked and encoded."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from upscale_cli import tiler
from upscale_cli.image_io import Picture
from upscale_cli.image_io.encode import write_bands
from upscale_cli.image_io.rows import ReadRows
from upscale_cli.pixels import Pixels
from upscale_cli.sanity import consistency
from upscale_cli.tiler import OnTile
from upscale_cli.upscaler import Upscaler


def upscale_in_bands(
    picture: Picture, target: str | os.PathLike[str], upscaler: Upscaler, on_tile: OnTile | None, threads: int
) -> tuple[list[str], float]:
    """Enlarge a picture that `request.fits_bands`: the same bytes as in one piece.

    Return the warnings of writing, and the consistency in dB.
    """
    folder = Path(target).parent
    model = upscaler.model_for(picture.width, picture.height, picture.dtype)
    assert model is not None
    tiling = replace(upscaler.settings.tiling, threads=threads or upscaler.settings.threads)
    there = os.fspath(target) != "-" and os.path.isdir(folder)  # noqa: PTH112 - Path.is_dir raises for some names
    with picture.rows(folder if there else None) as read:
        source = _Kept(read)
        bands = tiler.upscale_bands(
            source, picture.height, picture.width, model, tiling,
            channels=picture.channels, dtype=picture.dtype, on_tile=on_tile,
        )  # fmt: skip
        checked = _Checked(bands, source, model.scale)
        height, save = picture.height * model.scale, upscaler.settings.save
        with closing(bands):  # else whoever keeps the error keeps the network's threads, too
            warnings = write_bands(target, iter(checked), height, like=picture, options=save)
    return warnings, checked.consistency


class _Kept:
    """Reads rows once, in order, and keeps those that are still to be compared with the result."""

    def __init__(self, read: ReadRows) -> None:
        self._read = read
        self._rows: list[Pixels] = []

    def __call__(self, y0: int, y1: int) -> Pixels:
        rows = self._read(y0, y1)
        self._rows.append(rows)
        return rows

    def take(self, count: int) -> Pixels:
        """Return the next ``count`` rows and forget them."""
        rows = np.concatenate(self._rows)
        self._rows = [rows[count:]]
        return rows[:count]


class _Checked:
    """Passes bands on, comparing each with the rows that it was made from."""

    def __init__(self, bands: Iterator[Pixels], source: _Kept, scale: int) -> None:
        self._bands, self._source, self._scale = bands, source, scale
        self._rows, self._error = 0, 0.0

    def __iter__(self) -> Iterator[Pixels]:
        for band in self._bands:
            rows = len(band) // self._scale
            if rows:
                agreement = consistency(self._source.take(rows), band)
                self._error += rows * 10 ** (-agreement / 10)
                self._rows += rows
            yield band

    @property
    def consistency(self) -> float:
        """Agreement of the whole in dB, from the mean squared error of all bands."""
        return -10 * math.log10(self._error / self._rows) if self._error else math.inf
