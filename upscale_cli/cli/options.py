"""The options of ``upscale INPUT…``: one field, one option; and the settings that they make."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from upscale_cli.cli.precedence import agreed
from upscale_cli.cli.values import parse_amount, parse_colour, parse_precision, parse_scale, parse_size
from upscale_cli.errors import UpscaleError, UsageError

if TYPE_CHECKING:
    from upscale_cli.settings import Settings

T = TypeVar("T")

MAIN, SIZE, OUTPUT, FILES, SPEED, SCRIPTS = (
    "Options", "Other sizes", "Output", "Folders and lists", "Model, speed and memory", "Scripts",
)  # fmt: skip


def option(panel: str, *names: str, help: str, **more: Any) -> Any:
    """Return a Typer option in a panel of the help."""
    return typer.Option(
        *names, help=help, rich_help_panel=panel, show_default=False, show_envvar=False, **more
    )


def _version(wanted: bool) -> None:
    if wanted:
        from upscale_cli import __version__

        print(f"upscale {__version__}")  # noqa: T201
        raise typer.Exit


@dataclass(frozen=True)
class RunOptions:
    """What ``upscale INPUT…`` accepts."""

    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT", help="Pictures or folders; - is a pipe.", show_default=False),
    ] = None

    scale: Annotated[
        str, option(MAIN, "--scale", "-s", metavar="N", help="Factor on each side: 2 (default), 4, 1.5 ...")
    ] = "2"
    output: Annotated[
        str | None,
        option(MAIN, "--output", "-o", metavar="PATH", help="Folder (default: output), file, or - (pipe)."),
    ] = None
    format: Annotated[
        str,
        option(MAIN, "--format", "-f", metavar="EXT", help="png, jpg, webp, tiff, avif ... (as the input)."),
    ] = ""
    model: Annotated[
        str, option(MAIN, "--model", "-n", metavar="NAME", help="As listed by `upscale models`, or a file.")
    ] = ""
    recursive: Annotated[bool, option(MAIN, "--recursive", "-r", help="Folders within folders, too.")] = False
    quiet: Annotated[bool, option(MAIN, "--quiet", help="Print errors only.")] = False
    verbose: Annotated[bool, option(MAIN, "--verbose", "-v", help="Print more about each picture.")] = False
    version: Annotated[
        bool,
        option(
            MAIN, "--version", help="Print the version.", callback=_version, is_eager=True,
            allow_from_autoenv=False,
        ),
    ] = False  # fmt: skip

    width: Annotated[
        int | None, option(SIZE, "--width", metavar="PIXELS", help="This wide; the height follows.")
    ] = None
    height: Annotated[
        int | None, option(SIZE, "--height", metavar="PIXELS", help="This high; the width follows.")
    ] = None
    fit: Annotated[
        str | None, option(SIZE, "--fit", metavar="WxH", help="As large as fits a frame, such as 3840x2160.")
    ] = None
    long_side: Annotated[
        int | None, option(SIZE, "--long-side", metavar="PIXELS", help="The longer side; the other follows.")
    ] = None
    shrink: Annotated[
        bool, option(SIZE, "--shrink", help="Make larger pictures smaller; else they keep their size.")
    ] = False

    name: Annotated[
        str | None,
        option(
            OUTPUT, "--name", metavar="TEMPLATE",
            help="{stem}_x{scale}{ext} by default; also {width}, {height}, {model}.",
        ),
    ] = None  # fmt: skip
    quality: Annotated[
        int | None, option(OUTPUT, "--quality", "-q", metavar="N", help="The encoder's, 1 to 100 (JPEG: 95).")
    ] = None
    lossless: Annotated[bool, option(OUTPUT, "--lossless", help="WebP and AVIF without loss.")] = False
    compression: Annotated[
        int, option(OUTPUT, "--compression", metavar="N", help="Effort for PNG and TIFF, 0 to 9 (4).")
    ] = 4
    background: Annotated[
        str,
        option(
            OUTPUT, "--background", metavar="COLOUR",
            help="Under transparency in JPEG: white, black, #rrggbb.",
        ),
    ] = "white"  # fmt: skip
    strip: Annotated[bool, option(OUTPUT, "--strip", help="Drop metadata: date, place, camera ...")] = False

    include: Annotated[
        list[str] | None,
        option(FILES, "--include", metavar="PATTERN", help="In folders, only these: '*.jpg'."),
    ] = None
    exclude: Annotated[list[str] | None, option(FILES, "--exclude", metavar="PATTERN", help="Not these.")] = (
        None
    )
    files_from: Annotated[
        str | None, option(FILES, "--files-from", metavar="FILE", help="Names, one a line; - is a pipe.")
    ] = None
    null: Annotated[
        bool, option(FILES, "--null", "-0", help="Names, read or printed, end in NUL, not newline.")
    ] = False
    force: Annotated[bool, option(FILES, "--force", help="Redo what is finished.")] = False
    dry_run: Annotated[
        bool, option(FILES, "--dry-run", help="Show what would be done and what it takes.")
    ] = False
    watch: Annotated[bool, option(FILES, "--watch", help="Go on with new files until Ctrl-C.")] = False

    precision: Annotated[
        str,
        option(
            SPEED,
            "--precision",
            metavar="KIND",
            help="float, bfloat16 or int8 (default: the quicker).",
        ),
    ] = ""
    ensemble: Annotated[
        bool,
        option(SPEED, "--ensemble", "-x", help="Mean over flips and turns: better, up to 8 times slower."),
    ] = False
    tile: Annotated[int, option(SPEED, "--tile", "-t", metavar="PIXELS", help="Side of a tile.")] = 0
    overlap: Annotated[
        int | None, option(SPEED, "--overlap", metavar="PIXELS", help="Shared by tiles (default: no seams).")
    ] = None
    batch_size: Annotated[
        int, option(SPEED, "--batch-size", metavar="N", help="Tiles per network call (0: chosen).")
    ] = 0
    threads: Annotated[int, option(SPEED, "--threads", metavar="N", help="CPUs to use (0: all).")] = 0
    memory: Annotated[
        str, option(SPEED, "--memory", metavar="SIZE", help="Most to take, such as 800M or 2G.")
    ] = ""
    max_pixels: Annotated[
        str, option(SPEED, "--max-pixels", metavar="N", help="Refuse larger inputs (500M).")
    ] = ""
    runtime: Annotated[
        str,
        option(SPEED, "--runtime", metavar="NAME", help="native, litert, openvino or tensorflow (chosen)."),
    ] = ""

    json: Annotated[bool, option(SCRIPTS, "--json", help="Print events, one JSON object a line.")] = False
    raw: Annotated[
        str | None, option(SCRIPTS, "--raw", metavar="WxH", help="Raw RGB video, from stdin to stdout.")
    ] = None
    debug: Annotated[bool, option(SCRIPTS, "--debug", help="Print the traceback of an error.")] = False

    def __post_init__(self) -> None:
        from upscale_cli.image_io.savers import RANGES

        for name in ("quality", "compression", "tile", "overlap", "batch_size", "threads"):
            value, (least, most) = getattr(self, name), RANGES.get(name, (0, None))
            if value is not None and (value < least or (most is not None and value > most)):
                raise UsageError(
                    f"--{name.replace('_', '-')} {value} is out of range",
                    hint=f"give {least} or more" if most is None else f"give {least} to {most}",
                )

    def settings(self) -> Settings:
        """Return the settings asked for. Raises `UsageError`."""
        from upscale_cli.image_io import MAX_PIXELS
        from upscale_cli.image_io.encode import SaveOptions
        from upscale_cli.image_io.formats import format_for
        from upscale_cli.settings import Settings

        if self.format:
            format_for(self.format)
        return Settings(
            scale=parse_scale(self.scale),
            width=self.width,
            height=self.height,
            fit=parse_size(self.fit, "--fit") if self.fit else None,
            long_side=self.long_side,
            shrink=self.shrink,
            model=self.model,
            precision=parse_precision(self.precision),
            runtime=self.runtime,
            ensemble=self.ensemble,
            tile=self.tile,
            overlap=self.overlap,
            batch=self.batch_size,
            threads=self.threads,
            memory=parse_amount(self.memory, "--memory") if self.memory else 0,
            max_pixels=parse_amount(self.max_pixels, "--max-pixels") if self.max_pixels else MAX_PIXELS,
            save=SaveOptions(
                format=self.format,
                quality=self.quality,
                lossless=self.lossless,
                compression=self.compression,
                background=parse_colour(self.background),
                strip=self.strip,
            ),
        )


def takes(options: type[Any]) -> Callable[[Callable[[Any], None]], Callable[..., None]]:
    """Let a command receive one frozen value in the place of one parameter for each option.

    What gives way to an option of stronger origin has its default in it. With ``json`` an error is an event.
    """

    def wrap(function: Callable[[Any], None]) -> Callable[..., None]:
        def command(ctx: typer.Context, **given: Any) -> None:
            try:
                function(options(**agreed(ctx, given)))
            except UpscaleError as error:
                if given["json"]:
                    from upscale_cli.cli.jsonlines import emit_failed

                    emit_failed(None, error)
                raise

        command.__doc__ = function.__doc__
        hints = get_type_hints(options, include_extras=True)
        command.__annotations__ = {"ctx": typer.Context, **hints}
        signature = inspect.signature(options)
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[
                inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
                *(param.replace(annotation=hints[name]) for name, param in signature.parameters.items()),
            ]
        )
        return command

    return wrap
