"""``manifest.json``, the list of what is known about the models beside it: reading it and writing rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from upscale_cli.atomic import atomic
from upscale_cli.errors import ModelError

FILE = "manifest.json"


def read(folder: Path) -> dict[str, Any]:
    """Return what the manifest in ``folder`` holds; an empty list of models where there is none.

    Raises:
        ModelError: the file cannot be read, or is no list of models.
    """
    path = folder / FILE
    if not path.exists():
        return {"models": []}
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _ = [known["name"] for known in manifest["models"]]
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read: {error.strerror}", hint="check its permissions, or name another folder"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"{path}: not a list of models: {error!r}", hint="correct or remove it, or name another folder"
        ) from error
    return manifest


def row(folder: Path, name: str) -> dict[str, Any]:
    """Return the row of the model ``name``; empty if there is none."""
    return next((known for known in read(folder)["models"] if known["name"] == name), {})


def put(folder: Path, row: dict[str, Any]) -> None:
    """Write ``row`` in place of the row of its name, or as the last; the first row ever is the default model.

    Raises:
        OutputError: the manifest cannot be written.
    """
    manifest = read(folder)
    rows = {known["name"]: known for known in manifest["models"]}
    rows[row["name"]] = row
    manifest["models"] = list(rows.values())
    manifest.setdefault("default", row["name"])
    with atomic(folder / FILE) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")


def put_score(
    folder: Path, name: str, precision: str, scale: int, test_set: str, psnr: float, ssim: float
) -> None:
    """Write PSNR (dB) and SSIM on luma into the row of ``name``; KeyError if there is no such row."""
    known = row(folder, name)
    if not known:
        raise KeyError(name)
    scores = known.setdefault("scores", {}).setdefault(precision, {}).setdefault(str(scale), {})
    scores[test_set] = {"psnr": round(psnr, 4), "ssim": round(ssim, 4)}
    put(folder, known)
