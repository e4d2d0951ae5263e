"""Names of results: the template, the extension, and what a file system allows."""

from __future__ import annotations

import hashlib
import os
import string
from dataclasses import dataclass
from pathlib import PurePath

from upscale_cli.errors import UsageError

LONGEST_NAME = 255 - 32
"""Most bytes that common file systems allow in one name, less the room that a temporary name needs."""

FIELDS = ("stem", "ext", "scale", "model", "width", "height")


@dataclass(frozen=True)
class NameTemplate:
    """How a result is called: text with fields in braces, for instance ``{stem}_x{scale}{ext}``.

    ``{stem}`` is the source's name without its extension, ``{ext}`` the result's extension with its dot,
    ``{scale}`` the factor (``WxH`` when a size in pixels was asked for), ``{model}`` the model,
    ``{width}`` and ``{height}`` the result's size. A ``/`` makes folders; nothing leaves the output folder.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None}
            unknown = sorted(fields.difference(FIELDS))
            if not unknown:
                self.text.format(**dict.fromkeys(FIELDS, "") | {"width": 0, "height": 0})
        except (ValueError, LookupError, AttributeError, TypeError) as error:  # all but the first of {a:{b}}
            raise UsageError(
                f"--name {self.text!r} is not a template: {error}", hint="write for instance {stem}_big{ext}"
            ) from error
        if unknown:
            raise UsageError(
                f"--name {self.text!r} has an unknown field {{{unknown[0]}}}",
                hint="fields are " + ", ".join(f"{{{name}}}" for name in FIELDS),
            )
        path = PurePath(self.text)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise UsageError(
                f"--name {self.text!r} leaves the output folder", hint="use -o to choose another folder"
            )

    @property
    def names_size(self) -> bool:
        """Whether the result's size is part of the name."""
        return "{width" in self.text or "{height" in self.text

    def fill(self, source: str, *, ext: str, scale: str, model: str, size: tuple[int, int]) -> str:
        """Return the result's path below the output folder for a source path or name."""
        width, height = size
        stem = PurePath(source).stem or "picture"
        name = self.text.format(
            stem=stem,
            ext=ext,
            scale=scale or f"{width}x{height}",
            model=PurePath(model).stem.replace(os.sep, "-"),
            width=width,
            height=height,
        )
        folder, _, last = name.rpartition("/")
        return f"{folder}/{shortened(last, ext)}" if folder else shortened(last, ext)


BY_SCALE = NameTemplate("{stem}_x{scale}{ext}")
BY_SIZE = NameTemplate("{stem}_{width}x{height}{ext}")


def shortened(name: str, ext: str) -> str:
    """Return ``name`` cut to what file systems allow; a cut one ends in a hash of the whole."""
    raw = os.fsencode(name)
    if len(raw) <= LONGEST_NAME:
        return name
    mark = "~" + hashlib.sha256(raw).hexdigest()[:10] + (ext if name.endswith(ext) else "")
    kept = raw[: LONGEST_NAME - len(mark)]
    while kept and kept[-1] & 0xC0 == 0x80:  # do not cut inside a UTF-8 character
        kept = kept[:-1]
    if kept and kept[-1] >= 0xC0:
        kept = kept[:-1]
    return os.fsdecode(kept) + mark
