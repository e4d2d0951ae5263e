"""Where tiles lie: frozen integers, no pixels.

A picture is cut into *cores*, which touch without overlapping, and every core lies inside a *window*, what
the network is given. All windows of a picture have one shape, so that a runtime is prepared once: where the
last core of a row is narrower, its window is shifted inwards, never shrunk. Windows may reach beyond the
picture by the margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

_SETUP = 2
"""What it costs to prepare a runtime for a shape of window, in windows of that shape."""
_CALL = 4000
"""Fixed cost of a window, in pixels."""


@dataclass(frozen=True)
class Region:
    """A rectangle in pixels; ``y`` and ``x`` may be negative where a window reaches beyond the picture."""

    y: int
    x: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """First row below the rectangle."""
        return self.y + self.height

    @property
    def right(self) -> int:
        """First column to the right of the rectangle."""
        return self.x + self.width

    @property
    def pixels(self) -> int:
        """Number of pixels inside."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in an array of rows and columns."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def scaled(self, scale: int) -> Region:
        """The same rectangle in a picture ``scale`` times as large."""
        return Region(self.y * scale, self.x * scale, self.height * scale, self.width * scale)

    def relative_to(self, other: Region) -> Region:
        """The same rectangle, counted from the top left corner of ``other``."""
        return Region(self.y - other.y, self.x - other.x, self.height, self.width)


@dataclass(frozen=True)
class Span:
    """One axis of a tile: its core ``start:stop`` and the first pixel of its window."""

    start: int
    stop: int
    window: int


@dataclass(frozen=True)
class Tile:
    """``core``: the pixels this tile is responsible for; ``window``: the pixels it looks at."""

    core: Region
    window: Region


@dataclass(frozen=True)
class Grid:
    """All tiles of a picture, by rows; made by `plan_grid`."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    window_height: int
    window_width: int

    def row(self, index: int) -> tuple[Tile, ...]:
        """The tiles of one row of the grid, from left to right."""
        r = self.rows[index]
        return tuple(
            Tile(
                Region(r.start, c.start, r.stop - r.start, c.stop - c.start),
                Region(r.window, c.window, self.window_height, self.window_width),
            )
            for c in self.columns
        )

    def __iter__(self) -> Iterator[Tile]:
        """All tiles, row by row."""
        for index in range(len(self.rows)):
            yield from self.row(index)

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self.rows) * len(self.columns)


def plan_grid(height: int, width: int, tile: tuple[int, int], margin: tuple[int, int]) -> Grid:
    """Cut a picture of ``height`` by ``width`` pixels into tiles.

    ``tile``: height and width of a core; clipped to the picture. ``margin``: pixels that a window sees before
    (above, left of) and after (below, right of) its core. The cores cover the picture exactly once.
    """
    if min(height, width, *tile) < 1 or min(margin) < 0:
        raise ValueError(f"no grid for {height}x{width} pixels in tiles of {tile} with a margin of {margin}")
    tile_height, tile_width = min(tile[0], height), min(tile[1], width)
    return Grid(
        _spans(height, tile_height, margin[0]),
        _spans(width, tile_width, margin[0]),
        tile_height + sum(margin),
        tile_width + sum(margin),
    )


def choose_tile(
    height: int, width: int, margin: int, workers: int, largest: tuple[int, int]
) -> tuple[int, int]:
    """Height and width of the cores that are done soonest, none above those of ``largest``.

    Time is counted in window pixels: the work of the busiest of ``workers``, and the preparation (`_SETUP`).
    Large tiles waste little on their margins, small ones keep all workers busy.
    """

    def lengths(side: int, longest: int) -> set[int]:
        fewest = -(-side // longest)
        return {-(-side // count) for count in range(fewest, min(fewest + 2 * workers, side) + 1)}

    def time(tile: tuple[int, int]) -> float:
        tiles = -(-height // tile[0]) * -(-width // tile[1])
        window = (tile[0] + 2 * margin) * (tile[1] + 2 * margin)
        return (-(-tiles // workers) + _SETUP) * (window + _CALL)

    return min(product(sorted(lengths(height, largest[0])), sorted(lengths(width, largest[1]))), key=time)


def _spans(length: int, tile: int, margin: int) -> tuple[Span, ...]:
    return tuple(
        Span(start, min(start + tile, length), min(start, length - tile) - margin)
        for start in range(0, length, tile)
    )
