"""A whole run: folders of photographs in; model files, manifest row, curve and a verdict out."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from upscale_cli import manifest, zoo
from upscale_cli.architectures.fsrcnn import convolutions, fits, width_of, without_silent
from upscale_cli.errors import InputError, ModelError, UsageError
from upscale_cli.runtimes import runtime_for
from upscale_cli.settings import Settings
from upscale_cli.training import checkpoint, curve, export, loop
from upscale_cli.training.config import TrainConfig, check
from upscale_cli.training.data import Enlarger, Plane, build_pool, originals, pairs
from upscale_cli.training.files import check_folder, named, split
from upscale_cli.training.lessons import LESSONS, Lessons
from upscale_cli.upscaler import Upscaler


@dataclass(frozen=True)
class Outcome:
    """What a run came to, by PSNR on Y over the held-out pictures, in dB."""

    before: float | None
    """The model that the new one starts from or would replace; None if there was none."""
    after: float
    row: dict[str, Any] | None
    """The manifest row; None where the new model is not better and was not published."""
    run: Path
    """Folder that keeps the curve, the checkpoint and ``best.keras`` either way."""


def run_recipe(
    config: TrainConfig,
    data: list[Path],
    *,
    held_out: list[Path] | None = None,
    out: Path,
    run: Path,
    init: Path | None = None,
    progress: Callable[[list[Path]], Iterable[Path]] = iter,
    on_block: Callable[[int, float, float, float], None] | None = None,
) -> Outcome:
    """Train ``config`` on the photographs below ``data`` and publish the result in ``out`` if it is better.

    Args:
        config: The recipe.
        data: Folders of photographs, searched with their subfolders.
        held_out: Folders to validate on, nothing of which is learnt from, even below ``data``; every tenth
            photograph of ``data`` if None.
        out: Folder of ``manifest.json``.
        run: Folder of this run's checkpoint; an interrupted run goes on from there, a finished one does not.
        init: Merged ``.keras`` file to start from, of this shape or a smaller one.
        progress: Given the photographs to learn from, passes them on one by one as they are read.
        on_block: As in :func:`upscale_cli.training.loop.train`.

    Raises:
        InputError: no usable pictures.
        OutputError: ``out`` or ``run`` is no folder that can be written to.
        ResultError: the training diverged.
        UsageError: ``config`` cannot be carried out, ``run`` holds a finished run or one with another config,
            start or pictures, ``out`` has a model of this name for another scale, or none for a second pass
            to follow, or ``init`` is too large.
        UnknownModelError: there is no such teacher.
    """
    check(config)
    part = part_of(config, out)
    known = manifest.row(out, config.name).get("scale", config.scale)
    if part != "direct" and known != config.scale:
        raise UsageError(
            f"{out} has a model {config.name} that enlarges by {known}",
            hint=f"give another name or --out, or --scale {known}",
        )
    own = out / f"{config.name}.keras"  # of the first pass
    if config.second and not own.exists():
        raise UsageError(
            f"{out} has no model {config.name}, from whose results a second pass could learn",
            hint="train that one first, or name its folder with --out",
        )
    # what would fail is refused before pictures take their minutes
    for folder, option in ((out, "--out"), (run, "--run")):
        check_folder(folder, option)
    checkpoint.check_unfinished(run)
    if init and not fits(load(init), config.channels, config.depth):
        raise UsageError(
            f"{init}: wider or deeper than the {config.channels} channels and {config.depth} mapping layers"
            f" of {config.name}",
            hint="start from a smaller model, or give --channels and --depth",
        )
    teacher = teacher_of(config) if config.teacher else None
    files, checks = split(data, held_out)
    stem, first = stem_of(config, out), None
    if part:
        network = load(own)
        if config.second:
            first = loop.as_pass(network)
        if fits(network, config.channels, config.depth):
            init = init or own
    weights = [path for path in (init, own if first else None) if path]
    sources = sources_of(weights, files, checks, teacher)
    checkpoint.facts(run, config, sources)
    checking = originals(checks, config, first)
    if not checking:
        raise InputError(
            f"{named(held_out or data)}: no picture to validate on is large enough",
            hint=f"{config.scale * config.patch} pixels a side at least, or a smaller --patch",
        )
    with lessons_of(config, teacher, sources, run) if teacher else nullcontext() as lessons:
        pool = build_pool(
            pairs(progress(files), config, first),
            config.patch,
            config.hardness,
            lessons,
            relative=config.loss == "relative",
        )

    rivals = [load(path) for path in (init, out / f"{stem}.keras") if path and path.exists()]
    before = max(
        (loop.validate(rival, checking) for rival in rivals if export.scale_of(rival) == config.scale),
        default=None,
    )
    plain = loop.train(config, pool, checking, run, init=init, sources=sources, on_block=on_block)
    plain = without_silent(plain, [low for low, _ in checking])
    curve.draw(run / "log.csv", run / "curve.png")
    after = loop.validate(plain, checking)
    row = None
    if before is None or after > before:
        row = publish(config, plain, data, out, pictures=len(files), checking=checking, psnr=after)
    checkpoint.finish(run, before, after, row is not None)
    (run / LESSONS).unlink(missing_ok=True)
    return Outcome(before, after, row, run)


def publish(
    config: TrainConfig,
    plain: keras.Model,
    data: list[Path],
    out: Path,
    *,
    pictures: int,
    checking: list[tuple[Plane, Plane]],
    psnr: float,
) -> dict[str, Any]:
    """Write the files of ``plain`` and its manifest row in ``out``; return the row.

    ``pictures``: how many photographs it learnt from; ``psnr``: what it has on ``checking``, in dB.
    """
    part, stem = part_of(config, out), stem_of(config, out)
    story = {
        "data": sorted({folder.resolve().name for folder in data}),
        "pictures": pictures,
        "steps": config.steps,
        "patch": config.patch,
        "batch": config.batch,
        **({"teacher": config.teacher} if config.teacher else {}),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "validation": {"pictures": len(checking), "psnr": round(psnr, 3)},
    }
    facts = export.facts(plain)  # slow, so before the files change: manifest and files differ only briefly
    written = export.write_files(plain, out, stem, [low for low, _ in checking])
    for kind, count in config.views.items():
        written[kind]["views"] = count
    row = manifest.row(out, config.name)
    scores = scores_kept(row, part)
    if part:
        row[part] = {**facts, "files": written, "training": story}
    else:  # weights for two passes in one do not depend on the new ones: they are kept
        kept = {"direct": row["direct"]} if "direct" in row else {}
        row = {"name": config.name, "description": config.description, **facts}
        if config.back_projection:
            row["back_projection"] = True
        row |= {"files": written, "training": story, **kept}
    row.pop("scores", None)
    if scores:
        row["scores"] = scores
    manifest.put(out, row)
    return row


def scores_kept(row: dict[str, Any], part: str) -> dict[str, Any]:
    """Return the scores of a manifest row that stay true with new weights: at scales that do not use them."""
    if not row:
        return {}
    own, twice = row["scale"], row["scale"] ** 2
    direct = [twice] if "direct" in row else []
    true = {"": direct, "direct": [own], "second": [own, *direct]}[part]
    kept = {
        kind: {scale: told for scale, told in scores.items() if int(scale) in true}
        for kind, scores in row.get("scores", {}).items()
    }
    return {kind: scores for kind, scores in kept.items() if scores}


def answers_of(teacher: Upscaler) -> Enlarger:
    """Return ``teacher`` as a function from luma (H, W) to its enlargement."""
    return lambda low: teacher(low[..., None])[..., 0]


def teacher_of(config: TrainConfig) -> Upscaler:
    """Return ``config.teacher`` at its best, the mean over flips and turns.

    Raises:
        UnknownModelError: if there is no such model.
    """
    runtime = runtime_for(zoo.find(config.teacher, ""))
    return Upscaler(Settings(scale=config.scale, model=config.teacher, runtime=runtime, ensemble=True))


def sources_of(weights: list[Path], files: list[Path], checks: list[Path], teacher: Upscaler | None) -> str:
    """Return a hash of what a run depends on beside its config: weights, and pictures by name and size."""
    taught_by = teacher.card.path if teacher else None  # a file, perhaps in no manifest, or an interpolation
    told = [
        [_hash(path) for path in weights],
        *([(file.name, file.stat().st_size) for file in pictures] for pictures in (files, checks)),
        teacher.fingerprint if teacher else "",
        _hash(taught_by) if taught_by and taught_by.is_file() else "",
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lessons_of(config: TrainConfig, teacher: Upscaler, sources: str, run: Path) -> Lessons:
    """Return what ``teacher`` answers to the views of the pictures, in their order, kept in ``run``."""
    key = hashlib.sha256(json.dumps([asdict(config), sources]).encode()).digest()
    return Lessons(answers_of(teacher), config.scale, run / LESSONS, key)


def part_of(config: TrainConfig, out: Path) -> str:
    """Return which of a model's weights a run makes: "" for its own, ``second`` or ``direct``.

    A network for 4× is a model of its own, unless there is one of that name for 2×: then it stands for the
    first two passes of that one.
    """
    if config.second:
        return "second"
    known = manifest.row(out, config.name)
    return "direct" if known and known["scale"] ** 2 == config.scale else ""


def stem_of(config: TrainConfig, out: Path) -> str:
    """Return what a run's files are called: the model's name, and which of its weights they are."""
    return "-".join(filter(None, (config.name, part_of(config, out))))


def load(path: Path) -> keras.Model:
    """Open a merged ``.keras`` file.

    Raises:
        ModelError: if there is none, or it is not such a file.
    """
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"{path}: not a network of this program: {error}", hint="see `upscale models`"
        ) from error


def fine_tune(name: str, start: Path) -> TrainConfig:
    """Return a short, gentle recipe of the shape of a merged ``.keras`` file, for a user's own pictures.

    Raises:
        ModelError: if the file is not such a network.
    """
    network = load(start)
    layers = convolutions(network)
    if len(layers) < 2:
        raise ModelError(f"{start}: not a network of this program", hint="see `upscale models`")
    return TrainConfig(
        name,
        width_of(network),
        len(layers) - 2,
        scale=export.scale_of(network),
        steps=4_000,
        rate=1e-4,
        loss="relative",
        warmup=200,
        check_every=500,
        description=f"fine-tuned from {start.stem}",
    )
