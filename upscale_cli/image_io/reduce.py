"""Pixels as a format can hold them: what it cannot hold is taken out of them, and said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from upscale_cli import alpha
from upscale_cli.image_io import colourspace, png
from upscale_cli.image_io.formats import Format
from upscale_cli.pixels import Pixels, from_float, peak

if TYPE_CHECKING:
    from upscale_cli.image_io.picture import Picture


class Reduction:
    """Makes frames, or bands of one picture, fit for a format.

    Args:
        fmt: the format to be written.
        like: the source, if its numbers may mean other colours than sRGB's.
        background: sRGB colour under transparency, if the format has none.
    """

    def __init__(self, fmt: Format, like: Picture | None, background: tuple[int, int, int]) -> None:
        self.fmt, self.background = fmt, background
        self.facts = like.png if like else png.PngFacts()
        self.name, self.source = (like.name, like.format) if like else ("the picture", "")
        self.warnings: list[str] = []
        if self.facts.wide and fmt.name != "png":
            self._warn(
                f"its colours are not sRGB's (wide gamut or HDR), which the {fmt.title} will not say: "
                "they will look wrong, mostly pale; PNG keeps them (--format png)"
            )
        profile = like.metadata.profile if like else b""
        grey = profile[16:20] == b"GRAY"
        greys = bool(like and like.channels <= 2)
        self._profile_for_grey = profile if grey and not (fmt.profile and fmt.grey) else b""
        self._greys: dict[str, Pixels | None] = {}
        if profile and not grey and not fmt.profile and not colourspace.is_srgb(profile, greys=greys):
            self._warn(f"the source's colour profile, which is not sRGB's, cannot be kept in {fmt.title}")
        if like and like.delays and fmt.name == "tiff":
            self._warn("TIFF has pages and no timing: the animation's delays are left out")

    def _warn(self, text: str) -> None:
        line = f"{self.name}: {text}"
        if line not in self.warnings:
            self.warnings.append(line)

    def __call__(self, pixels: Pixels) -> Pixels:
        """(H, W, C) as the format holds them, contiguous; the same array if nothing has to change."""
        if pixels.shape[2] in (2, 4) and not self.fmt.alpha:
            if (pixels[:, :, -1] == peak(pixels.dtype)).all():
                pixels = pixels[:, :, :-1]
            else:
                colour = "#{:02x}{:02x}{:02x}".format(*self.background)
                self._warn(f"{self.fmt.title} has no transparency: laid on {colour} (--background)")
                pixels = alpha.flatten(pixels, self.background)
        if pixels.dtype == np.float32 and self.fmt.name != "tiff":
            self._warn(
                f"{self.fmt.title} has no floating point: rounded to {16 if self.fmt.deep else 8} bits"
            )
            pixels = from_float(pixels, np.uint16 if self.fmt.deep else np.uint8)
        if self.facts.gamma and self.fmt.name != "png" and pixels.dtype != np.float32:
            pixels = png.to_srgb(pixels, self.facts.gamma)
        if self._profile_for_grey and pixels.dtype != np.float32 and pixels.shape[2] <= 2:
            pixels = self._as_srgb(pixels)
        if pixels.dtype == np.uint16 and self.fmt.name == "avif" and self.source != "avif":
            self._warn("AVIF has at most 12 bits per channel: the lowest 4 are left out")
        if pixels.dtype == np.uint16 and not self.fmt.deep:
            self._warn(f"{self.fmt.title} has no 16 bits per channel: rounded to 8")
            pixels = cv2.convertScaleAbs(np.ascontiguousarray(pixels), alpha=1 / 257).reshape(pixels.shape)
        # A GIF's own edges become soft when enlarged: to round them again loses nothing.
        if self.fmt.name == "gif" and self.source != "gif" and _half_transparent(pixels):
            self._warn("GIF has no half transparency: each pixel is opaque or wholly transparent")
        return np.ascontiguousarray(pixels)

    def _as_srgb(self, pixels: Pixels) -> Pixels:
        """Grey by the source's profile as sRGB's grey, so that it looks the same without the profile."""
        kind = pixels.dtype.name
        if kind not in self._greys:
            self._greys[kind] = colourspace.greys(self._profile_for_grey, pixels.dtype)
        table = self._greys[kind]
        if table is None:
            return pixels
        return np.concatenate([table[pixels[:, :, :1]], pixels[:, :, 1:]], axis=2)


def _half_transparent(pixels: Pixels) -> bool:
    """Whether some pixel of 8 bits is neither opaque nor wholly transparent."""
    if pixels.shape[2] not in (2, 4):
        return False
    opacity = pixels[:, :, -1]
    return bool(((opacity > 0) & (opacity < 255)).any())
