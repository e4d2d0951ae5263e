"""Find a model by name or path, and read its weights.

The models that come with the package are described in ``weights/manifest.json``, which the exporter writes.
The environment variable ``UPSCALE_MODELS`` names another folder with such a file. Code decides on a model's
facts, never on its name.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from upscale_cli.errors import ModelError, UnknownModelError
from upscale_cli.machine import quick_int8
from upscale_cli.manifest import read as read_manifest
from upscale_cli.model import ModelCard, weights_of
from upscale_cli.resample import KERNELS

_SUFFIXES = {".tflite": "float", ".keras": "keras"}
_NAMES = {"box": "nearest"}
_FACTS = (
    "scale", "channels", "halo", "residual", "parameters", "macs_per_pixel", "description",
    "training", "scores", "second", "direct", "back_projection",
)  # fmt: skip


def weights_dir() -> Path:
    """Folder of the weights: ``UPSCALE_MODELS``, else inside the installed package, else beside it in a
    checkout.
    """
    if chosen := os.environ.get("UPSCALE_MODELS"):
        return Path(chosen)
    package = Path(__file__).resolve().parent
    installed = package / "weights"
    return installed if installed.is_dir() else package.parent / "weights"


def models() -> list[ModelCard]:
    """All networks of the manifest, in its order, in float precision where they have it."""
    return [_card(row, next(iter(_files(row)))) for row in _manifest()["models"]]


def interpolations() -> list[ModelCard]:
    """The kernels that can stand in the place of a network: nearest, bicubic, lanczos."""
    return [
        ModelCard(
            name=_NAMES.get(kernel, kernel),
            path=Path(),
            scale=2,
            channels=3,
            kernel=kernel,
            description=f"{_NAMES.get(kernel, kernel)} interpolation, no network",
        )
        for kernel in KERNELS
    ]


def default_name() -> str:
    """Name of the model that is used where none is asked for."""
    manifest = _manifest()
    if not manifest["models"]:
        raise ModelError(
            f"{weights_dir()}: holds no model",
            hint="train one with `upscale train`, or reinstall the package",
        )
    name: str = manifest.get("default") or manifest["models"][0]["name"]
    return name


def find(name: str = "", precision: str = "float") -> ModelCard:
    """The card of a model: of that name, or of the weights file at that path; "" = the default model.

    ``precision``: "float", "bfloat16", "int8" or "keras"; "" = that of the file at the path; for a name int8
    if there are such weights and the CPU is far quicker with them, since they are hardly worse. Raises
    UnknownModelError, or ModelError where there is no file of that precision.
    """
    name = name or default_name()
    if Path(name).suffix.lower() in _SUFFIXES:
        return in_precision(_card_of_file(Path(name)), precision)
    kernels = {card.name: card for card in interpolations()}
    if name in kernels:
        return kernels[name]
    rows = {row["name"]: row for row in _manifest()["models"]}
    if name not in rows and Path(name).is_file():
        raise UnknownModelError(
            f"{name}: no weights that this program runs", hint=f"those are {' and '.join(_SUFFIXES)} files"
        )
    if name not in rows:
        known = [*rows, *kernels]
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"known models: {', '.join(known)}"
        raise UnknownModelError(f"no model named {name!r}", hint=hint)
    return _card(rows[name], precision or _quickest(rows[name]))


def _quickest(row: dict[str, Any]) -> str:
    """The precision that this machine's CPU is quickest with, of those that the model has."""
    return "int8" if "int8" in _files(row) and quick_int8() else "float"


def second(card: ModelCard) -> ModelCard | None:
    """The card of the weights for all passes of a chain but the first, if the model has such.

    They were trained on what the first pass makes, which is softer than a photograph.
    """
    return _sibling(card, card.second)


def direct(card: ModelCard) -> ModelCard | None:
    """The card of the weights that make the first two passes in one, if the model has such."""
    return _sibling(card, card.direct)


def _sibling(card: ModelCard, other: dict[str, Any]) -> ModelCard | None:
    """The card of other weights of the same model, in files beside its own; None without such a precision."""
    kind = weights_of(card.precision)
    if not other or kind not in other["files"]:
        return None
    own = other["files"][kind]
    own_facts = {fact: other[fact] for fact in _FACTS if fact in other}
    facts = {"second": {}, "direct": {}, "scores": {}, **own_facts}
    path = card.path.with_name(own["file"])
    return replace(card, path=path, sha256=own["sha256"], files=other["files"], **facts)


def in_precision(card: ModelCard, precision: str) -> ModelCard:
    """The card of the same model's file of that precision, beside its own; "" = as it is."""
    if precision in ("", card.precision):
        return card
    if precision == "float" and card.precision == "keras" and not card.files:
        return card  # alone, and computed in float
    kind = weights_of(precision)
    if kind == weights_of(card.precision):
        return replace(card, precision=precision)  # the same file
    if kind not in card.files:
        raise ModelError(
            f"{card.path}: no manifest beside it tells of its {precision} weights",
            hint=f"name the file of its {precision} weights",
        )
    own = card.files[kind]
    path = card.path.with_name(own["file"])
    return replace(card, path=path, sha256=own["sha256"], precision=precision)


def read_weights(card: ModelCard) -> bytes:
    """The bytes of a weights file, checked against the card's sha256."""
    try:
        content = card.path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{card.path}: cannot be read: {error.strerror}",
            hint="reinstall the package, or correct the path",
        ) from error
    if card.sha256 and hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(
            f"{card.path}: the file is damaged or was altered: its sha256 differs from the manifest's",
            hint="reinstall the package, or train and export the model again",
        )
    return content


def _manifest() -> dict[str, Any]:
    path = weights_dir() / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for row in manifest["models"]:
            card = _card(row, next(iter(_files(row))))
            for sibling in (second, direct):
                sibling(card)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read: {error.strerror}",
            hint="UPSCALE_MODELS must name a folder with a manifest.json; unset it to use the package's own",
        ) from error
    except (ValueError, TypeError, KeyError, StopIteration) as error:
        raise ModelError(f"{path}: not a list of models: {error!r}", hint="reinstall the package") from error
    return manifest


def _files(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    files: dict[str, dict[str, Any]] = row["files"]
    return files


def _card(row: dict[str, Any], precision: str, folder: Path | None = None) -> ModelCard:
    files, kind = _files(row), weights_of(precision)
    if kind not in files:
        raise ModelError(
            f"model {row['name']!r} has no {precision} weights", hint=f"it has: {', '.join(sorted(files))}"
        )
    return ModelCard(
        name=row["name"],
        path=(folder or weights_dir()) / files[kind]["file"],
        precision=precision,
        sha256=files[kind]["sha256"],
        files=files,
        **{fact: row[fact] for fact in _FACTS if fact in row},
    )


def _card_of_file(path: Path) -> ModelCard:
    """The card of a file: from ``<file>.json`` beside it, else from a manifest there, else without facts."""
    if not path.is_file():
        raise UnknownModelError(f"{path}: no such weights file", hint="check the path")
    kind = "int8" if path.name.lower().endswith(".int8.tflite") else _SUFFIXES[path.suffix.lower()]
    card = ModelCard(name=path.stem, path=path, precision=kind)
    described = path.with_name(path.name + ".json")
    if not described.is_file():
        return _listed(path) or card
    try:
        facts: dict[str, Any] = dict(json.loads(described.read_text(encoding="utf-8")))
        return replace(card, **{key: facts[key] for key in (*_FACTS, "sha256") if key in facts})
    except (ValueError, TypeError) as error:
        raise ModelError(f"{described}: not a model's card: {error}", hint="correct or delete it") from error


def _listed(path: Path) -> ModelCard | None:
    """The card of a file by the manifest beside it; None where there is none, or it has no such file."""
    try:
        for row in read_manifest(path.parent)["models"]:
            for precision in _files(row):
                card = _card(row, precision, path.parent)
                for known in (card, second(card), direct(card)):
                    if known and known.path.name == path.name:
                        return known
    except (ModelError, ValueError, TypeError, KeyError):
        pass  # another program's manifest.json
    return None
