"""What a training run is made of, as one value."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

from upscale_cli.errors import UnknownModelError, UsageError
from upscale_cli.zoo import interpolations

OPTIMIZERS = ("muon", "adam")
LOSSES = ("l1", "charbonnier", "l2", "relative")
PRECISIONS = ("float32", "mixed_bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the weights; two runs with equal configs on one machine are the same run."""

    name: str
    channels: int
    """Width of the hidden layers; multiples of 16 fill AVX-512 registers."""
    depth: int
    """Mapping layers between the first and the last convolution."""
    scale: int = 2
    """Enlargement by one pass, a power of two: 2, or 4 for a network that needs no chain."""
    expansion: int = 0
    """Width of training-only expand-and-squeeze branches (they help Adam, not Muon)."""
    steps: int = 60_000
    batch: int = 64
    patch: int = 24
    """Side of a crop in low-resolution pixels: many small ones in a step teach more than few large ones."""
    optimizer: str = "muon"
    """One of `OPTIMIZERS`."""
    rate: float = 8e-3
    """Peak learning rate; falls to ``final_rate`` along a cosine. Adam wants about 1e-3."""
    final_rate: float = 1e-6
    warmup: int = 500
    ema: float = 0.999
    """Decay of the averaged weights, which are the ones validated and saved."""
    loss: str = "l1"
    """One of `LOSSES`; "relative" is squared error over that of its picture, to end a run by "l1" with."""
    teacher: str = ""
    """Name or path of a model whose answers are learnt beside the truth: they lack the detail that nobody
    could guess (Hinton et al., "Distilling the knowledge in a neural network", 2015)."""
    trust: float = 0.8
    """Share of the teacher's answers in the loss, the rest is the truth's."""
    fourier: float = 0.0
    """Weight of the L1 distance of the patches' 2-D Fourier transforms (SAFMN uses 0.05)."""
    hardness: float = 0.5
    """Crops are drawn with probability ∝ (mean error of bicubic there) ** hardness; 0 draws evenly."""
    rescaled: float = 4.0
    """Further views of each photograph, on average, reduced by random factors (:func:`data.reduced`)."""
    mixed: bool = True
    """Extra views take their luma from a random mix of the channels, in place of BT.601's."""
    synthetic: float = 0.0
    """Drawings (text, lines, stripes, shapes) for each photograph."""
    precision: str = "float32"
    """Keras dtype policy, one of `PRECISIONS`: ``mixed_bfloat16`` where the hardware has it."""
    seed: int = 1
    check_every: int = 2_000
    """Steps between validations and checkpoints."""
    second: bool = False
    """Train what runs after a first pass, on that pass's results, in place of the first pass itself."""
    frozen: int = 0
    """Layers, from the first on, that stay as they were at the start: those after them learn in less time."""
    views: dict[str, int] = field(default_factory=dict, compare=False)
    """Flips and turns that the model averages its answers to when it is used, by precision; no part of
    training."""
    back_projection: bool = field(default=False, compare=False)
    """Whether the model is used with back-projection; no part of training."""
    description: str = field(default="", compare=False)


PRESETS = {
    "fsrcnn-s": TrainConfig(
        "fsrcnn-s", 16, 10, steps=60_000, description="small and quick, for folders and large pictures"
    ),
    "fsrcnn-m": TrainConfig(
        "fsrcnn-m", 32, 12, steps=60_000, rate=4e-3, description="the balance of quality and speed"
    ),
    "fsrcnn-l": TrainConfig(
        "fsrcnn-l",
        64,
        20,
        steps=60_000,
        rate=1e-3,  # at 2.5e-3 channels of the deep layers fell silent
        views={"float": 4, "int8": 4, "keras": 4},
        back_projection=True,
        description="the best picture, for those who can wait",
    ),
}

DIRECT_SHAPES = {"fsrcnn-s": (16, 9), "fsrcnn-m": (32, 12), "fsrcnn-l": (64, 20)}
"""Width and mapping layers for 4× in one pass, with at most 25K, 120K and 1.5M parameters in all."""


SECOND_VIEWS = {"fsrcnn-l": {"float": 2, "int8": 4, "keras": 2}}
"""Views of the weights for later passes, which gain less by them, but in int8: they even out its rounding."""


def preset(name: str, scale: int = 2, second: bool = False) -> TrainConfig:
    """Return the recipe of one of the shipped models: for its own weights, for those that make 4x at once, or
    for those of its ``second`` pass.

    Raises:
        UnknownModelError: if there is none of that name.
    """
    if name not in PRESETS:
        raise UnknownModelError(
            f"no recipe named {name}", hint=f"recipes: {', '.join(PRESETS)}; --init starts any other"
        )
    made = PRESETS[name]
    if second:
        made = replace(made, second=True, views=SECOND_VIEWS.get(name, {}))
    if scale == made.scale:
        return made
    channels, depth = DIRECT_SHAPES[name]
    return replace(made, scale=scale, channels=channels, depth=depth)


def check(config: TrainConfig) -> None:
    """Raise UsageError for a run that cannot be carried out as given."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", config.name):
        raise UsageError(
            f"no model can be named {config.name!r}", hint="letters, digits, - and _: its files bear the name"
        )
    if config.name in (card.name for card in interpolations()):
        raise UsageError(f"{config.name} is an interpolation's name", hint="give another name")
    for option, value, known in (
        ("--optimizer", config.optimizer, OPTIMIZERS),
        ("--loss", config.loss, LOSSES),
        ("--precision", config.precision, PRECISIONS),
    ):
        if value not in known:
            raise UsageError(f"{option} {value!r} is not known", hint=f"use {' or '.join(known)}")
    if not 0 < config.rate < math.inf:
        raise UsageError(f"--rate {config.rate:g} teaches nothing", hint="a number above 0, about 4e-3")
    if not 0 <= config.seed < 2**32:
        raise UsageError(f"--seed {config.seed} is out of range", hint="0 or more, below 2**32")
    if config.scale not in (2, 4):
        raise UsageError(f"no network enlarges by {config.scale} in one pass", hint="--scale 2, or 4")
    if config.second and config.scale != 2:
        raise UsageError("a chain's passes enlarge by 2", hint="leave out --scale or --second")
    if config.frozen >= config.depth + 2:
        raise UsageError(
            f"all {config.depth + 2} layers of {config.name} would be frozen", hint="a smaller --frozen"
        )
    if config.second and config.teacher:
        raise UsageError(
            "a teacher knows pictures that were shrunk, not what a first pass makes",
            hint="leave out --teacher or --second",
        )
