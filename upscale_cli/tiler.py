"""Enlarge a picture tile by tile: the core of the package. Opens no file, prints nothing.

A tile's window reaches beyond its core by the network's field of view (the *halo*), and what comes out of
it is cropped to the core. So an output pixel sees the same input whatever the tiles are: the result is the
same, byte for byte, for every tile size, batch size and number of threads. With less overlap than that,
neighbours are blended.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import DTypeLike

from upscale_cli.geometry import Region, Tile, choose_tile, plan_grid
from upscale_cli.machine import available_cpus
from upscale_cli.model import Model, columns_at_once
from upscale_cli.pixels import Pixels, check_pixels, from_float
from upscale_cli.stitch import blend_windows
from upscale_cli.window import SKIP_MARGIN, Composer, cut

ReadRows = Callable[[int, int], Pixels]
OnTile = Callable[[int], None]

_TILES = (128, 256)
"""Bounds of the largest core where no size is asked for: at least the first, at most the second, which wins
and falls with the scale, since a band of the result is as high as a core. Where a model says how many columns
it works on at once, cores are as wide, and at most as high as the first, which falls with the scale, too.
"""
_WINDOW_BYTES = 200_000_000
"""Bytes that the runtimes of all threads together may keep for the windows in work."""
_LAYER_BYTES = 80
"""Bytes a runtime keeps per pixel and layer, mostly nine addresses; layers are as many as pixels of halo."""
_ROWS_AHEAD = 2
"""Rows of tiles in work at a time, so that no thread waits for the end of a row."""


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut and who works on it; nothing here changes the result unless ``overlap`` is
    small.
    """

    tile: int = 0
    """Core size in input pixels; 0 = chosen."""
    overlap: int | None = None
    """Pixels that neighbouring windows share; None, or twice the halo and more = exact; less = blended."""
    batch: int = 0
    """Windows per network call; 0 = chosen."""
    threads: int = 0
    """Threads at work; 0 = as many as the CPUs this process may use."""


def upscale(
    pixels: Pixels, model: Model, tiling: Tiling | None = None, *, on_tile: OnTile | None = None
) -> Pixels:
    """Enlarge ``pixels`` (H, W, 1 or 3) by ``model.scale``; same number type out as in.

    ``on_tile`` is called, in this thread, with the number of input pixels just finished. Raises ValueError
    or TypeError for arrays that break the contract of `pixels`, ResultError if the network's answer is no
    picture.
    """
    check_pixels(pixels, channels=(1, 3))
    height, width, channels = pixels.shape
    result = np.empty((height * model.scale, width * model.scale, channels), pixels.dtype)
    job = _Job(model, height, width, channels, pixels.dtype, tiling or Tiling())
    for _ in job.bands(lambda y0, y1: pixels[y0:y1], result, on_tile):
        pass
    return result


def upscale_bands(
    read_rows: ReadRows,
    height: int,
    width: int,
    model: Model,
    tiling: Tiling | None = None,
    *,
    channels: int = 3,
    dtype: DTypeLike = np.uint8,
    on_tile: OnTile | None = None,
) -> Generator[Pixels, None, None]:
    """Enlarge a picture that never is in memory as a whole: yields its enlarged rows in bands, top to bottom.

    ``read_rows(y0, y1)`` gives rows of the picture, (y1 - y0, width, channels) of ``dtype``; it is asked
    for each row once, in order. Together the bands are the bytes that `upscale` returns.
    """
    job = _Job(model, height, width, channels, np.dtype(dtype), tiling or Tiling())
    return job.bands(_RowBuffer(read_rows), None, on_tile)


class _RowBuffer:
    """Reads every row once and keeps those that the next row of tiles looks at, too."""

    def __init__(self, read_rows: ReadRows) -> None:
        self._read = read_rows
        self._rows: Pixels | None = None
        self._top = 0

    def __call__(self, y0: int, y1: int) -> Pixels:
        if self._rows is None:
            self._rows = self._read(0, y1)
        bottom = self._top + len(self._rows)
        kept = self._rows[y0 - self._top :]
        self._rows = np.concatenate((kept, self._read(bottom, y1))) if y1 > bottom else kept
        self._top = y0
        return self._rows


class _Job:
    """One picture on its way through one model."""

    def __init__(
        self,
        model: Model,
        height: int,
        width: int,
        channels: int,
        dtype: np.dtype[np.generic],
        tiling: Tiling,
    ) -> None:
        self.model, self.height, self.width, self.dtype = model, height, width, dtype
        self.composer = Composer(model, channels, dtype)
        self.channels = channels
        self.halo = max(model.halo or 0, SKIP_MARGIN if self.composer.residual else 0)
        self.exact = tiling.overlap is None or model.halo is None or tiling.overlap >= 2 * model.halo
        shared = tiling.overlap or 0
        self.margin = (self.halo, self.halo) if self.exact else (shared // 2, shared - shared // 2)
        self.threads = tiling.threads or available_cpus()
        self.grid = plan_grid(height, width, self._tile(tiling), self.margin)
        window = self.grid.window_height * self.grid.window_width
        self.batch = tiling.batch or max(1, min(len(self.grid.columns), 16384 // window))

    def _tile(self, tiling: Tiling) -> tuple[int, int]:
        if self.model.halo is None:
            return self.height, self.width
        if tiling.tile:
            return tiling.tile, tiling.tile
        smaller = max(self.model.scale // 2, 1)
        if columns := columns_at_once(self.model):
            largest = max(_TILES[0] // smaller, 1), max(columns - 2 * self.halo, 1)
        else:
            pixels = _WINDOW_BYTES // (_LAYER_BYTES * max(self.halo, 1))
            fitting = math.isqrt(pixels // self.threads) - 2 * self.halo
            side = max(min(max(_TILES[0], fitting), _TILES[1] // smaller), 1)
            largest = side, side
        return choose_tile(self.height, self.width, self.halo, self.threads, largest)

    def bands(
        self, read: ReadRows, result: Pixels | None, on_tile: OnTile | None
    ) -> Generator[Pixels, None, None]:
        """Work through the rows of the grid; yield the finished rows of the result (``result`` or new
        arrays).
        """
        strips = self._strips(read, result if self.exact else None, on_tile)
        if self.exact:
            yield from strips
            return
        row = 0
        for band in blend_windows(strips, self.grid, self.margin, self.model.scale):
            rounded = from_float(band / self.composer.white, self.dtype)
            if result is not None:
                result[row : row + len(band)] = rounded
            row += len(band)
            yield rounded

    def _strips(self, read: ReadRows, result: Pixels | None, on_tile: OnTile | None) -> Iterator[Pixels]:
        """One array per row of the grid; while one is handed out, the next ones are in work."""
        with _one_thread_inside_opencv(), ThreadPoolExecutor(self.threads) as pool:
            waiting: deque[tuple[Pixels, list[tuple[int, Future[None]]]]] = deque()
            try:
                for index in range(len(self.grid.rows)):
                    waiting.append(self._start(pool, read, index, result))
                    if len(waiting) >= _ROWS_AHEAD:
                        yield self._finish(*waiting.popleft(), on_tile)
                while waiting:
                    yield self._finish(*waiting.popleft(), on_tile)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _start(
        self, pool: ThreadPoolExecutor, read: ReadRows, index: int, result: Pixels | None
    ) -> tuple[Pixels, list[tuple[int, Future[None]]]]:
        """Hand one row of tiles to the threads."""
        tiles = self.grid.row(index)
        top = max(tiles[0].window.y, 0)
        rows = read(top, min(tiles[0].window.bottom, self.height))
        scale, core = self.model.scale, tiles[0].core.scaled(self.model.scale)
        if not self.exact:
            big = tiles[0].window.scaled(scale)
            out: Pixels = np.empty((len(tiles), big.height, big.width, self.channels), np.float32)
        elif result is None:
            out = np.empty((core.height, self.width * scale, self.channels), self.dtype)
        else:
            out = result[core.y : core.bottom]
        futures = []
        for first in range(0, len(tiles), self.batch):
            group = tiles[first : first + self.batch]
            if self.exact:
                places = [out[:, tile.core.scaled(scale).slices[1]] for tile in group]
            else:
                places = list(out[first : first + len(group)])
            future = pool.submit(self._run, rows, top, group, places)
            futures.append((sum(tile.core.pixels for tile in group), future))
        return out, futures

    def _run(self, rows: Pixels, top: int, tiles: tuple[Tile, ...], places: list[Pixels]) -> None:
        """Enlarge a batch of tiles; runs in the pool."""
        windows = [cut(rows, top, self.height, tile.window, max(self.margin)) for tile in tiles]
        spare = self.halo if self.exact else 0
        answers = self.composer.answers(windows, self.batch, spare)
        for window, answer, tile, place in zip(windows, answers, tiles, places, strict=False):
            area = tile.core.relative_to(tile.window)
            if not self.exact:
                area = Region(0, 0, tile.window.height, tile.window.width)
            self.composer.compose(window, answer, area, place, spare)
            if self.exact and place.dtype == np.float32:
                np.clip(place, 0, 1, out=place)

    def _finish(self, out: Pixels, futures: list[tuple[int, Future[None]]], on_tile: OnTile | None) -> Pixels:
        for count, future in futures:
            future.result()
            if on_tile is not None:
                on_tile(count)
        return out


@contextmanager
def _one_thread_inside_opencv() -> Iterator[None]:
    """Let OpenCV work in the calling thread only: the tiles already keep all CPUs busy.

    OpenCV's setting belongs to the process, so it is put back when the last picture in work is done.
    """
    global _pictures_in_work, _threads_before
    with _opencv_lock:
        if _pictures_in_work == 0:
            _threads_before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _pictures_in_work += 1
    try:
        yield
    finally:
        with _opencv_lock:
            _pictures_in_work -= 1
            if _pictures_in_work == 0:
                cv2.setNumThreads(_threads_before)


_opencv_lock = threading.Lock()
_pictures_in_work = 0
_threads_before = 0
