"""All the work of a run, worked out before any of it begins: what becomes what, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from upscale_cli.errors import (
    InputError,
    NotAnImageError,
    TargetError,
    UnsupportedImageError,
    UpscaleError,
)
from upscale_cli.events import Failed, Job, Skip
from upscale_cli.formats import FORMATS, SUFFIXES, Format, format_for
from upscale_cli.image_io import Picture, open_picture
from upscale_cli.journal import Entry, Journal, file_hash
from upscale_cli.naming import BY_SCALE, BY_SIZE, NameTemplate
from upscale_cli.pipeline import Upscaler, check_request
from upscale_cli.sources import Source


@dataclass
class Plan:
    """What a run will do."""

    jobs: list[Job] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


@dataclass(frozen=True)
class Destination:
    """Where results go: a folder and a template for the names in it, or one file."""

    folder: str = "output"
    template: NameTemplate | None = None
    """None: the size that was asked for is added to the name."""
    file: str = ""

    def target(self, source: Source, picture: Picture, size: tuple[int, int], upscaler: Upscaler) -> str:
        """Return the result's path for one source."""
        if self.file:
            return self.file
        settings = upscaler.settings
        ext = extension(source.path, picture.format, settings.save.format)
        template = self.template or (BY_SIZE if settings.size.in_pixels else BY_SCALE)
        name = template.fill(
            source.path, ext=ext, scale=settings.size.label(), model=upscaler.card.name, size=size
        )
        return str(Path(self.folder, source.folder, name))


def extension(source: str, format: str, wanted: str = "") -> str:
    """Return a result's extension: as wanted, else the source's own where that tells the format."""
    if wanted:
        asked = f".{wanted.lower().lstrip('.')}"
        return asked if asked in SUFFIXES else format_for(wanted).suffixes[0]
    own = Path(source).suffix
    fmt: Format = FORMATS.get(format, FORMATS["png"])
    return own if own.lower() in fmt.suffixes else fmt.suffixes[0]


class Planner:
    """Looks at sources one after the other and collects the plan.

    With a journal, what is finished is skipped, unless ``force`` is set. Raises `TargetError` when two
    sources have one target, or a target is a source: nothing has been done then.
    """

    def __init__(
        self, upscaler: Upscaler, destination: Destination, journal: Journal | None, *, force: bool = False
    ) -> None:
        self.upscaler, self.destination, self.journal, self.force = upscaler, destination, journal, force
        self._taken: dict[str, str] = {}
        self._inputs: set[str] = set()

    def plan(self, sources: Iterable[Source | InputError]) -> Plan:
        """Work out the plan. A later call minds the targets of the earlier ones."""
        plan = Plan()
        own = self._own_outputs()
        for source in sources:
            if isinstance(source, InputError):
                plan.failed.append(Failed(str(source).partition(": ")[0], source))
                continue
            path = str(Path(source.path).absolute())
            if not source.named and path in own:
                plan.skipped.append(Skip(source.path, "own-output"))
                continue
            self._inputs.add(path)
            found = self._look(source)
            if isinstance(found, Failed):
                plan.failed.append(found)
                continue
            if isinstance(found, Job):
                plan.jobs.append(found)
            else:
                plan.skipped.append(found)
            if found.target:
                self._take(str(Path(found.target).absolute()), source.path)
        for target in self._inputs.intersection(self._taken):
            raise TargetError(
                f"{target}: is an input and would be overwritten by the result of {self._taken[target]}",
                hint="choose another folder with -o, or other names with --name",
            )
        return plan

    def _take(self, target: str, source: str) -> None:
        other = self._taken.setdefault(target, source)
        if other != source:
            raise TargetError(
                f"{other} and {source} would both become {target}",
                hint="keep them apart with --name, or leave out -f, or make a run for each",
            )

    def _own_outputs(self) -> set[str]:
        if not self.journal:
            return set()
        folder = self.journal.folder.absolute()
        return {str(folder / target) for target in self.journal.targets()}

    def _look(self, source: Source) -> Job | Skip | Failed:
        """Read a source's header and say what is to be done with it."""
        try:
            stat = os.stat(source.path)  # noqa: PTH116
            picture = open_picture(source.path, max_pixels=self.upscaler.settings.max_pixels)
            size = self.upscaler.settings.size.of(picture.width, picture.height)
            target = self.destination.target(source, picture, size, self.upscaler)
            check_request(picture, target, self.upscaler.settings)
        except (NotAnImageError, UnsupportedImageError) as error:
            if source.named or Path(source.path).suffix.lower() in SUFFIXES:
                return Failed(source.path, error)
            return Skip(source.path, error.code)
        except UpscaleError as error:
            return Failed(source.path, error)
        except OSError as error:
            return Failed(source.path, InputError(f"{source.path}: cannot be read: {error.strerror}"))
        job = Job(
            source=source.path,
            target=target,
            key=Path(os.path.relpath(target, self.destination.folder)).as_posix(),
            source_size=(picture.width, picture.height),
            size=size,
            frames=picture.frames,
            depth=picture.channels * {"uint8": 1, "uint16": 2}.get(picture.dtype, 4),
            bytes=stat.st_size,
        )
        if self.journal and not self.force and finished(job, self.journal, self.upscaler.fingerprint):
            return Skip(source.path, "finished", target)
        return job


def finished(job: Job, journal: Journal, fingerprint: str) -> bool:
    """Whether a job's target is in place, made from its source as it is now, with these settings.

    A source whose time changed but whose bytes did not is the same source; the new time is noted.
    """
    entry = journal.find(job.key)
    if entry is None or entry.settings != fingerprint:
        return False
    try:
        stat = os.stat(job.source)  # noqa: PTH116
        if os.stat(job.target).st_size != entry.written or stat.st_size != entry.size:  # noqa: PTH116
            return False
        if stat.st_mtime_ns == entry.mtime_ns and entry.source == os.path.abspath(job.source):  # noqa: PTH100
            return True
        if file_hash(job.source) != entry.sha256:
            return False
    except OSError:
        return False
    journal.add(record(job, entry.sha256, stat, fingerprint, entry.written))
    return True


def record(job: Job, sha256: str, stat: os.stat_result, fingerprint: str, written: int) -> Entry:
    """Return the journal's entry for a finished job."""
    return Entry(
        target=job.key,
        source=str(Path(job.source).absolute()),
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        sha256=sha256,
        settings=fingerprint,
        written=written,
        width=job.source_size[0],
        height=job.source_size[1],
    )
