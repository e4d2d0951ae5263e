"""What happens to the pictures of a run, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from upscale_cli.errors import UpscaleError

if TYPE_CHECKING:
    from upscale_cli.pipeline import Done


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to enlarge."""

    source: str
    target: str
    source_size: tuple[int, int]
    """(width, height), upright."""
    size: tuple[int, int]
    """(width, height) of the result."""
    frames: int
    depth: int
    """Bytes per pixel, all channels together."""
    bytes: int
    """Size of the source file."""
    memory: int
    """About how many bytes it takes at its peak, in a process of its own."""

    @property
    def pixels(self) -> int:
        """Pixels of the source, all frames together."""
        return self.source_size[0] * self.source_size[1] * self.frames

    @property
    def result_pixels(self) -> int:
        """Pixels of the result, all frames together."""
        return self.size[0] * self.size[1] * self.frames


@dataclass(frozen=True, slots=True)
class Start:
    """Work on a picture begins."""

    job: Job


@dataclass(frozen=True, slots=True)
class Progress:
    """Some of a picture is enlarged."""

    job: Job
    pixels: int
    """Pixels of the source finished since the last event of this picture."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A target is in place."""

    job: Job
    done: Done
    bytes: int
    """Size of the target."""
    sha256: str
    """Hash of the target, if asked for."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A file is left out."""

    source: str
    reason: str
    """``finished``, ``not-an-image``, ``unsupported`` or ``own-output``."""
    target: str = ""
    job: Job | None = None
    """The work that was planned for it, if any was."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A file could not be done."""

    source: str
    error: UpscaleError
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class DiskFull:
    """Nothing more can be written: the run ends, and so many pictures are left."""

    left: int


Event = Start | Progress | Finished | Skip | Failed | DiskFull
