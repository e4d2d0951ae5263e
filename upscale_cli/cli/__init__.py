"""The command line: ``upscale INPUT…`` and its sister commands, each in a module of its own.

A first word that is no command is a file, so that ``upscale photo.jpg`` needs no verb; ``./train`` reaches a
file of that name. Nothing here imports numpy: ``--help`` and ``--version`` answer at once.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from upscale_cli.cli import config, output
from upscale_cli.cli.commands import COMMANDS
from upscale_cli.cli.plain import PlainCommand, keep_plain, paragraphs
from upscale_cli.errors import UpscaleError, UsageError, unexpected


class ImageFirst(TyperGroup):
    """Commands that are imported when they are called for; what is no command is a file for ``run``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return one command; None for an unknown name."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of the group itself."""
        return keep_plain(super().get_params(ctx), {})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``run`` in front of arguments that name no command."""
        own = {name for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
        if args and args[0] not in COMMANDS and args[0] not in own:
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the help of ``run``, which names the other commands at its end."""
        run = load("run")
        with type(ctx)(run, info_name=ctx.info_name) as run_ctx:
            run.format_help(run_ctx, formatter)


def load(name: str) -> Any:
    """Import and build one command; ``upscale.toml`` gives its defaults."""
    module = import_module(f"upscale_cli.cli.{name}")
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
    if name == "run":
        settings["auto_envvar_prefix"] = "UPSCALE"
    text, epilog = paragraphs(module.command.__doc__), getattr(module, "EPILOG", None)
    app.command(name, cls=PlainCommand, context_settings=settings, help=text, epilog=epilog)(module.command)
    command: Any = typer.main.get_command(app)
    command.function = module.command
    names = {param.name for param in command.params if param.name}
    lists = {param.name for param in command.params if param.nargs == -1 or getattr(param, "multiple", False)}
    command.context_settings["default_map"] = {
        option: [value] if option in lists and not isinstance(value, list) else value  # one stands for itself
        for option, value in config.defaults(name, names, COMMANDS).items()
    }
    return command


app = typer.Typer(
    cls=ImageFirst,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "UPSCALE"},
)


@app.callback()
def _group() -> None:
    """Enlarge pictures with a small neural network."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 all done, 1 failed, 2 the request is wrong, 3 some files failed, 130 interrupted. ``--debug`` anywhere
    shows the traceback of an error.
    """
    words = list(sys.argv[1:] if args is None else args)
    options = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in options
    if debug and options[0] in COMMANDS:  # `run` has the option itself
        words.remove("--debug")
    try:
        code = app(words, prog_name="upscale", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        code = 1
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        if debug:
            output.traceback(error)
        if "--json" in options and isinstance(error, typer.TyperException) and _is_run(options):
            from upscale_cli.cli.jsonlines import emit_failed

            with suppress(OSError, UpscaleError):  # the error is told on stderr, too
                emit_failed(None, UsageError(error.format_message(), hint="see `upscale --help`"))
        code = _report(error, debug)
    if code == 130 and any(thread.name.startswith("picture-") for thread in threading.enumerate()):
        os._exit(code)  # a worker is deep inside an encoder: do not wait for it
    sys.exit(code if isinstance(code, int) else 0)


def _is_run(words: Sequence[str]) -> bool:
    """Whether a request is one to enlarge pictures: no command is named, or ``run``."""
    return words[0] not in COMMANDS or words[0] == "run"


def _report(error: Exception, debug: bool) -> int:
    """Print one error in plain words and return its exit code."""
    if isinstance(error, UpscaleError):
        output.error(str(error), error.hint)
        return error.exit_code
    if isinstance(error, typer.TyperException):
        if message := error.format_message():
            command: Any = getattr(getattr(error, "ctx", None), "info_name", None)
            which = f"{command} " if command in COMMANDS and command != "run" else ""
            output.error(message.rstrip(".") + _origin(error), f"see `upscale {which}--help`")
        return error.exit_code
    if isinstance(error, MemoryError):
        output.error("out of memory", "use --memory or --threads 1, or enlarge less")
        return 1
    report = unexpected(error)
    output.error(str(report), "please report this" if debug else report.hint)
    return report.exit_code


def _origin(error: Exception) -> str:
    """Return where a bad value came from, if not from the command line."""
    ctx: Any = getattr(error, "ctx", None)
    param: Any = getattr(error, "param", None)
    source = ctx.get_parameter_source(param.name).name if ctx and param else ""
    if source == "ENVIRONMENT":
        return f" (from {ctx.auto_envvar_prefix}_{param.name.upper()})"
    return f" (from {config.config_file()})" if source == "DEFAULT_MAP" else ""


def _forget_stdout() -> None:
    """Keep Python from complaining at exit that nobody reads its output any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
