"""Pixels into a file of each format, with what their source carried."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upscale_cli.errors import UsageError
from upscale_cli.image_io import apng, bmp, gif, jpeg, libvips, metadata, png, pnm, tiff, webp
from upscale_cli.image_io.decode import buffer
from upscale_cli.image_io.formats import Format
from upscale_cli.image_io.head import Change, HeadEditor
from upscale_cli.image_io.metadata import Metadata
from upscale_cli.pixels import Pixels

if TYPE_CHECKING:
    from upscale_cli.image_io.picture import Picture
    from upscale_cli.image_io.stream import RowStream

_SAVERS = {
    "jpeg": "jpegsave", "png": "pngsave", "webp": "webpsave",
    "tiff": "tiffsave", "avif": "heifsave", "gif": "gifsave",
}  # fmt: skip
STREAMED = ("jpeg", "png", "tiff")
"""Formats whose encoders take row after row; those of the others want all of them first."""
_KEEP = {"exif-data": 1, "xmp-data": 2, "iptc-data": 4}
_KEEP_PROFILE_AND_TEXT = 8 + 16
_OWN = {"jpeg": {"exif-data"}, "png": {"exif-data", "xmp-data", "iptc-data"}}
"""What is put into files of a format here: libvips's EXIF has known tags only, its XMP in PNG few find."""
RANGES = {"quality": (1, 100), "compression": (0, 9)}
"""What encoders take, least and most."""
_CLASSIC_TIFF = 3_900_000_000
"""Bytes of pixels above which a TIFF is written as BigTIFF: offsets of 32 bits end at 4 GiB."""


@dataclass(frozen=True)
class SaveOptions:
    """How a result is written. Fields that a format has no use for are ignored by it."""

    format: str = ""
    """A format's name or suffix; "" takes the target's suffix, or else the source's own format."""
    quality: int | None = None
    """The encoder's own 1 to 100; None takes the format's default."""
    lossless: bool = False
    """WebP and AVIF without loss; for WebP also the default if the source was one without loss."""
    compression: int = 4
    """Effort of PNG and of TIFF's deflate, 0 (none) to 9 (smallest)."""
    background: tuple[int, int, int] = (255, 255, 255)
    """sRGB colour under transparency in formats that have none."""
    strip: bool = False
    """Leave out all metadata but the colour profile."""

    def __post_init__(self) -> None:
        """Raises UsageError for a quality or compression that no encoder takes."""
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if value is None and name == "quality":
                continue
            if not isinstance(value, Integral) or not least <= int(value) <= most:
                raise UsageError(
                    f"{name}={value!r} is no whole number from {least} to {most}",
                    hint="give one, or leave it out",
                )
            object.__setattr__(self, name, int(value))  # NumPy's numbers, too


@dataclass
class Saver:
    """Writes pixels that the format can hold."""

    fmt: Format
    like: Picture | None
    options: SaveOptions
    warnings: list[str] = field(default_factory=list)
    """Metadata that were lost, filled in by writing."""
    chunks: bytes = b""
    """Further PNG chunks."""

    def __post_init__(self) -> None:
        """Say which metadata the format has no place for."""
        if not self.like or self.options.strip:
            return
        meta, fmt = self.meta, self.fmt
        carried = (
            ("EXIF", meta.exif, fmt.exif),
            ("XMP", meta.xmp, fmt.xmp),
            ("IPTC", meta.iptc, fmt.iptc),
            ("PNG text", self.like.png.text, fmt.text),
        )
        lost = [what for what, block, fits in carried if block and not fits]
        if lost:
            self.warnings.append(f"{self.like.name}: {fmt.title} has no {' and no '.join(lost)}: left out")

    @property
    def meta(self) -> Metadata:
        return self.like.metadata if self.like else Metadata()

    def save(self, pixels: Pixels, path: Path, *, frames: int = 1, big: bool = False) -> None:
        """Write (H, W, C) pixels, or an animation of `frames` frames one below the other.

        Metadata that the encoder refuses are left out: they must not cost the picture.

        Raises:
            libvips.Error, OSError: the file cannot be written.
        """
        if self.fmt.name in ("bmp", "pnm"):
            plain = bmp.encode(pixels, self.meta.resolution) if self.fmt.name == "bmp" else pnm.encode(pixels)
            with path.open("wb") as file:
                file.writelines(plain)
            return
        self._save(self._timed(libvips.image_of(pixels), frames), path, big)
        if self.fmt.name == "webp" and self.like and len(self.like.delays) == frames:
            webp.put_delays(path, self.like.delays)

    def save_stream(self, stream: RowStream, path: Path) -> None:
        """Write a picture in one of the formats of `STREAMED` while its rows arrive. Raises as save."""
        self._save(stream.image(), path, False, stream)

    def _save(self, image: Any, path: Path, big: bool, stream: RowStream | None = None) -> None:
        self._put(image, path, big, self.meta, stream)
        if self.fmt.name == "tiff":
            self._tag(path, image, self.meta)

    def _put(
        self, image: Any, path: Path, big: bool, meta: Metadata, stream: RowStream | None = None
    ) -> None:
        full, lost = metadata.attach(image, meta, self.fmt, strip=self.options.strip)
        try:
            self._write(full, path, big)
        except libvips.Error:
            if stream and stream.begun:  # metadata come before the first row: they are not the cause
                raise
            self._write(image, path, big)
            lost = ["metadata"]
        self._say(lost, path)

    def _tag(self, path: Path, image: Any, meta: Metadata, link: int = 0) -> None:
        """Put into a TIFF what libvips does not; `link` tells the page, as tiff.append_page does."""
        if self.options.strip:
            return
        tags = metadata.tiff_tags(meta, image.width, image.height)
        if tags:
            tiff.add_tags(path, tags, link)
        elif meta.exif:
            self._say(["EXIF"], path)

    def _say(self, lost: list[str], path: Path) -> None:
        name = self.like.name if self.like else path
        self.warnings += [f"{name}: the {what} could not be carried over" for what in lost]

    def save_pages(self, pages: Iterable[Pixels], count: int, path: Path) -> None:
        """Write TIFF pages, which may differ in size, kind and metadata, one after the other."""
        big, link = False, 0
        for number, page in enumerate(pages):
            if number == 0:
                big = page.nbytes * self._in_first_pages(count) > _CLASSIC_TIFF
                self.save(page, path, big=big)
                continue
            meta, notes = self.like.page_metadata(number) if self.like else (Metadata(), ())
            self.warnings += notes
            image, single = libvips.image_of(page), path.with_suffix(".page")
            try:
                self._put(image, single, big, meta)
                link = tiff.append_page(path, single, link)
            finally:
                single.unlink(missing_ok=True)
            self._tag(path, image, meta, link)

    def _in_first_pages(self, count: int) -> float:
        """How many times as large as the first of `count` pages all of them are."""
        if not self.like or self.like.format != "tiff":
            return count
        held = buffer(self.like.data)
        sizes = [tiff.page(held, at).size for at in self.like.pages]
        return sum(sizes) / sizes[0] if sizes[0] else count

    def save_moving(self, frames: Iterable[Pixels], count: int, path: Path) -> None:
        """Write an animated PNG, one frame after the other."""
        delays = self.like.delays if self.like and len(self.like.delays) == count else (100,) * count
        loop = self.like.loop if self.like else 0
        for number, (frame, delay) in enumerate(zip(frames, delays, strict=True)):
            height, width = frame.shape[:2]
            control = apng.control(number, width, height, delay)
            if number == 0:
                self.chunks = apng.opening(count, loop) + control
                self.save(frame, path)
                continue
            encoded = libvips.image_of(frame).pngsave_buffer(**self._encoding(None, False))
            with path.open("r+b") as file:
                file.seek(-len(apng.END), 2)
                file.write(control + apng.following(number, encoded) + apng.END)

    def _timed(self, image: Any, frames: int) -> Any:
        """The image with an animation's frame height, delays and loop count."""
        if frames > 1 and self.like:
            image = image.copy()
            image.set_type(libvips.INT, "page-height", image.height // frames)
            image.set_type(libvips.INT, "loop", self.like.loop)
            if len(self.like.delays) == frames:
                delays = (
                    [webp.EACH_DELAY] * frames if self.fmt.name == "webp" else gif.delays(self.like.delays)
                )
                image.set_type(libvips.INTS, "delay", delays)
        return image

    def _write(self, image: Any, path: Path, big: bool) -> None:
        blobs = {name: bytes(image.get(name)) for name in _KEEP if image.get_typeof(name)}
        keep = sum(_KEEP[name] for name in blobs.keys() - _OWN.get(self.fmt.name, set()))
        arguments = {"keep": keep + _KEEP_PROFILE_AND_TEXT, **self._encoding(image, big)}
        change = self._change(blobs)
        exif = blobs.get("exif-data", b"") if self.fmt.name == "webp" else b""
        if exif:
            image = image.copy()
            image.set_type(libvips.BLOB, "exif-data", webp.NO_EXIF)
        if not change:
            getattr(image, _SAVERS[self.fmt.name])(os.fsencode(path), **arguments)
            if exif:
                webp.put_exif(path, exif)
            return
        with path.open("wb") as file:
            editor = HeadEditor(file, change)
            target = libvips.TargetCustom()
            target.on_write(editor)
            try:
                getattr(image, f"{_SAVERS[self.fmt.name]}_target")(target, **arguments)
            except libvips.Error as error:
                raise editor.error or error from error

    def _change(self, blobs: dict[str, bytes]) -> Change | None:
        """What the head of a file gets beside libvips's encoder; None for nothing."""
        exif, xmp, iptc = (blobs.get(name, b"") for name in _KEEP)
        if self.fmt.name == "jpeg":
            density = jpeg.jfif(self.meta.resolution, self.meta.unit)
            add = jpeg.segment(jpeg.APP1, exif) if exif else jpeg.segment(jpeg.APP0, density)
            comments = () if self.options.strip else self.meta.comments
            add += b"".join(jpeg.segment(jpeg.COMMENT, comment) for comment in comments)
            return partial(jpeg.with_segments, add=add)
        if self.fmt.name != "png":
            return None
        facts = self.like.png if self.like else png.PngFacts()
        text = b"" if self.options.strip else facts.text + b"".join(map(png.comment, self.meta.comments))
        add = self.chunks + facts.colour + png.stated(exif, xmp, iptc) + text
        drop = () if self.meta.resolution else (b"pHYs",)
        return partial(png.with_chunks, add=add, drop=drop) if add or drop else None

    def _encoding(self, image: Any, big: bool) -> dict[str, Any]:
        """What libvips's encoder is asked for."""
        options = self.options
        lossy: dict[str, Any] = {"Q": options.quality or self.fmt.quality}
        if self.fmt.name == "jpeg":
            return {**lossy, "subsample_mode": "off"}
        if self.fmt.name == "png":
            # Measured on enlarged photographs: "avg" is best from level 3 on, "up" below.
            return {"compression": options.compression, "filter": "avg" if options.compression > 2 else "up"}
        if self.fmt.name == "webp":
            as_before = bool(self.like and self.like.lossless and not options.quality)
            return {**lossy, "lossless": options.lossless or as_before, "effort": 2}
        if self.fmt.name == "avif":
            deep = self.like.bits if self.like and self.like.format == "avif" else 12
            bits = 8 if image.format == "uchar" else deep
            lossy |= {"compression": "av1", "bitdepth": bits, "subsample_mode": "off", "effort": 2}
            return {**lossy, "lossless": options.lossless}
        if self.fmt.name == "tiff":
            size = image.width * image.height * image.bands * {"uchar": 1, "ushort": 2}.get(image.format, 4)
            packing: dict[str, Any] = {"compression": "none"}
            if options.compression:
                predictor = "none" if image.format == "float" else "horizontal"  # few read that for floats
                packing = {"compression": "deflate", "predictor": predictor, "level": options.compression}
            return {**packing, "bigtiff": big or size > _CLASSIC_TIFF}
        return {"keep_duplicate_frames": True}
