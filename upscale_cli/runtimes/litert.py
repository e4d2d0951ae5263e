"""Run ``.tflite`` files with LiteRT, TensorFlow's own inference library, on the CPU.

Every call borrows an interpreter with a single thread inside: on whole pictures several of those are faster
than one interpreter with several threads, and the bytes do not depend on the number of threads.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from upscale_cli.errors import ModelError
from upscale_cli.model import ModelCard, inner
from upscale_cli.pixels import Batch
from upscale_cli.probe import measured
from upscale_cli.quiet import silenced
from upscale_cli.zoo import read_weights

if TYPE_CHECKING:
    from upscale_cli.runtimes.inside import Inside

_CALLS_KEPT = 16
"""An interpreter unused for this many calls is dropped when another one is needed."""
_WORTH_REWRITING = 16_384
"""Pixels of a call from which on the rewritten network is used; importing what rewrites it takes 30 ms."""
_LAYING_OUT = threading.Lock()
"""LiteRT holds the GIL while it lays out memory, for any model: without this lock a thread that is done would
have to wait for the next layout, too.
"""


class Prepared:
    """An interpreter with its memory laid out for batches of one shape; for one thread at a time."""

    def __init__(self, content: bytes, shape: tuple[int, ...]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=1)
        (self._source,) = self._interpreter.get_input_details()
        (self._target,) = self._interpreter.get_output_details()
        count, height, width, channels = shape
        side_by_side = self._source["shape"][3] // channels or 1
        self._shape = (count, height, width // side_by_side, side_by_side * channels)
        self._interpreter.resize_tensor_input(self._source["index"], self._shape)
        self._interpreter.allocate_tensors()

    def run(self, batch: Batch) -> Batch:
        self._interpreter.set_tensor(
            self._source["index"], _quantised(batch, self._source).reshape(self._shape)
        )
        self._interpreter.invoke()
        return _dequantised(self._interpreter.get_tensor(self._target["index"]), self._target)


def open_tflite(card: ModelCard) -> LiteRTModel:
    """The network of ``card``; facts that the card lacks are measured. Raises ModelError for an unusable
    file.
    """
    content = read_weights(card)
    if card.scale:
        return LiteRTModel(card, content)
    try:
        card = replace(card, channels=_input_channels(content))
        return LiteRTModel(measured(card, LiteRTModel(card, content)), content)
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{card.path}: not a network that enlarges pictures: {error}",
            hint="it must take (N, H, W, 1 or 3) values and answer with a whole multiple of H and W",
        ) from error


def _input_channels(content: bytes) -> int:
    """Channels that a network takes. Raises ValueError or RuntimeError if it takes no pictures."""
    from ai_edge_litert.interpreter import Interpreter

    with silenced():
        inputs = Interpreter(model_content=content, num_threads=1).get_input_details()
    shapes = [[int(length) for length in one["shape"]] for one in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] not in (1, 3):
        raise ValueError(f"it takes {shapes} values")
    return shapes[0][3]


class LiteRTModel:
    """One ``.tflite`` network; `model.Model` with the facts of its card."""

    def __init__(self, card: ModelCard, content: bytes) -> None:
        self.card = card
        self.scale, self.channels = card.scale, card.channels
        self.halo, self.residual = card.halo, card.residual
        self._content = content
        self._lock, self._rewriting = threading.Lock(), threading.Lock()
        self._calls = 0
        self._idle: dict[tuple[int, ...], list[Prepared]] = {}
        self._last_use: dict[tuple[int, ...], int] = {}
        with silenced():
            self._prepare((0, 1, 8, 8, self.channels))

    def __call__(self, batch: Batch, /, *, spare: int = 0) -> Batch:
        """Run the network; see `model.Model`."""
        count, height, width, _ = batch.shape
        rim, odd = 0, 0
        if spare and count * height * width >= _WORTH_REWRITING:
            with self._rewriting:  # one thread does it, the others want the result
                inside = self._inside
            rim = inside.rim if inside and spare >= inside.rim else 0
        if rim and width % 2:
            batch = np.pad(batch, ((0, 0), (0, 0), (0, 1), (0, 0)))
            odd = self.scale
        shape = (rim, *batch.shape)
        prepared = self._take(shape) or self._prepare(shape)
        answer = prepared.run(batch)
        with self._lock:
            self._idle.setdefault(shape, []).append(prepared)
        if rim:
            rows, columns = (self.scale * (n - 2 * rim) for n in batch.shape[1:3])
            answer = answer.reshape(count, rows, columns, self.channels)[:, :, : columns - odd]
        return inner(answer, self.scale * (spare - rim))

    @cached_property
    def _inside(self) -> Inside | None:
        """The network for calls that spare at least its halo; None if it cannot be rewritten."""
        from upscale_cli.runtimes.inside import inside  # reading the file format's schema takes a while

        return inside(self._content)

    def _take(self, shape: tuple[int, ...]) -> Prepared | None:
        """An idle interpreter; where there is none, make room for a new one."""
        with self._lock:
            self._calls += 1
            self._last_use[shape] = self._calls
            if idle := self._idle.get(shape):
                return idle.pop()
            for old in [old for old, call in self._last_use.items() if call < self._calls - _CALLS_KEPT]:
                self._idle.pop(old, None)
                del self._last_use[old]
            return None

    def _prepare(self, shape: tuple[int, ...]) -> Prepared:
        """An interpreter for (rim, count, height, width, channels)."""
        rim, *batch = shape
        content = self._inside.content if rim and self._inside else self._content
        try:
            with _LAYING_OUT:
                return Prepared(content, tuple(batch))
        except (ValueError, RuntimeError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ModelError(
                f"{self.card.path}: LiteRT cannot run this network on {tuple(batch)} values: {reason}",
                hint="use a .tflite file with one picture in and one picture out, of any size",
            ) from error


def _quantised(batch: Batch, details: dict[str, Any]) -> NDArray[Any]:
    """``batch`` as the network's input tensor wants it: as it is, or in its integers."""
    kind = np.dtype(details["dtype"])
    if kind == np.float32:
        return np.ascontiguousarray(batch)
    step, zero = details["quantization"]
    limits = np.iinfo(kind)
    levels: NDArray[Any] = np.clip(np.rint(batch / np.float32(step)) + zero, limits.min, limits.max).astype(
        kind
    )
    return levels


def _dequantised(answer: NDArray[Any], details: dict[str, Any]) -> Batch:
    if answer.dtype == np.float32:
        return answer
    step, zero = details["quantization"]
    return (answer.astype(np.float32) - np.float32(zero)) * np.float32(step)
