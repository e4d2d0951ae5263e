"""Make a training folder from many pictures: check, leave out duplicates and flat ones, cut, save."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from upscale_cli.batch.events import Failed
from upscale_cli.batch.sources import Selection, Source, find_sources
from upscale_cli.compare import most_different
from upscale_cli.duplicates import Facts, fingerprint, split_duplicates
from upscale_cli.errors import InputError, MissingInputError, TargetError
from upscale_cli.image_io.encode import SaveOptions, write_picture
from upscale_cli.image_io.formats import FORMATS, check_target
from upscale_cli.machine import available_cpus
from upscale_cli.originals import Pixels8, crop_to_multiple, grey, read_original, shrink
from upscale_cli.resample import double

LEAST = 96
"""Pixels on the short side, below which a picture teaches little."""
LONGEST = 160
"""Bytes of a name: file systems take 255, and a hash, numbers and suffixes are added."""


@dataclass(frozen=True)
class Plan:
    """What is made of the pictures."""

    crop: int = 480
    """Side of the squares that are cut, even; 0 keeps pictures whole. Smaller pictures are kept whole."""
    crops: int = 4
    """Most squares from one picture: those with most detail."""
    shrink: int = 1
    """Make pictures smaller first: 2 removes the blocks of JPEG and the softness of cameras."""
    flat: float = 0.5
    """Mean `detail` below which a picture or crop is left out."""
    format: str = "webp"
    """A format that can be lossless: webp, png or tiff."""


@dataclass(frozen=True)
class Drop:
    """A picture that was left out."""

    source: str
    reason: str
    """An error's code, or: too-small, flat, duplicate, near-duplicate."""
    detail: str


@dataclass
class Report:
    """What became of every file of the source."""

    kept: dict[str, list[str]] = field(default_factory=dict)
    """The files made of it, by its path."""
    dropped: list[Drop] = field(default_factory=list)


def find_pictures(source: Path, target: Path) -> list[Path]:
    """All files below ``source``, hidden ones and ``target`` left out.

    Raises MissingInputError where there are none, TargetError unless ``target`` is a new or empty folder.
    """
    if not source.is_dir():
        raise MissingInputError(
            f"{source}: {'not a folder' if source.exists() else 'no such folder'}",
            hint="name a folder of pictures",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetError(f"{target}: is not an empty folder", hint="name a new folder")
    paths = []
    for found in find_sources([str(source)], Selection(recursive=True), leave_out=str(target)):
        if isinstance(found, Failed):
            raise found.error
        if isinstance(found, Source):  # what this program enlarged before is not fit to train on
            paths.append(Path(found.path))
    if not paths:
        raise MissingInputError(f"{source}: holds no files", hint="name a folder of pictures")
    return paths


def prepare(
    source: Path,
    target: Path,
    plan: Plan | None = None,
    *,
    on_picture: Callable[[], None] | None = None,
) -> Report:
    """Fill the folder ``target`` with what is worth training on below ``source``.

    Pictures are read twice: once to check and compare them, and ``on_picture`` hears of each; once to cut.
    Of pictures that look the same the largest is kept. Raises as `find_pictures`, and OutputError.
    """
    plan = plan or Plan()
    paths = find_pictures(source, target)
    report = Report()
    facts = []
    with ThreadPoolExecutor(available_cpus()) as pool:
        for found in pool.map(lambda path: examine(path, plan), paths):
            if isinstance(found, Drop):
                report.dropped.append(found)
            else:
                facts.append(found)
            if on_picture:
                on_picture()
        unique, duplicates = split_duplicates(facts)
        for twin in duplicates:
            reason = "duplicate" if twin.exact else "near-duplicate"
            report.dropped.append(Drop(str(twin.source), reason, f"of {twin.of}"))
        report.dropped.sort(key=lambda drop: drop.source)
        names = unique_names([one.source for one in unique], source)
        made = pool.map(lambda path: cut(path, target / names[path], plan), names)
        report.kept = {
            str(path): [file.name for file in files] for path, files in zip(names, made, strict=True)
        }
    return report


def examine(path: Path, plan: Plan) -> Facts | Drop:
    """Decode a picture and say whether, taken by itself, it is worth keeping."""
    try:
        pixels = _load(path, plan)
        height, width = pixels.shape[:2]
        if _whole(pixels, plan):
            check_target(FORMATS[plan.format], width, height, source=str(path))
    except InputError as error:
        return Drop(str(path), error.code, str(error).removeprefix(f"{path}: "))
    if min(height, width) < LEAST:
        return Drop(str(path), "too-small", f"{width}x{height} pixels, less than {LEAST} on the short side")
    mean = float(detail(pixels).mean())
    if mean < plan.flat:
        return Drop(str(path), "flat", f"mean detail of {mean:.2f} grey levels, less than {plan.flat:g}")
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return Facts(path, height * width, digest, fingerprint(pixels))


def detail(pixels: Pixels8) -> npt.NDArray[np.float32]:
    """Grey levels that shrinking by two and enlarging bicubically loses: ``(H, W)`` of an even picture.

    This is what a network has to learn; the last row or column of an odd picture is left out.
    """
    plane = grey(crop_to_multiple(pixels, 2)).astype(np.float32)
    half = cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA)
    lost: npt.NDArray[np.float32] = np.abs(plane - double(np.asarray(half, np.float32)))
    return lost


def cut(path: Path, stem: Path, plan: Plan) -> list[Path]:
    """Write the squares of one picture, or all of one that is too small, as ``<stem>_1.webp`` and so on; as
    ``<stem>.webp`` where none is cut.
    """
    pixels = _load(path, plan)
    parts = [pixels]
    if not _whole(pixels, plan):
        lost = detail(pixels)
        boxes = most_different(lost, plan.crop, plan.crops)
        rich = [box for box in boxes if lost[box.slices].mean() >= plan.flat] or boxes[:1]
        parts = [pixels[box.slices] for box in rich]
    # a number wherever there can be squares, so that a_1.png, too small to be cut, is no square of a.png
    names = [f"{stem.name}_{n}" if plan.crop else stem.name for n in range(1, len(parts) + 1)]
    files = {stem.with_name(f"{name}.{plan.format}"): part for name, part in zip(names, parts, strict=True)}
    for file, part in files.items():
        write_picture(file, [part], options=SaveOptions(format=plan.format, lossless=True))
    return list(files)


def _whole(pixels: Pixels8, plan: Plan) -> bool:
    return not plan.crop or min(pixels.shape[:2]) < plan.crop


def unique_names(paths: Iterable[Path], top: Path) -> dict[Path, str]:
    """A name for each path: its way below ``top`` in one word, without the suffix unless that is needed.

    What is too long for a file's name loses its beginning, and has a hash of the whole in its place.
    """
    names: dict[str, Path] = {}
    for path in sorted(paths):
        below = path.relative_to(top)
        name = "__".join(below.with_suffix("").parts)
        if len(code := os.fsencode(name)) > LONGEST:
            end = code[-LONGEST:].decode("utf-8", "ignore")
            name = f"{hashlib.sha256(os.fsencode(below)).hexdigest()[:16]}-{end}"
        while name in names:
            name += "-" + path.suffix[1:]
        names[name] = path
    return {path: name for name, path in names.items()}


def _load(path: Path, plan: Plan) -> Pixels8:
    pixels = read_original(path)
    if plan.shrink == 1 or min(pixels.shape[:2]) < plan.shrink:
        return pixels
    return shrink(crop_to_multiple(pixels, plan.shrink), plan.shrink)
