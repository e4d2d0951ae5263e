"""Typer's commands with less around them: values that need no validator, a help that reads well.

Typer has pydantic build a validator for every parameter of a command, given or not. That takes about as long
as importing numpy; an absent value, a default and a text are right as they stand. Its help breaks lines where
the docstring does, and says `<bool>` of options that take no value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, get_type_hints

from typer.core import TyperCommand

_TEXT = (str, str | None)
_TEXTS = (list[str], list[str] | None)


class PlainCommand(TyperCommand):
    """A command whose parameters keep plain values; ``function``, which it calls, has their types."""

    function: Callable[..., Any]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, ``--help`` included."""
        params = keep_plain(super().get_params(ctx), get_type_hints(self.function))
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params


def paragraphs(text: str) -> str:
    """Return a docstring with each paragraph on one line, for the help to wrap."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))


def keep_plain(params: list[Any], kinds: dict[str, Any]) -> list[Any]:
    """Return ``params`` (click's), changed so that they validate only what needs it; ``kinds`` are their
    types, by name.
    """
    for param in params:
        param.process_value = partial(_process, param, kinds.get(param.name))
    return params


def _process(param: Any, kind: Any, ctx: Any, value: Any) -> Any:
    several = param.multiple or param.nargs == -1
    if value is None:
        value = () if several else None
    elif kind in _TEXTS and isinstance(value, tuple | list) and all(isinstance(one, str) for one in value):
        value = list(value)
    elif not (kind in _TEXT and isinstance(value, str)) and not _same(value, param.default):
        return type(param).process_value(param, ctx, value)
    if param.required and not value:
        return type(param).process_value(param, ctx, value)
    return param.callback(ctx, param, value) if param.callback else value


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)
