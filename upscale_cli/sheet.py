"""Draw a comparison as one picture: the photo with numbered boxes, and a row of labelled crops for each."""

from __future__ import annotations

import cv2
import numpy as np

from upscale_cli.compare import Comparison, Panel
from upscale_cli.originals import Pixels8

CELL = 280  # pixels that a crop is shown at, about
GAP = 12
HEADER = 64
OVERVIEW = 420  # width of the photo on the left
WORDS = 240  # width that the words above a narrower one have
INK, FAINT, FRAME, PAPER = (24,) * 3, (110,) * 3, (210,) * 3, (255,) * 3
BEST = (0, 120, 60)


def draw(photo: Pixels8, comparison: Comparison, scale: int, *, title: str = "") -> Pixels8:
    """The sheet as ``(H, W, 3)`` RGB, on white. Crops are shown at a whole multiple of their size."""
    panels, boxes = comparison.panels, comparison.boxes
    side = boxes[0].width * scale
    zoom = max(1, round(CELL / side))
    cell = side * zoom
    grid = len(boxes) * (cell + GAP)
    overview = _overview(photo, comparison, grid - GAP)
    room = max(overview.shape[1], WORDS)
    left = GAP + room + 3 * GAP
    width = left + len(panels) * (cell + GAP)
    sheet = np.full((HEADER + max(grid, overview.shape[0] + GAP), width, 3), PAPER, np.uint8)
    _paste(sheet, overview, GAP, HEADER)
    _text(sheet, title, GAP, 28, bold=True, room=room)
    _text(sheet, f"{photo.shape[1]} x {photo.shape[0]} pixels, {scale}x", GAP, 52, color=FAINT)
    best = max((panel.psnr for panel in panels if panel.psnr is not None), default=None)
    for column, panel in enumerate(panels):
        x = left + column * (cell + GAP)
        _text(sheet, panel.name, x, 28, bold=True, room=cell)
        if panel.psnr is not None:
            color = BEST if panel.psnr == best else FAINT
            _text(sheet, _score(panel), x, 52, color=color, bold=panel.psnr == best)
        for row, crop in enumerate(panel.crops):
            y = HEADER + row * (cell + GAP)
            _paste(sheet, _resize(crop, (cell, cell), cv2.INTER_NEAREST), x, y)
            cv2.rectangle(sheet, (x - 1, y - 1), (x + cell, y + cell), FRAME)
    for row in range(len(boxes)):
        _badge(sheet, row, left - 2 * GAP, HEADER + row * (cell + GAP) + 10)
    return sheet


def _overview(photo: Pixels8, comparison: Comparison, height: int) -> Pixels8:
    factor = min(OVERVIEW / photo.shape[1], height / photo.shape[0])
    size = (max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor)))
    small = _resize(photo, size, cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    for row, box in enumerate(comparison.boxes):
        x, y, side = round(box.x * factor), round(box.y * factor), max(6, round(box.width * factor))
        for color, thickness in ((INK, 3), (PAPER, 1)):
            cv2.rectangle(small, (x, y), (x + side, y + side), color, thickness, cv2.LINE_AA)
        _badge(small, row, max(10, x), max(10, y))
    return small


def _badge(sheet: Pixels8, row: int, x: int, y: int) -> None:
    cv2.circle(sheet, (x, y), 10, PAPER, -1, cv2.LINE_AA)
    cv2.circle(sheet, (x, y), 9, INK, -1, cv2.LINE_AA)
    (width, _), _ = cv2.getTextSize(str(row + 1), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    _text(sheet, str(row + 1), x - width // 2, y + 5, color=PAPER, size=0.45)


def _text(
    sheet: Pixels8,
    text: str,
    x: int,
    y: int,
    *,
    color: tuple[int, int, int] = INK,
    bold: bool = False,
    size: float = 0.6,
    room: int = 0,
) -> None:
    """Write ``text`` on the baseline ``y``, cut at the end to ``room`` pixels where given."""
    font = cv2.FONT_HERSHEY_DUPLEX if bold else cv2.FONT_HERSHEY_SIMPLEX
    shown, left = text, len(text)
    while room and shown and cv2.getTextSize(shown, font, size, 1)[0][0] > room:
        left -= 1
        shown = text[:left] + "..." if left > 0 else ""
    cv2.putText(sheet, shown, (x, y), font, size, color, 1, cv2.LINE_AA)


def _score(panel: Panel) -> str:
    return f"{panel.psnr:.2f} dB   {panel.ssim:.4f}"


def _paste(sheet: Pixels8, picture: Pixels8, x: int, y: int) -> None:
    sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def _resize(pixels: Pixels8, size: tuple[int, int], kernel: int) -> Pixels8:
    """As RGB of ``size`` (width, height)."""
    rgb = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    return np.asarray(cv2.resize(rgb, size, interpolation=kernel), np.uint8)
