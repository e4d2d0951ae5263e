"""``upscale evaluate``: PSNR and SSIM of models over folders of originals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from upscale_cli.cli import output
from upscale_cli.cli.options import option
from upscale_cli.cli.results import PANEL, Row, label, print_json, print_table, progress
from upscale_cli.cli.values import parse_precision
from upscale_cli.errors import ScaleError, UsageError

if TYPE_CHECKING:
    from upscale_cli.evaluate import Enlarge, Evaluation, ImageScore, Score


class Contender(NamedTuple):
    """One row of the table."""

    model: str
    precision: str = "-"
    ensemble: bool = False

    @property
    def title(self) -> str:
        return f"{self.model} -x" if self.ensemble else self.model


def command(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders that hold original, full-size pictures.")
    ],
    scale: Annotated[int, option(PANEL, "--scale", "-s", help="Factor: 2 (the default), 4 or 8.")] = 2,
    model: Annotated[
        list[str] | None,
        option(PANEL, "--model", "-n", metavar="NAME", help="A model or a file; may be given again."),
    ] = None,
    precision: Annotated[
        list[str] | None,
        option(
            PANEL,
            "--precision",
            metavar="KIND",
            help="float, bfloat16 or int8 (default: the quicker); may be given again.",
        ),
    ] = None,
    ensemble: Annotated[
        bool, option(PANEL, "--ensemble", "-x", help="Add a row for the mean of the 8 flips and turns.")
    ] = False,
    worst: Annotated[int, option(PANEL, "--worst", min=0, help="Also list the N worst pictures.")] = 0,
    threads: Annotated[int, option(PANEL, "--threads", min=0, help="CPUs to use (0: all).")] = 0,
    runtime: Annotated[
        str,
        option(PANEL, "--runtime", metavar="NAME", help="native, litert, openvino or tensorflow (chosen)."),
    ] = "",
    record: Annotated[
        bool,
        option(PANEL, "--record", help="Write the scores into the models' cards, by the folders' names."),
    ] = False,
    json: Annotated[
        bool, option(PANEL, "--json", help="One JSON object with a value for each picture.")
    ] = False,
) -> None:
    """Measure models on folders of originals.

    Each picture is shrunk by antialiased bicubic, enlarged again, and compared with itself: PSNR and SSIM on
    luma, without a border as wide as the factor. A row for bicubic enlargement stands first.
    """
    if scale not in (2, 4, 8):
        raise ScaleError(f"--scale {scale} cannot be evaluated", hint="use --scale 2, 4 or 8")
    from upscale_cli.evaluate import evaluate, find_originals

    contenders = _contenders(model or [""], precision or [""], ensemble, scale, threads, runtime)
    if record:
        _check_recordable(contenders)
    found: dict[Path, Evaluation[Contender]] = {}
    with progress(sum(len(find_originals(folder)) for folder in folders), "picture") as bar:
        for folder in dict.fromkeys(folders):
            found[folder] = evaluate(folder, contenders, scale, on_picture=bar.update)
    for evaluation in found.values():
        for reason in evaluation.skipped.values():
            output.note(f"left out: {reason}")
    if record:
        _record(found, scale)
    if json:
        print_json(
            {"scale": scale, "sets": [_facts(folder, evaluation) for folder, evaluation in found.items()]}
        )
        return
    sections = [
        [_row(folder, contender, score) for contender, score in evaluation.scores.items()]
        for folder, evaluation in found.items()
    ]
    columns = ["Folder", "Model", "Precision", "PSNR dB>", "SSIM>", "Time>", "MP/s>"]
    print_table(columns, sections, title=f"{scale}x, on luma")
    if worst:
        for folder, evaluation in found.items():
            _print_worst(folder, evaluation, worst)


def _contenders(
    models: list[str], precisions: list[str], ensemble: bool, scale: int, threads: int, runtime: str
) -> dict[Contender, Enlarge]:
    """What is measured, in the order of the rows: bicubic first, as the published figures have it."""
    from upscale_cli.originals import bicubic
    from upscale_cli.pipeline import Settings, Upscaler
    from upscale_cli.runtimes import runtime_for
    from upscale_cli.zoo import find

    for kind in precisions:
        parse_precision(kind)
    contenders: dict[Contender, Enlarge] = {
        Contender("bicubic"): lambda pixels: bicubic(pixels, scale * pixels.shape[0], scale * pixels.shape[1])
    }
    for name in models:
        for kind in precisions:
            usual = runtime or runtime_for(find(name, kind))
            for mean in (False, True) if ensemble else (False,):
                settings = Settings(
                    scale=scale, model=name, precision=kind, runtime=usual, ensemble=mean, threads=threads
                )
                upscaler = Upscaler(settings)
                card = upscaler.card
                if card.kernel and mean:
                    continue
                key = Contender(label(name, card), "-" if card.kernel else card.precision, mean)
                contenders.setdefault(key, upscaler)
    return contenders


def _check_recordable(contenders: Iterable[Contender]) -> None:
    """Raise UsageError for a network that has no card to write into."""
    from upscale_cli.zoo import models

    known = {card.name for card in models()}
    for contender in contenders:
        if contender.precision != "-" and contender.model not in known:
            raise UsageError(
                f"--record writes into the cards of models, and {contender.model} is named by its file",
                hint="give the model's name, with UPSCALE_MODELS=DIR for one of another folder",
            )


def _record(found: dict[Path, Evaluation[Contender]], scale: int) -> None:
    """Write each plain score into its model's row of the manifest."""
    from upscale_cli import manifest
    from upscale_cli.zoo import weights_dir

    for folder, evaluation in found.items():
        for contender, score in evaluation.scores.items():
            if contender.precision != "-" and not contender.ensemble:
                row = (contender.model, contender.precision, scale, _set(folder))
                manifest.put_score(weights_dir(), *row, score.psnr, score.ssim)


def _set(folder: Path) -> str:
    """What a folder is called, as a link where it is one, and by its real name where it is given as dots."""
    return (folder.resolve() if folder.name in ("", "..") else folder).name


def _row(folder: Path, contender: Contender, score: Score) -> Row:
    return (
        f"{_set(folder)} ({len(score.images)})",
        contender.title,
        contender.precision,
        f"{score.psnr:.2f}",
        f"{score.ssim:.4f}",
        output.seconds(score.seconds),
        f"{score.megapixels_per_second:.1f}",
    )


def _print_worst(folder: Path, evaluation: Evaluation[Contender], count: int) -> None:
    scores = list(evaluation.scores.items())
    plain = {image.file: image for image in scores[0][1].images}

    def rows(contender: Contender, score: Score) -> Iterator[Row]:
        for image in score.worst(count):
            gain = image.psnr - plain[image.file].psnr
            yield (
                image.file, contender.title, contender.precision,
                f"{image.psnr:.2f}", f"{image.ssim:.4f}", f"{gain:+.2f}",
            )  # fmt: skip

    sections = [rows(contender, score) for contender, score in scores[1:] or scores]
    columns = ["Picture", "Model", "Precision", "PSNR dB>", "SSIM>", "over bicubic>"]
    print_table(columns, sections, title=f"Worst of {_set(folder)}")


def _facts(folder: Path, evaluation: Evaluation[Contender]) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "skipped": evaluation.skipped,
        "results": [
            {
                **contender._asdict(),
                "psnr": score.psnr,
                "ssim": score.ssim,
                "seconds": score.seconds,
                "megapixels_per_second": score.megapixels_per_second,
                "images": [_image(image) for image in score.images],
            }
            for contender, score in evaluation.scores.items()
        ],
    }


def _image(image: ImageScore) -> dict[str, Any]:
    return {"file": image.file, "psnr": image.psnr, "ssim": image.ssim, "seconds": image.seconds}
