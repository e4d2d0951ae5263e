"""The size asked for: a factor, or a width, a height, a frame or a longest side in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from upscale_cli.errors import ScaleError

MAX_SCALE = 64
"""Largest factor: six passes of 2x."""


@dataclass(frozen=True)
class TargetSize:
    """What the result shall measure. At most one way of saying it may be used.

    ``width`` and ``height`` together ask for exactly that size, whatever the shape of the source; alone, the
    other side follows. ``fit`` keeps the shape and stays inside a frame; ``long_side`` is the longer side.
    A picture already as large as the pixels asked for keeps its size unless ``shrink`` is set.
    """

    scale: float = 2.0
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None
    long_side: int | None = None
    shrink: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.scale) or not 0 < self.scale <= MAX_SCALE:
            raise ScaleError(
                f"a scale of {self.scale:g} cannot be made",
                hint=f"use a factor from 1 to {MAX_SCALE}",
            )
        if self.scale < 1 and not self.shrink:
            raise ScaleError(f"a scale of {self.scale:g} makes pictures smaller", hint="add --shrink")
        ways = [self.width or self.height, self.fit, self.long_side]
        if sum(way is not None for way in ways) > 1:
            raise ScaleError(
                "--width/--height, --fit and --long-side exclude each other", hint="keep one of them"
            )
        for side in (self.width, self.height, self.long_side, *(self.fit or ())):
            if side is not None and side < 1:
                raise ScaleError(f"a side of {side} pixels cannot be made", hint="use 1 or more")

    @property
    def in_pixels(self) -> bool:
        """Whether the size was given in pixels, not as a factor."""
        return any(way is not None for way in (self.width, self.height, self.fit, self.long_side))

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Return the result's (width, height) for a source of that size."""
        if not self.in_pixels:
            return max(1, round(width * self.scale)), max(1, round(height * self.scale))
        if self.width and self.height:
            wanted = self.width, self.height
        else:
            factor = self._factor(width, height)
            wanted = (
                self.width or max(1, round(width * factor)),
                self.height or max(1, round(height * factor)),
            )
        grows = wanted[0] > width or wanted[1] > height
        return wanted if grows or self.shrink else (width, height)

    def _factor(self, width: int, height: int) -> float:
        if self.width:
            return self.width / width
        if self.height:
            return self.height / height
        if self.fit:
            return min(self.fit[0] / width, self.fit[1] / height)
        assert self.long_side
        return self.long_side / max(width, height)

    def label(self) -> str:
        """Return the factor as file names carry it: ``4``, ``1.5``; empty for sizes in pixels."""
        return "" if self.in_pixels else f"{self.scale:g}"


def passes(source: tuple[int, int], target: tuple[int, int], factor: int = 2) -> int:
    """Return how many enlargements by ``factor`` take (width, height) ``source`` to ``target`` or beyond."""
    count = 0
    while any(side * factor**count < wanted for side, wanted in zip(source, target, strict=True)):
        count += 1
        if factor**count > MAX_SCALE:
            raise ScaleError(
                f"{target[0]}x{target[1]} is more than {MAX_SCALE} times {source[0]}x{source[1]}",
                hint=f"ask for at most {MAX_SCALE} times the source",
            )
    return count
