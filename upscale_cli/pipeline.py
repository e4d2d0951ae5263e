"""From file to file, and the short form for scripts.

`upscaler.Upscaler` enlarges arrays; `upscale_file` adds decoding, checks and writing; `upscale` is the short
form of both.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np

from upscale_cli import zoo
from upscale_cli.bands import upscale_in_bands
from upscale_cli.errors import TargetError
from upscale_cli.image_io import Picture, open_picture, write_picture
from upscale_cli.pixels import Pixels
from upscale_cli.request import check_request, fits_bands
from upscale_cli.settings import Settings
from upscale_cli.tiler import OnTile
from upscale_cli.upscaler import Upscaler

__all__ = ["Done", "Settings", "Upscaler", "upscale", "upscale_file"]


@dataclass(frozen=True)
class Done:
    """What became of one file."""

    source: str
    target: str
    source_size: tuple[int, int]
    """(width, height), upright."""
    size: tuple[int, int]
    frames: int
    model: str
    seconds: float
    consistency: float
    """The worst of all frames, in dB."""
    warnings: tuple[str, ...] = ()
    """What the target's format could not hold."""


def upscale_file(
    source: str | os.PathLike[str] | Picture,
    target: str | os.PathLike[str],
    upscaler: Upscaler,
    *,
    on_tile: OnTile | None = None,
    threads: int = 0,
) -> Done:
    """Enlarge one file into another; the target appears whole or not at all.

    Raises `TargetError` for the source as its own target, and the errors of `open_picture`, `check_request`,
    `Upscaler.enlarge` and `write_picture`.
    """
    started = time.perf_counter()
    settings = upscaler.settings
    picture = source if isinstance(source, Picture) else open_picture(source, max_pixels=settings.max_pixels)
    if _is_source(picture, target):
        raise TargetError(
            f"{os.fspath(target)}: is an input and would be overwritten", hint="choose another target"
        )
    check_request(picture, target, upscaler)
    work = upscale_in_bands if fits_bands(picture, upscaler) else _upscale_whole
    warnings, agreement = work(picture, target, upscaler, on_tile, threads)
    return Done(
        source=picture.name,
        target=os.fspath(target),
        source_size=(picture.width, picture.height),
        size=settings.size.of(picture.width, picture.height),
        frames=picture.frames,
        model=upscaler.card.name,
        seconds=time.perf_counter() - started,
        consistency=agreement,
        warnings=tuple(warnings),
    )


def _is_source(picture: Picture, target: str | os.PathLike[str]) -> bool:
    """Whether the target is the file that the picture comes from; a link to it would only be replaced."""
    if not isinstance(picture.data, os.PathLike) or os.path.islink(target):  # noqa: PTH114 - takes any name
        return False
    with suppress(OSError):
        return os.path.samefile(picture.data, target)  # noqa: PTH121 - the same
    return False


def _upscale_whole(
    picture: Picture, target: str | os.PathLike[str], upscaler: Upscaler, on_tile: OnTile | None, threads: int
) -> tuple[list[str], float]:
    """Enlarge all frames or pages; return the warnings of writing, and the worst consistency in dB."""
    agreements = [math.inf]

    def frames() -> Iterator[Pixels]:
        before: Pixels | None = None
        for pixels in picture.each_frame():
            if before is None or not np.array_equal(pixels, before):  # animations hold their pictures
                big = upscaler.enlarge(pixels, on_tile=on_tile, threads=threads)
                agreements.append(big.consistency)
                before = pixels
            elif on_tile:
                on_tile(pixels.shape[0] * pixels.shape[1])
            yield big.pixels

    warnings = write_picture(target, frames(), like=picture, options=upscaler.settings.save)
    return warnings, min(agreements)


@overload
def upscale(source: Pixels, /, **settings: Any) -> Pixels: ...
@overload
def upscale(source: str | Path, target: str | Path, /, **settings: Any) -> Done: ...
def upscale(
    source: Pixels | str | Path, target: str | Path | None = None, /, **settings: Any
) -> Pixels | Done:
    """Enlarge an array, or a file into another file.

    >>> upscale(pixels, scale=4)                      # array (H, W) or (H, W, C) in, the same kind out
    >>> upscale("photo.jpg", "big.png", scale=4)      # file to file

    ``settings`` are the fields of `Settings`. Arrays are uint8 or uint16 over the full range or float32 in
    [0, 1]; grey, grey with alpha, RGB or RGBA. Raises TypeError or ValueError for others, and the errors of
    `Settings`, `Upscaler` and `upscale_file`.
    """
    asked = Settings(**settings)
    upscaler = _opened(asked, _weights_now(asked.model))
    if isinstance(source, np.ndarray):
        if target is not None:
            raise TypeError("upscale(array): an array has no target; write what it returns")
        flat = source.ndim == 2
        big = upscaler(source[..., None] if flat else source)
        return big[..., 0] if flat else big
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"upscale takes a NumPy array or a file's name, not {type(source).__name__}")
    if target is None:
        raise TypeError("upscale(source, target): a file needs a target")
    return upscale_file(source, target, upscaler)


@lru_cache(maxsize=2)
def _opened(settings: Settings, weights: tuple[object, ...]) -> Upscaler:
    return Upscaler(settings)


def _weights_now(model: str) -> tuple[object, ...]:
    """What tells weights from those that the same request meant before: where they are, and a file's age."""
    folder = zoo.weights_dir().absolute()
    try:
        file = Path(model).stat()
    except OSError:
        return (folder,)
    return folder, Path(model).absolute(), file.st_mtime_ns, file.st_size
