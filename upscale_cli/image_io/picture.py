"""A source whose header has been read: what it is, and its pixels when they are asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from upscale_cli.image_io import decode, metadata
from upscale_cli.image_io.decode import Encoded
from upscale_cli.image_io.metadata import Metadata
from upscale_cli.image_io.png import PngFacts
from upscale_cli.image_io.rows import ReadRows, open_rows
from upscale_cli.pixels import Pixels


@dataclass(frozen=True)
class Picture:
    """A source whose header has been read and whose pixels have not."""

    name: str
    format: str
    data: Encoded = field(repr=False)
    max_pixels: int = field(repr=False)
    width: int
    """Upright, as are the pixels."""
    height: int
    channels: int
    """1 grey, 2 grey and alpha, 3 RGB, 4 RGBA: what pixels() gives, not what the file stores."""
    dtype: str
    """'uint8', 'uint16' or 'float32'."""
    bits: int = 8
    """Bits per channel as stored."""
    frames: int = 1
    """Frames of an animation, or pages."""
    delays: tuple[int, ...] = field(default=(), repr=False)
    """Milliseconds that each frame of an animation stays; () for pages and stills."""
    loop: int = 0
    """How often an animation plays; 0 is for ever."""
    orientation: int = 1
    """EXIF orientation of the stored pixels, already applied to width, height and pixels()."""
    pages: tuple[int, ...] = field(default=(), repr=False)
    """Where the directories of a TIFF's pages lie, but for reduced copies of others."""
    lossless: bool = False
    """A WebP that was stored without loss."""
    notes: tuple[str, ...] = ()
    """One line for each thing of the source that its pixels do not show."""
    metadata: Metadata = field(default_factory=Metadata, repr=False)
    png: PngFacts = field(default_factory=PngFacts, repr=False)
    """Chunks of a PNG, or what an AVIF says of its colours, as such."""
    _looked_at: dict[int, tuple[Metadata, tuple[str, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    @property
    def depth(self) -> int:
        """Bytes per pixel, all channels together."""
        return self.channels * np.dtype(self.dtype).itemsize

    def pixels(self, frame: int = 0) -> Pixels:
        """Decode one frame: (height, width, channels) of `dtype`, upright. Pages may differ in size and kind.

        Raises:
            DamagedImageError: the data end early or are corrupt.
            UnsupportedImageError: a page of a kind that is not read.
            TooLargeError: a page with more pixels than the source was allowed.
        """
        if frame and self.format == "tiff":
            pixels, stored = decode.decode_page(self.data, self.name, self.pages[frame], self.max_pixels)
            self._looked_at[frame] = self._told(frame, stored)
            return pixels
        if self.frames > 1 and self.format == "png":
            return next(itertools.islice(self.each_frame(), frame, None))
        pixels = decode.decode(self.data, self.format, self.name, frame)
        return decode.upright(pixels, self.orientation)

    def page_metadata(self, frame: int) -> tuple[Metadata, tuple[str, ...]]:
        """What one page says of itself, and a line for each thing that its pixels do not show; frames of an
        animation have what the whole has.

        Raises:
            DamagedImageError, UnsupportedImageError: as pixels().
        """
        if self.format != "tiff" or frame == 0:
            return self.metadata, ()
        known = self._looked_at.pop(frame, None)  # by pixels(): opening a page of many takes its time
        return known or self._told(frame, decode.load(self.data, "tiff", self.name, at=self.pages[frame]))

    def _told(self, frame: int, stored: decode.Stored) -> tuple[Metadata, tuple[str, ...]]:
        meta = metadata.read(stored.image, "tiff", self.data, self.pages[frame])
        notes = tuple(f"{self.name}: page {frame + 1}: {note}" for note in stored.notes)
        return turned(meta, stored.image.get("orientation")), notes

    def rows(self, folder: Path | None = None) -> AbstractContextManager[ReadRows]:
        """As pixels(), a few rows at a time: `with picture.rows() as read: read(0, 64); read(64, 128)`.

        Args:
            folder: where pictures stored turned or upside down may be unpacked meanwhile.
        """
        return open_rows(self.data, self.format, self.name, self.orientation, folder)

    def each_frame(self) -> Iterator[Pixels]:
        """All frames or pages one after the other, as pixels() gives them, each decoded once.

        Raises:
            As pixels().
        """
        if self.frames == 1 or self.format == "tiff":
            yield from map(self.pixels, range(self.frames))
            return
        if self.format == "png":
            for frame in decode.decode_moving_png(self.data, self.name):
                yield decode.upright(frame, self.orientation)
            return
        with open_rows(self.data, self.format, self.name, 1, None, all_frames=True) as read:
            stored_height = self.width if self.orientation >= 5 else self.height
            for top in range(0, self.frames * stored_height, stored_height):
                frame = read(top, top + stored_height)
                yield decode.upright(frame, self.orientation)


def turned(meta: Metadata, orientation: int) -> Metadata:
    """What is said of an upright picture: the resolution across and down."""
    if orientation < 5 or not meta.resolution:
        return meta
    return replace(meta, resolution=meta.resolution[::-1])
