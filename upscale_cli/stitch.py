"""Put overlapping tiles together without a visible seam.

Only needed where tiles share less than the network's field of view; otherwise they agree where they meet,
and are simply cropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from upscale_cli.geometry import Grid, Span


def ramp(length: int) -> NDArray[np.float32]:
    """Weights of the second of two tiles over ``length`` shared pixels: from near 0 to near 1, flat at both
    ends.
    """
    t = (np.arange(length) + 0.5) / max(length, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def feather(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blend two versions of the same rows: ``first`` fades out downwards, ``second`` fades in.

    In the form a + w * (b - a), which keeps a value exactly where both agree on it.
    """
    weights = ramp(len(first)).reshape(-1, *[1] * (first.ndim - 1))
    return first + weights * (second - first)


def blend_rows(
    pieces: Iterable[NDArray[np.float32]],
    spans: Sequence[Span],
    margin: tuple[int, int],
    scale: int,
    length: int,
) -> Iterator[NDArray[np.float32]]:
    """Join pieces along their first axis; yield finished rows, ``length`` in all, as soon as they are known.

    ``pieces``: the enlarged window of each of ``spans``. Around the place where two cores meet, over the
    ``margin`` (before and after, in input pixels) that both windows saw, one fades into the other.
    """
    before, after = (scale * m for m in margin)
    pending, start = None, 0
    ends = [scale * span.start - before for span in spans[1:]] + [length]
    for piece, span, end in zip(pieces, spans, ends, strict=True):
        first = scale * span.window
        if pending is None:
            pending = piece[-first:]
        else:
            low = max(scale * span.start - before, start)
            high = min(scale * span.start + after, length)
            fade = feather(pending[low - start : high - start], piece[low - first : high - first])
            pending = np.concatenate((pending[: low - start], fade, piece[high - first :]))
        end = max(start, end)
        yield pending[: end - start]
        pending, start = pending[end - start :], end


def blend_windows(
    rows: Iterable[NDArray[np.float32]], grid: Grid, margin: tuple[int, int], scale: int
) -> Iterator[NDArray[np.float32]]:
    """Finished rows of a picture from one array (tiles, height, width, channels) of windows per row of its
    grid.
    """
    width, height = scale * grid.columns[-1].stop, scale * grid.rows[-1].stop
    across = (blend_rows(windows.swapaxes(1, 2), grid.columns, margin, scale, width) for windows in rows)
    strips = (np.concatenate(list(columns)).swapaxes(0, 1) for columns in across)
    return blend_rows(strips, grid.rows, margin, scale, height)
