"""What shall be done to a picture, as one value."""

from __future__ import annotations

import hashlib
import json
import operator
import os
from dataclasses import asdict, dataclass, field
from numbers import Integral
from typing import Any

from upscale_cli.errors import ScaleError, UsageError
from upscale_cli.image_io import MAX_PIXELS
from upscale_cli.image_io.encode import SaveOptions
from upscale_cli.size import TargetSize
from upscale_cli.tiler import Tiling

_SIDES = ("width", "height", "long_side")
_COUNTS = ("tile", "overlap", "batch", "threads", "memory", "max_pixels")


@dataclass(frozen=True)
class Settings:
    """Everything that `pipeline.Upscaler` needs to know. Change one with `dataclasses.replace`.

    NumPy's numbers and a `Path` for the model are taken, too. Raises `ScaleError` for a size that cannot be
    made, `UsageError` for a count that is none.
    """

    scale: float = 2
    """Factor on each axis, 1 to 64; passes of the network go beyond it, one downsize comes back to it."""
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None
    """Frame (width, height) that the result shall fill on one side."""
    long_side: int | None = None
    shrink: bool = False
    """Allow results smaller than the source."""
    model: str = ""
    """A name that ``upscale models`` lists, or a path; empty = the default model."""
    precision: str = ""
    """``float``; ``int8``: a little worse, mostly quicker; ``bfloat16``: on CPUs with AMX nearly as quick as
    int8, and for 8 bit nearly as good as float; empty = what this CPU is quicker with, and float for 16 bit
    and float32, of which the others would round away half a grey level of 8 bit, and for TensorFlow, which
    runs no int8.
    """
    runtime: str = ""
    """``native``, ``litert``, ``openvino`` or ``tensorflow``; empty = what is quickest on this CPU with this
    picture: its own kernels in int8, and in float OpenVINO for large pictures, LiteRT for the others.
    """
    ensemble: bool = False
    """Average over the eight flips and turns: a little better, eight times the work of one."""
    tile: int = 0
    overlap: int | None = None
    batch: int = 0
    threads: int = 0
    """As in `tiler.Tiling`; 0 = chosen."""
    memory: int = 0
    """Bytes that the work may take; 0 = what is free."""
    max_pixels: int = MAX_PIXELS
    """Sources with more pixels are refused before they are decoded."""
    save: SaveOptions = field(default_factory=SaveOptions)

    def __post_init__(self) -> None:
        plain: dict[str, Any] = {"model": os.fspath(self.model)}
        for name in _SIDES + _COUNTS:
            if (value := getattr(self, name)) is not None:
                if not isinstance(value, Integral) or (name in _COUNTS and value < 0):
                    raise (ScaleError if name in _SIDES else UsageError)(
                        f"{name}={value!r} is no whole number of 0 or more", hint="give one, or leave it out"
                    )
                plain[name] = int(value)
        try:
            plain["scale"] = float(self.scale)
            if self.fit is not None:
                width, height = self.fit
                plain["fit"] = operator.index(width), operator.index(height)
        except (TypeError, ValueError) as error:
            raise ScaleError(
                f"scale={self.scale!r}, fit={self.fit!r}: {error}",
                hint="scale is a number, fit are two whole ones",
            ) from error
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        _ = self.size, self.tiling

    @property
    def size(self) -> TargetSize:
        """The size asked for."""
        return TargetSize(self.scale, self.width, self.height, self.fit, self.long_side, self.shrink)

    @property
    def tiling(self) -> Tiling:
        """How pictures are cut up."""
        return Tiling(self.tile, self.overlap, self.batch, self.threads)

    def fingerprint(self, model: str = "") -> str:
        """Return a short hash of what decides a result's bytes, beside the source.

        ``model`` tells the weights (their hash). Threads, memory and batch change no byte, and neither do
        tiles as long as their overlap is the exact one.
        """
        facts = asdict(self)
        for name in ("threads", "memory", "batch", "max_pixels", "runtime"):
            del facts[name]
        if self.overlap is None:
            del facts["tile"]
        text = json.dumps([facts, model], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
