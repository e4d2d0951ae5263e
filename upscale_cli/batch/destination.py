"""Where results go and how they are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from upscale_cli.batch.naming import BY_SCALE, BY_SIZE, NameTemplate
from upscale_cli.batch.sources import Source
from upscale_cli.image_io.formats import FORMATS, SUFFIXES, format_for
from upscale_cli.settings import Settings


@dataclass(frozen=True)
class Destination:
    """A folder and a template for the names in it, or one file."""

    folder: str = "output"
    template: NameTemplate | None = None
    """None: what was asked for, a factor or a size, is added to the name."""
    file: str = ""

    def target(self, source: Source, ext: str, size: tuple[int, int], settings: Settings, model: str) -> str:
        """Return the result's path for one source, from its extension and (width, height)."""
        if self.file:
            return self.file
        template = self._template(settings)
        name = template.fill(source.path, ext=ext, scale=settings.size.label(), model=model, size=size)
        return str(Path(self.folder, source.folder, name))

    def needs_size(self, settings: Settings) -> bool:
        """Whether targets cannot be told before the size of their picture is known."""
        return settings.size.in_pixels or self._template(settings).names_size

    def _template(self, settings: Settings) -> NameTemplate:
        return self.template or (BY_SIZE if settings.size.in_pixels else BY_SCALE)


def extension(source: str, format: str, wanted: str = "") -> str:
    """Return a result's extension: as wanted, else the source's own where that tells its ``format``."""
    if wanted:
        asked = f".{wanted.lower().lstrip('.')}"
        return asked if asked in SUFFIXES else format_for(wanted).suffixes[0]
    own = Path(source).suffix
    suffixes = FORMATS[format].suffixes
    return own if own.lower() in suffixes else suffixes[0]
