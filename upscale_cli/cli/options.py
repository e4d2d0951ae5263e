"""The options of ``upscale INPUT…``: one field, one option; and the settings that they make."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from upscale_cli.errors import UsageError

if TYPE_CHECKING:
    from upscale_cli.settings import Settings

T = TypeVar("T")

SIZE, OUTPUT, FILES, MODEL, SPEED, SCRIPTS = (
    "Size", "Output", "Folders and lists", "Model", "Speed and memory", "Scripts and pipes",
)  # fmt: skip


def option(panel: str, *names: str, help: str, **more: Any) -> Any:
    """Return a Typer option in a panel of the help."""
    return typer.Option(
        *names, help=help, rich_help_panel=panel, show_default=False, show_envvar=False, **more
    )


@dataclass(frozen=True)
class RunOptions:
    """What ``upscale INPUT…`` accepts."""

    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...", help="Pictures or folders; - reads a picture from a pipe.", show_default=False
        ),
    ] = None

    scale: Annotated[
        float, option(SIZE, "--scale", "-s", help="Factor on each side, such as 2 (the default), 4 or 1.5.")
    ] = 2.0
    width: Annotated[int | None, option(SIZE, "--width", help="Width in pixels; the height follows.")] = None
    height: Annotated[int | None, option(SIZE, "--height", help="Height in pixels; the width follows.")] = (
        None
    )
    fit: Annotated[
        str | None,
        option(SIZE, "--fit", metavar="WxH", help="Largest size inside a frame, such as 3840x2160."),
    ] = None
    long_side: Annotated[int | None, option(SIZE, "--long-side", help="Longer side in pixels.")] = None
    shrink: Annotated[
        bool, option(SIZE, "--shrink", help="Also make smaller; else larger pictures keep their size.")
    ] = False

    output: Annotated[
        str | None,
        option(
            OUTPUT, "--output", "-o", metavar="PATH", help="Folder (default: output), file, or - for a pipe."
        ),
    ] = None
    name: Annotated[
        str | None,
        option(
            OUTPUT, "--name", metavar="TEMPLATE",
            help="Names in the folder: {stem}_x{scale}{ext}; also {width} {height} {model}.",
        ),
    ] = None  # fmt: skip
    format: Annotated[
        str,
        option(
            OUTPUT,
            "--format",
            "-f",
            metavar="EXT",
            help="png, jpg, webp, tiff, avif, ...; default: as the input.",
        ),
    ] = ""
    quality: Annotated[
        int, option(OUTPUT, "--quality", "-q", min=0, max=100, help="Encoder's quality, 1 to 100 (JPEG: 95).")
    ] = 0
    lossless: Annotated[bool, option(OUTPUT, "--lossless", help="WebP and AVIF without loss.")] = False
    compression: Annotated[
        int, option(OUTPUT, "--compression", min=0, max=9, help="Effort of PNG and TIFF, 0 to 9 (6).")
    ] = 6
    background: Annotated[
        str,
        option(
            OUTPUT,
            "--background",
            metavar="COLOUR",
            help="Under transparency in JPEG: white, black or #rrggbb.",
        ),
    ] = "white"
    strip: Annotated[bool, option(OUTPUT, "--strip", help="Drop metadata (date, place, camera ...).")] = False

    recursive: Annotated[bool, option(FILES, "--recursive", "-r", help="Search folders within folders.")] = (
        False
    )
    include: Annotated[
        list[str] | None,
        option(FILES, "--include", metavar="PATTERN", help="Only these files of a folder, such as '*.jpg'."),
    ] = None
    exclude: Annotated[
        list[str] | None, option(FILES, "--exclude", metavar="PATTERN", help="Not these files of a folder.")
    ] = None
    files_from: Annotated[
        str | None,
        option(
            FILES, "--files-from", metavar="FILE", help="Read names from a file, one a line; - for a pipe."
        ),
    ] = None
    null: Annotated[
        bool, option(FILES, "--null", "-0", help="Names read and printed end in NUL, not newline.")
    ] = False
    force: Annotated[bool, option(FILES, "--force", help="Redo what is finished.")] = False
    dry_run: Annotated[
        bool, option(FILES, "--dry-run", help="Show what would be done, and what it needs.")
    ] = False
    watch: Annotated[
        bool, option(FILES, "--watch", help="Go on with new files as they appear, until Ctrl-C.")
    ] = False

    model: Annotated[
        str,
        option(MODEL, "--model", "-n", metavar="NAME", help="A name that `upscale models` lists, or a file."),
    ] = ""
    precision: Annotated[
        str, option(MODEL, "--precision", metavar="KIND", help="float, or int8: faster, a little worse.")
    ] = "float"
    ensemble: Annotated[
        bool,
        option(
            MODEL, "--ensemble", "-x", help="Mean of 8 flips and turns: a little better, 8 times the work."
        ),
    ] = False

    tile: Annotated[
        int, option(SPEED, "--tile", "-t", min=0, help="Side of a tile in pixels (0: chosen).")
    ] = 0
    overlap: Annotated[
        int | None,
        option(SPEED, "--overlap", min=0, help="Pixels that tiles share (default: exact, no seams)."),
    ] = None
    batch_size: Annotated[
        int, option(SPEED, "--batch-size", min=0, help="Tiles per network call (0: chosen).")
    ] = 0
    threads: Annotated[int, option(SPEED, "--threads", min=0, help="CPUs to use (0: all).")] = 0
    memory: Annotated[
        str, option(SPEED, "--memory", metavar="SIZE", help="Most memory to take, such as 800M or 2G.")
    ] = ""
    max_pixels: Annotated[
        str, option(SPEED, "--max-pixels", metavar="N", help="Refuse larger inputs (default 500M).")
    ] = ""
    runtime: Annotated[
        str, option(SPEED, "--runtime", metavar="NAME", help="litert, or tensorflow for a GPU.")
    ] = "litert"

    json: Annotated[bool, option(SCRIPTS, "--json", help="One JSON object a line on stdout.")] = False
    raw: Annotated[
        str | None, option(SCRIPTS, "--raw", metavar="WxH", help="Raw RGB video frames from stdin to stdout.")
    ] = None
    quiet: Annotated[bool, option(SCRIPTS, "--quiet", help="Only errors.")] = False
    verbose: Annotated[bool, option(SCRIPTS, "--verbose", "-v", help="More about each picture.")] = False
    debug: Annotated[bool, option(SCRIPTS, "--debug", help="Show the traceback of an error.")] = False

    def settings(self) -> Settings:
        """Return the settings asked for. Raises `UsageError`."""
        from upscale_cli.encode import SaveOptions
        from upscale_cli.formats import format_for
        from upscale_cli.image_io import MAX_PIXELS
        from upscale_cli.settings import Settings

        if self.format:
            format_for(self.format)
        return Settings(
            scale=self.scale,
            width=self.width,
            height=self.height,
            fit=parse_size(self.fit, "--fit") if self.fit else None,
            long_side=self.long_side,
            shrink=self.shrink,
            model=self.model,
            precision=self.precision,
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
    """Let a command receive one frozen value in the place of one parameter for each option."""

    def wrap(function: Callable[[Any], None]) -> Callable[..., None]:
        def command(**given: Any) -> None:
            function(options(**given))

        command.__doc__ = function.__doc__
        command.__annotations__ = get_type_hints(options, include_extras=True)
        signature = inspect.signature(options)
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[
                param.replace(annotation=command.__annotations__[name])
                for name, param in signature.parameters.items()
            ]
        )
        return command

    return wrap


def parse_size(text: str, name: str) -> tuple[int, int]:
    """Return (width, height) of a text such as ``640x360``. Raises `UsageError`."""
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UsageError(f"{name} {text!r} is not a size", hint=f"write width x height, as in {name} 640x360")
    return int(width), int(height)


def parse_amount(text: str, name: str) -> int:
    """Return the number that a text such as ``800M`` or ``1.5G`` stands for. Raises `UsageError`."""
    units = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
    number = text.lower().removesuffix("b").rstrip("kmgt")
    unit = text.lower().removesuffix("b")[len(number) :]
    try:
        value = int(float(number) * units[unit])
    except (ValueError, KeyError, OverflowError):
        value = 0
    if value < 1:
        raise UsageError(f"{name} {text!r} is not an amount", hint=f"write for instance {name} 2G")
    return value


def parse_colour(text: str) -> tuple[int, int, int]:
    """Return (red, green, blue) of ``white``, ``black`` or ``#rrggbb``. Raises `UsageError`."""
    named = {"white": "ffffff", "black": "000000", "grey": "808080", "gray": "808080"}
    digits = named.get(text.lower(), text.lstrip("#"))
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError as error:
        raise UsageError(
            f"--background {text!r} is not a colour", hint="write white, black, or #rrggbb"
        ) from error
    return red, green, blue
