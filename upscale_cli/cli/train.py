"""``upscale train``: photographs in, a model out."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from upscale_cli.cli import output
from upscale_cli.cli.options import option
from upscale_cli.cli.results import PANEL
from upscale_cli.errors import MissingExtraError, OutputError, UsageError
from upscale_cli.quiet import silenced

if TYPE_CHECKING:
    from upscale_cli.model import ModelCard
    from upscale_cli.training.config import TrainConfig

RECIPE = "Changes to the recipe"
"""The panel of the options that take the place of what a recipe says."""


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A recipe (fsrcnn-s, -m, -l); with --init, the new model's name."
        ),
    ] = "",
    data: Annotated[
        list[Path] | None,
        option(PANEL, "--data", metavar="DIR", help="Folder of photographs; may be given again."),
    ] = None,
    val: Annotated[
        list[Path] | None,
        option(PANEL, "--val", metavar="DIR", help="Folder to validate on (every tenth photograph)."),
    ] = None,
    init: Annotated[
        str,
        option(PANEL, "--init", metavar="NAME", help="Start from this model: a name or a .keras file."),
    ] = "",
    second: Annotated[
        bool,
        option(
            PANEL, "--second", help="Train the weights of a chain's second pass, on what the first makes."
        ),
    ] = False,
    out: Annotated[
        Path,
        option(PANEL, "--out", metavar="DIR", help="Where models and manifest.json go (weights)."),
    ] = Path("weights"),
    run: Annotated[
        Path | None,
        option(PANEL, "--run", metavar="DIR", help="Folder of checkpoints and curve (runs/NAME)."),
    ] = None,
    channels: Annotated[
        int | None, option(RECIPE, "--channels", min=1, metavar="N", help="Width of the hidden layers.")
    ] = None,
    depth: Annotated[
        int | None, option(RECIPE, "--depth", min=0, metavar="N", help="Number of mapping layers.")
    ] = None,
    frozen: Annotated[
        int | None,
        option(RECIPE, "--frozen", min=0, metavar="N", help="Leave so many of the first layers as they are."),
    ] = None,
    steps: Annotated[
        int | None, option(RECIPE, "--steps", min=1, metavar="N", help="Training steps.")
    ] = None,
    batch: Annotated[
        int | None, option(RECIPE, "--batch", min=1, metavar="N", help="Patches in a step.")
    ] = None,
    patch: Annotated[
        int | None, option(RECIPE, "--patch", min=8, metavar="N", help="Side of a patch.")
    ] = None,
    scale: Annotated[
        int | None,
        option(RECIPE, "--scale", metavar="N", help="Enlargement by one pass: 2, or 4 in place of two."),
    ] = None,
    optimizer: Annotated[
        str | None, option(RECIPE, "--optimizer", metavar="NAME", help="muon or adam.")
    ] = None,
    rate: Annotated[float | None, option(RECIPE, "--rate", metavar="X", help="Peak learning rate.")] = None,
    loss: Annotated[
        str | None, option(RECIPE, "--loss", metavar="NAME", help="l1, charbonnier, l2 or relative.")
    ] = None,
    teacher: Annotated[
        str,
        option(
            RECIPE,
            "--teacher",
            metavar="NAME",
            help="Learn from this model's answers, too: a name or a file.",
        ),
    ] = "",
    rescaled: Annotated[
        float | None,
        option(
            RECIPE, "--rescaled", min=0, metavar="N", help="Reduced views of each photograph to learn from."
        ),
    ] = None,
    fourier: Annotated[
        float | None, option(RECIPE, "--fourier", metavar="X", help="Weight of the Fourier loss.")
    ] = None,
    precision: Annotated[
        str | None, option(RECIPE, "--precision", metavar="KIND", help="float32 or mixed_bfloat16.")
    ] = None,
    seed: Annotated[int | None, option(RECIPE, "--seed", metavar="N", help="Random seed.")] = None,
    check_every: Annotated[
        int | None, option(RECIPE, "--check-every", min=1, metavar="N", help="Steps between validations.")
    ] = None,
) -> None:
    """Train a model on a folder of photographs, or fine-tune one with --init.

    An interrupted run goes on where it stopped when the same command is given again; a finished one is made
    again in another --run folder only. A model that is no better on the held-out pictures than the one that
    it started from, or would replace, stays in the run's folder.
    """
    if not data:
        raise UsageError("no photographs to train on", hint="name a folder of them with --data DIR")
    if missing := [module for module in ("keras", "tensorflow", "matplotlib") if not find_spec(module)]:
        raise MissingExtraError(
            f"training needs {', '.join(missing)}, which is not installed",
            hint="pip install 'upscale-cli[train]'",
        )
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # on CPUs without VNNI it is off, and training slower
    from upscale_cli.runtimes.tensorflow import start_keras

    if (backend := start_keras().backend.backend()) not in ("tensorflow", "jax"):
        raise UsageError(
            f"training runs on TensorFlow or JAX, not on {backend}",
            hint="give the same command again with KERAS_BACKEND=tensorflow",
        )
    with silenced():
        from upscale_cli.training.recipe import run_recipe, stem_of
    from upscale_cli.zoo import find

    choices: dict[str, Any] = {
        "channels": channels, "depth": depth, "frozen": frozen, "steps": steps, "batch": batch,
        "patch": patch, "scale": scale, "optimizer": optimizer, "rate": rate, "loss": loss,
        "teacher": teacher or None, "rescaled": rescaled, "fourier": fourier, "precision": precision,
        "seed": seed, "check_every": check_every, "second": second or None,
    }  # fmt: skip
    start = find(init, "keras") if init else None
    if start and start.kernel:
        raise UsageError(f"--init {init}: no network, but an interpolation", hint="see `upscale models`")
    config = replace(
        recipe(name, start, second, scale or 2),
        **{key: value for key, value in choices.items() if value is not None},
    )
    stem = stem_of(config, out)
    from tqdm import tqdm

    with tqdm(total=config.steps, unit="step", disable=None, dynamic_ncols=True) as bar:

        def on_block(done: int, loss: float, score: float, speed: float) -> None:
            bar.update(done - bar.n)
            bar.set_postfix_str(f"loss {loss:.5f}, {score:.3f} dB")
            if bar.disable:
                output.note(
                    f"step {done}/{config.steps}: loss {loss:.5f}, {score:.3f} dB, {speed:.1f} steps/s"
                )

        try:
            outcome = run_recipe(
                config,
                data,
                held_out=val,
                out=out,
                run=run or Path("runs") / stem,
                init=start.path if start else None,
                progress=lambda files: tqdm(
                    files, "reading", unit="picture", leave=False, disable=None, dynamic_ncols=True
                ),
                on_block=on_block,
            )
        except OutputError as error:
            error.hint = error.hint.replace("--output", "--out or --run")
            raise
    if outcome.before is not None:
        output.note(f"held-out pictures before: {outcome.before:.3f} dB, after: {outcome.after:.3f} dB")
    if outcome.row is None:
        output.note(f"not better, so nothing was replaced; the new model is {outcome.run / 'best.keras'}")
    else:
        print(out / f"{stem}.tflite")  # noqa: T201


def recipe(name: str, start: ModelCard | None, second: bool = False, scale: int = 2) -> TrainConfig:
    """Return the recipe ``name``, or for a fine-tune the shape of the ``start`` model under the new name.

    Weights that have learnt already, the first pass's among them, are moved at a quarter of the rate.

    Raises:
        UsageError: without a name and a file to start from, or for an unknown recipe.
    """
    from upscale_cli.training.config import PRESETS, preset
    from upscale_cli.training.recipe import fine_tune

    if start is None and not name:
        raise UsageError(
            "no model to train",
            hint=f"name a recipe, {', '.join(PRESETS)}, or a model to start from with --init",
        )
    if start is None or name in PRESETS:
        made = preset(name, scale, second)
        return replace(made, rate=made.rate / 4) if start or second else made
    views = {kind: start.views(kind) for kind in start.files if start.views(kind) > 1}
    made = fine_tune(name or f"{start.path.stem}-tuned", start.path)
    return replace(made, views=views, back_projection=start.back_projection)
