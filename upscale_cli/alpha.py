"""Transparency, on arrays: take it apart for enlarging, put it together without fringes, or flatten it.

A wholly transparent pixel has no colour of its own, only a left-over (often black), which an enlarger would
smear into its visible neighbours as a dark or light fringe. `split` therefore spreads the visible colours
under the transparent area first; the alpha plane is then enlarged as a grey picture of its own.
"""

from __future__ import annotations

import cv2
import numpy as np

from upscale_cli.pixels import Pixels, peak


def split(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """(H, W, 2|4) into the colour (H, W, 1|3), spread under what is transparent, and the alpha (H, W, 1)."""
    alpha = np.ascontiguousarray(pixels[:, :, -1:])
    colour = np.ascontiguousarray(pixels[:, :, :-1])
    return (colour if is_constant(alpha) else bleed(colour, alpha)), alpha


def is_constant(alpha: Pixels) -> bool:
    """True if every pixel is equally transparent, so that nothing need be enlarged."""
    return bool((alpha == alpha[:1, :1]).all())


def bleed(colour: Pixels, alpha: Pixels) -> Pixels:
    """Colour with the wholly transparent pixels filled from their visible neighbours; the others unchanged.

    Pull-push interpolation: alpha-weighted averages over ever larger squares fill the holes, from coarse to
    fine (Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4).
    """
    hidden = alpha == 0
    if not hidden.any():
        return colour
    weight = alpha[:, :, 0].astype(np.float32) / np.float32(peak(alpha.dtype))
    filled = _pull_push(colour.astype(np.float32), weight)
    if colour.dtype.kind == "u":
        filled = np.rint(filled)
    return np.where(hidden, filled.astype(colour.dtype), colour)


def _pull_push(colour: Pixels, weight: Pixels) -> Pixels:
    """Float colour, the less a pixel weighs the more of its weighted surroundings mixed in."""
    height, width = weight.shape
    if weight.min() >= 1 or height * width == 1:
        return colour
    even = (0, height % 2, 0, width % 2)
    half = ((width + 1) // 2, (height + 1) // 2)
    weighted = cv2.copyMakeBorder(colour * weight[:, :, None], *even, cv2.BORDER_CONSTANT)
    total = cv2.resize(weighted, half, interpolation=cv2.INTER_AREA).reshape(half[1], half[0], -1)
    mass = cv2.resize(
        cv2.copyMakeBorder(weight, *even, cv2.BORDER_CONSTANT), half, interpolation=cv2.INTER_AREA
    )
    coarse = total / np.maximum(mass, np.float32(1e-12))[:, :, None]
    coarse = _pull_push(coarse, np.minimum(mass * 4, 1))
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(colour.shape)
    return fine + (colour - fine) * weight[:, :, None]


def keep_plateaus(enlarged: Pixels, alpha: Pixels) -> Pixels:
    """Enlarged alpha with exact 0 and exact full where the source is so all around.

    Args:
        enlarged: (H', W', 1), of any size.
        alpha: (H, W, 1), the plane that it was made from.
    """
    size = (enlarged.shape[1], enlarged.shape[0])
    out = enlarged.copy()
    around = np.ones((3, 3), np.uint8)
    full = peak(alpha.dtype)
    for value, inside in ((0, cv2.dilate(alpha, around) == 0), (full, cv2.erode(alpha, around) == full)):
        mask = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        out[mask.reshape(out.shape).astype(bool)] = value
    return out


def join(colour: Pixels, alpha: Pixels) -> Pixels:
    """(H, W, 1|3) and (H, W, 1), or (1, 1, 1) for a constant, into (H, W, 2|4)."""
    height, width = colour.shape[:2]
    return np.concatenate([colour, np.broadcast_to(alpha, (height, width, 1))], axis=2)


def flatten(pixels: Pixels, background: tuple[int, int, int]) -> Pixels:
    """(H, W, 2|4) laid on one 8-bit RGB colour: (H, W, 1|3), grey if the background is grey."""
    full = peak(pixels.dtype)
    colour, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
    if colour.shape[2] == 1 and len(set(background)) > 1:
        colour = np.repeat(colour, 3, axis=2)
    base = np.asarray(background[: colour.shape[2]], np.float32) * np.float32(full / 255)
    out = np.empty(colour.shape, pixels.dtype)
    for top in range(0, len(out), 256):  # a strip at a time: the float copy stays small
        rows = slice(top, top + 256)
        mixed = base + (colour[rows] - base) * (alpha[rows].astype(np.float32) / np.float32(full))
        out[rows] = np.rint(mixed) if pixels.dtype.kind == "u" else mixed
    return out
