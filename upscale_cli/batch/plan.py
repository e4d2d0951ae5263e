"""All the work of a run, worked out before any of it begins: what becomes what, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from upscale_cli.batch.destination import Destination, extension
from upscale_cli.batch.events import Failed, Job, Skip
from upscale_cli.batch.journal import Journal
from upscale_cli.batch.places import Places
from upscale_cli.batch.sources import Source
from upscale_cli.errors import (
    InputError,
    NotAnImageError,
    TargetError,
    UnsupportedImageError,
    UpscaleError,
    unexpected,
)
from upscale_cli.image_io import Picture, open_picture
from upscale_cli.image_io.formats import SUFFIXES
from upscale_cli.pipeline import Upscaler
from upscale_cli.request import check_request


@dataclass
class Plan:
    """What a run will do."""

    jobs: list[Job] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


class Planner:
    """Looks at sources one after the other and collects the plan.

    With a journal, what is finished is skipped, unless ``force`` is set. Two sources with one target, or a
    target that is a source, raise `TargetError`: nothing has been done then. With ``lenient`` the one source
    that cannot have its target fails, and the others go on.
    """

    def __init__(
        self,
        upscaler: Upscaler,
        destination: Destination,
        journal: Journal | None,
        *,
        force: bool = False,
        lenient: bool = False,
    ) -> None:
        self.upscaler, self.destination, self.journal, self.force = upscaler, destination, journal, force
        self.lenient = lenient
        self._place = Places()
        self._taken: dict[str, str] = {}
        self._inputs: set[str] = set()

    def plan(self, sources: Iterable[Source | Skip | Failed]) -> Plan:
        """Work out the plan. A later call minds the targets of the earlier ones."""
        plan = Plan()
        looked: list[tuple[Source, Job | Skip | Failed]] = []
        for source in sources:
            if isinstance(source, Failed):
                plan.failed.append(source)
            elif isinstance(source, Skip):
                plan.skipped.append(source)
            else:
                looked.append((source, self._look(source)))
        if self.journal:
            self.journal.refresh()
        inputs = []
        for source, found in looked:
            if self._made_meanwhile(source):
                plan.skipped.append(Skip(source.path, "own-output"))
                continue
            inputs.append((source, found))
            self._inputs.update(self._places(source.path))
        for source, found in inputs:
            self._add(plan, source, found)
        return plan

    def _made_meanwhile(self, source: Source) -> bool:
        """Whether a source is a result, or a link to one; another run may have noted it since then."""
        if self.journal is None or source.named:
            return False
        return any(map(self.journal.has_target, self._places(source.path)))

    def _places(self, path: str) -> list[str]:
        """Where a source is and, if that is a link, where the picture behind it is."""
        behind = [os.path.realpath(path)] if os.path.islink(path) else []  # noqa: PTH114
        return [self._place(path), *behind]

    def _add(self, plan: Plan, source: Source, found: Job | Skip | Failed) -> None:
        """Put what was found about a source into the plan, if its target is free."""
        try:
            if not isinstance(found, Failed) and found.target:
                self._take(found.target, source.path)
        except TargetError as error:
            if not self.lenient:
                raise
            found = Failed(source.path, error)
        if isinstance(found, Failed):
            plan.failed.append(found)
        elif isinstance(found, Skip):
            plan.skipped.append(found)
        else:
            plan.jobs.append(found)

    def _take(self, target: str, source: str) -> None:
        """Reserve a target. Files that have gone since an earlier plan block nothing."""
        target, place = self._place(target), self._place(source)
        other = self._taken.get(target, source)
        if other != source and os.path.lexists(other):
            raise TargetError(
                f"{other} and {source} would both become {target}",
                hint="keep them apart with --name, or leave out -f, or make a run for each",
            )
        if target in self._inputs and os.path.lexists(target):
            raise _overwritten(target, source)
        maker = self._taken.get(place, source)
        if maker != source and os.path.lexists(maker):
            raise _overwritten(place, maker)
        self._inputs.discard(target)
        self._taken.pop(place, None)
        self._taken[target] = source

    def _look(self, source: Source) -> Job | Skip | Failed:
        """Say what is to be done with a source; the header is read unless the journal knows better."""
        settings, model = self.upscaler.settings, self.upscaler.card.name
        try:
            if skip := self._known(source):
                return skip
            picture = open_picture(source.path, max_pixels=settings.max_pixels)
            size = settings.size.of(picture.width, picture.height)
            ext = extension(source.path, picture.format, settings.save.format)
            target = self.destination.target(source, ext, size, settings, model)
            job = job_of(picture, target, self.upscaler, Path(source.path).stat().st_size)
        except (NotAnImageError, UnsupportedImageError) as error:
            if source.named or Path(source.path).suffix.lower() in SUFFIXES:
                return Failed(source.path, error)
            return Skip(source.path, error.code)
        except UpscaleError as error:
            return Failed(source.path, error)
        except OSError as error:
            return Failed(source.path, InputError(f"{source.path}: cannot be read: {error.strerror}"))
        except Exception as error:  # a fault of this program, which one picture brings out: the rest go on
            return Failed(source.path, unexpected(error, source.path))
        if self._finished(source.path, target):
            return Skip(source.path, "finished", target)
        return job

    def _known(self, source: Source) -> Skip | None:
        """Return a skip for a source whose target is finished, if names and times alone can tell."""
        settings = self.upscaler.settings
        last = self.journal.last_target(source.path) if self.journal else None
        if last is None or self.destination.needs_size(settings):
            return None
        ext = Path(last).suffix
        target = self.destination.target(source, ext, (0, 0), settings, self.upscaler.card.name)
        if target != last or not self._finished(source.path, target):
            return None
        return Skip(source.path, "finished", target)

    def _finished(self, source: str, target: str) -> bool:
        if self.journal is None or self.force:
            return False
        return self.journal.finished(source, target, self.upscaler.fingerprint)


def _overwritten(target: str, source: str) -> TargetError:
    return TargetError(
        f"{target}: is an input and would be overwritten by the result of {source}",
        hint="choose another folder with -o, or other names with --name",
    )


def job_of(picture: Picture, target: str, upscaler: Upscaler, length: int) -> Job:
    """Return the work on an open picture of ``length`` bytes. Raises what `check_request` does."""
    return Job(
        source=picture.name,
        target=target,
        source_size=(picture.width, picture.height),
        size=upscaler.settings.size.of(picture.width, picture.height),
        frames=picture.frames,
        depth=picture.depth,
        bytes=length,
        memory=check_request(picture, target, upscaler),
    )
