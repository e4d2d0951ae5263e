"""``upscale compare``: one picture by several methods, side by side on a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from upscale_cli.cli.options import option
from upscale_cli.cli.output import shown
from upscale_cli.cli.results import PANEL, label, print_json, progress
from upscale_cli.cli.values import parse_precision
from upscale_cli.errors import ScaleError, TargetError, UsageError

if TYPE_CHECKING:
    from upscale_cli.compare import Comparison
    from upscale_cli.evaluate import Enlarge
    from upscale_cli.originals import Pixels8


def command(
    photo: Annotated[Path | None, typer.Argument(metavar="PHOTO", help="The picture to enlarge.")] = None,
    reference: Annotated[
        Path | None,
        option(
            PANEL,
            "--reference",
            metavar="FILE",
            help="The true large picture: adds PSNR and SSIM. Without PHOTO it is shrunk itself.",
        ),
    ] = None,
    scale: Annotated[int, option(PANEL, "--scale", "-s", help="Factor: 2 (the default), 4 or 8.")] = 2,
    output: Annotated[
        Path, option(PANEL, "--output", "-o", metavar="FILE", help="The sheet (output/comparison.png).")
    ] = Path("output/comparison.png"),
    model: Annotated[
        list[str] | None,
        option(
            PANEL, "--model", "-n", metavar="NAME", help="A model or a file (all models); may be given again."
        ),
    ] = None,
    precision: Annotated[
        str,
        option(PANEL, "--precision", metavar="KIND", help="float, bfloat16 or int8 (default: the quicker)."),
    ] = "",
    crops: Annotated[int, option(PANEL, "--crops", min=1, max=12, help="How many places are shown (4).")] = 4,
    threads: Annotated[int, option(PANEL, "--threads", min=0, help="CPUs to use (0: all).")] = 0,
    json: Annotated[bool, option(PANEL, "--json", help="Places and scores as one JSON object.")] = False,
) -> None:
    """Show where methods differ most: crops side by side, nearest, bicubic, Lanczos and every model.

    With the true large picture as --reference each method has its PSNR and SSIM, and the original is last.
    """
    if scale not in (2, 4, 8):
        raise ScaleError(f"--scale {scale} cannot be compared", hint="use --scale 2, 4 or 8")
    from upscale_cli.compare import compare
    from upscale_cli.image_io import write_picture
    from upscale_cli.image_io.formats import format_for
    from upscale_cli.sheet import draw

    if not output.suffix:
        raise UsageError(f"-o {output} does not say which file to write", hint="write -o sheet.png")
    format_for(output)
    for file in (photo, reference):
        if file and file.exists() and output.exists() and output.samefile(file):
            raise TargetError(
                f"{output}: is one of the pictures compared", hint="give the sheet another name"
            )
    source, small, original = _pictures(photo, reference, scale)
    methods = _methods(model, precision, scale, threads)
    with progress(len(methods) + 1, "method") as bar:
        comparison = compare(small, methods, scale, reference=original, count=crops, on_method=bar.update)
    write_picture(output, [draw(small, comparison, scale, title=shown(source.name))])
    if json:
        print_json({"sheet": str(output), "scale": scale, **_facts(comparison)})
    else:
        print(output)  # noqa: T201


def _pictures(photo: Path | None, reference: Path | None, scale: int) -> tuple[Path, Pixels8, Pixels8 | None]:
    """The file that gives the sheet its title, the picture to enlarge, and the original if there is one."""
    from upscale_cli.evaluate import read_measurable
    from upscale_cli.originals import read_original, shrink

    if reference is None:
        if photo is None:
            raise UsageError("nothing to compare", hint="name a picture, or its original with --reference")
        return photo, read_original(photo), None
    original = read_measurable(reference, scale)
    if photo is None:
        return reference, shrink(original, scale), original
    return photo, read_original(photo), original


def _methods(models: list[str] | None, precision: str, scale: int, threads: int) -> dict[str, Enlarge]:
    from upscale_cli import zoo
    from upscale_cli.pipeline import Settings, Upscaler
    from upscale_cli.runtimes import runtime_for

    parse_precision(precision)
    names = ["bicubic", "lanczos", *(models or [card.name for card in zoo.models()])]
    opened = {}
    for name in names:
        runtime = runtime_for(zoo.find(name, precision))
        opened[name] = Upscaler(
            Settings(scale=scale, model=name, precision=precision, runtime=runtime, threads=threads)
        )
    return {label(name, upscaler.card): upscaler for name, upscaler in opened.items()}


def _facts(comparison: Comparison) -> dict[str, Any]:
    return {
        "places": [{"x": box.x, "y": box.y, "side": box.width} for box in comparison.boxes],
        "methods": [
            {"method": panel.name, "psnr": panel.psnr, "ssim": panel.ssim} for panel in comparison.panels
        ],
    }
