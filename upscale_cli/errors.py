"""Everything that can go wrong, as one tree.

::

    UpscaleError               exit code 1
    ├── UsageError             exit code 2: the request cannot be carried out as given
    │   ├── UnknownModelError
    │   ├── ScaleError
    │   └── TargetError        two sources for one target, a target that is a source
    ├── InputError             something is wrong with a source
    │   ├── MissingInputError
    │   ├── NotAnImageError
    │   ├── DamagedImageError
    │   ├── UnsupportedImageError
    │   └── TooLargeError      above --max-pixels, a format's limits, or the memory that there is
    ├── OutputError            a result cannot be written
    ├── ModelError             a weights file is missing, altered or not understood
    ├── ResultError            the network's answer is not a picture of the input
    └── MissingExtraError      the command needs an optional part of the package

``str(error)`` names the file and the cause; ``error.hint`` says what to do next; ``error.code`` is the
same kind of error for programs and stays the same from release to release.
"""

from __future__ import annotations

from typing import ClassVar


class UpscaleError(Exception):
    """Base of all errors that this package raises on purpose."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(UpscaleError):
    """The request itself is wrong; nothing has been done."""

    code = "usage"
    exit_code = 2


class UnknownModelError(UsageError):
    """No model of that name or at that path."""

    code = "unknown-model"


class ScaleError(UsageError):
    """The factor or the size asked for cannot be made."""

    code = "scale"


class TargetError(UsageError):
    """Targets that collide with each other or with a source."""

    code = "target"


class InputError(UpscaleError):
    """Something is wrong with a source."""

    code = "input"


class MissingInputError(InputError):
    """The source does not exist or cannot be read."""

    code = "missing"


class NotAnImageError(InputError):
    """The bytes are no picture in a format that is understood."""

    code = "not-an-image"


class DamagedImageError(InputError):
    """A picture, but truncated or corrupt."""

    code = "damaged"


class UnsupportedImageError(InputError):
    """A sound picture of a kind that this program does not handle."""

    code = "unsupported"


class TooLargeError(InputError):
    """More pixels than allowed, than the output format can hold, or than there is memory for."""

    code = "too-large"


class OutputError(UpscaleError):
    """A result cannot be written."""

    code = "output"


class ModelError(UpscaleError):
    """A weights file is missing, altered or not understood."""

    code = "model"


class ResultError(UpscaleError):
    """The network's answer is not finite, or not a picture of its input."""

    code = "result"


class MissingExtraError(UpscaleError):
    """An optional part of the package is not installed."""

    code = "missing-extra"


def unexpected(error: Exception, source: str = "") -> UpscaleError:
    """Put an error that nobody raised on purpose, a fault of this program, into words; ``source`` names the
    picture that brought it out.
    """
    told = UpscaleError(
        f"{source}{': ' if source else ''}unexpected {type(error).__name__}: {error}",
        hint="run the same command with --debug and report what it prints",
    )
    told.__cause__ = error
    return told
