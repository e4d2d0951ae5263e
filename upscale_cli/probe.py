"""Find out what a network does by running it: its scale, how far it sees, whether it answers with a residual.

Used for weights files without a card, and by the exporter, which writes what it measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from upscale_cli.model import ModelCard, inner
from upscale_cli.pixels import Batch

Network = Callable[[Batch], Batch]

_TRIALS = 4
_LARGEST_HALO = 128
_STRIP = 16
"""Width of the strips on which the halo is measured, in pixels."""


def measured(card: ModelCard, network: Network) -> ModelCard:
    """``card`` with the facts that running the network shows. Raises ValueError if it does not enlarge."""
    scale = measure_scale(network, card.channels)
    return replace(
        card,
        scale=scale,
        halo=measure_halo(network, scale, card.channels),
        residual=measure_residual(network, card.channels),
    )


def measure_scale(network: Network, channels: int) -> int:
    """Output pixels per input pixel. Raises ValueError if the network does not enlarge both axes alike."""
    answer = network(np.zeros((1, 16, 16, channels), np.float32))
    scale, rest = divmod(answer.shape[1], 16)
    if answer.shape != (1, 16 * scale, 16 * scale, channels) or rest or scale < 1:
        raise ValueError(f"it turns (1, 16, 16, {channels}) values into {answer.shape}")
    return int(scale)


def measure_halo(network: Network, scale: int, channels: int) -> int | None:
    """How far in input pixels an output pixel can see, along either axis; None = 128 pixels or further.

    One half of a long strip is replaced: what changes in the other half can see across the border.
    """
    reach = max(_reach(network, scale, channels, axis, seed) for axis in (1, 2) for seed in range(_TRIALS))
    return reach if reach < _LARGEST_HALO else None


def _reach(network: Network, scale: int, channels: int, axis: int, seed: int) -> int:
    """How far past the middle of a strip the output changes when the half on the other side is replaced."""
    half = _LARGEST_HALO
    shape = [1, _STRIP, _STRIP, channels]
    shape[axis] = 2 * half
    first, second = np.random.default_rng(seed).random((2, *shape), dtype=np.float32)
    second_half = [slice(None)] * 4
    second_half[axis] = slice(half, None)
    mixed = first.copy()
    mixed[tuple(second_half)] = second[tuple(second_half)]
    answer = network(mixed)
    others = tuple(n for n in range(4) if n != axis)
    # Where the output differs from that of `first`, it sees the second half, and the other way round.
    sees_second = np.flatnonzero((answer != network(first)).any(axis=others)) // scale
    sees_first = np.flatnonzero((answer != network(second)).any(axis=others)) // scale
    return max(
        half - int(sees_second.min()) if sees_second.size else 0,
        int(sees_first.max()) - (half - 1) if sees_first.size else 0,
    )


def measure_residual(network: Network, channels: int) -> bool:
    """Whether a constant picture is answered with about nothing (a residual), not with itself."""
    batch = np.full((1, 32, 32, channels), 0.5, np.float32)
    answer = network(batch)
    middle = inner(answer, answer.shape[1] // 4)
    return bool(abs(float(middle.mean())) < 0.25)
