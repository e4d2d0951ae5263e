"""Drawings to learn from beside photographs: text, lines, stripes and shapes, with edges as a lens sees them.

Photographs hold little of what enlarging spoils most visibly: lettering, line art, rails and façades.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_OVERSAMPLING = 4
_LETTERS = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?&%$+-*/()"))
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def drawing(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """Return a random drawing, (side, side, 3) uint8: a dozen elements over a gradient."""
    large = _OVERSAMPLING * side
    corners = rng.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    canvas: Any = cv2.resize(corners, (large, large), interpolation=cv2.INTER_LINEAR)
    kinds = (_text, _lines, _stripes, _shape)
    for kind in rng.integers(len(kinds), size=12):
        kinds[kind](canvas, rng)
    # a lens blurs a little before a sensor averages
    blurred: Any = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.1, 0.4) * _OVERSAMPLING)
    picture: NDArray[np.uint8] = cv2.resize(blurred, (side, side), interpolation=cv2.INTER_AREA)
    return picture


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(level) for level in rng.integers(0, 256, 3))


def _point(canvas: NDArray[np.uint8], rng: np.random.Generator) -> tuple[int, int]:
    x, y = rng.integers(0, len(canvas), 2)
    return int(x), int(y)


def _width(rng: np.random.Generator) -> int:
    """Strokes of half a pixel to six pixels of the finished drawing."""
    return int(_OVERSAMPLING * 0.5 * 12 ** rng.random())


def _text(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    size = _OVERSAMPLING * rng.uniform(0.3, 1.5)
    x, y = _point(canvas, rng)
    for line in range(int(rng.integers(1, 6))):
        words = "".join(rng.choice(_LETTERS, 20))
        place = (x // 4, y + int(40 * size * line))
        font = _FONTS[rng.integers(len(_FONTS))]
        cv2.putText(canvas, words, place, font, size, _colour(rng), max(1, int(2 * size)), cv2.LINE_AA)


def _lines(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 8))):
        start, stop = _point(canvas, rng), _point(canvas, rng)
        cv2.line(canvas, start, stop, _colour(rng), _width(rng), cv2.LINE_AA)


def _stripes(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """A patch of parallel lines at a random angle, 3 to 16 pixels apart."""
    side = len(canvas)
    angle, period = rng.uniform(0, np.pi), _OVERSAMPLING * rng.uniform(3, 16)
    x0, y0 = _point(canvas, rng)
    size = int(rng.integers(side // 8, side // 2))
    part = canvas[y0 : y0 + size, x0 : x0 + size]
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    dark = (x * np.cos(angle) + y * np.sin(angle)) % period < period * rng.uniform(0.3, 0.7)
    part[dark] = _colour(rng)


def _shape(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        axes = tuple(int(length) for length in rng.integers(8, len(canvas) // 4, 2))
        thickness = -1 if rng.random() < 0.5 else _width(rng)
        centre, turn = _point(canvas, rng), float(rng.uniform(0, 180))
        cv2.ellipse(canvas, centre, axes, turn, 0, 360, _colour(rng), thickness, cv2.LINE_AA)
    else:
        points = (np.array(_point(canvas, rng)) + rng.integers(-400, 400, (5, 2))).astype(np.int32)
        cv2.fillPoly(canvas, [points], _colour(rng), cv2.LINE_AA)
