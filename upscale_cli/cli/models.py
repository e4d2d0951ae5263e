"""``upscale models``: the models that there are, and their cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from upscale_cli.cli.options import option
from upscale_cli.cli.results import PANEL, Row, print_json, print_table

if TYPE_CHECKING:
    from upscale_cli.model import ModelCard


def command(
    json: Annotated[
        bool, option(PANEL, "--json", help="Everything that is known, as one JSON object.")
    ] = False,
) -> None:
    """List the models: size, cost, and PSNR on test sets at 2x and 4x; * marks what is used by default."""
    from upscale_cli.zoo import find, interpolations, models

    cards = models()
    default = find(precision="") if cards else None
    if json:
        chosen = {
            "default": default.name if default else "",
            "precision": default.precision if default else "",
        }
        print_json({**chosen, "models": [_facts(card) for card in (*cards, *interpolations())]})
        return
    sets = list(dict.fromkeys(name for card in cards for name in _sets(card)))
    columns = ["Model", "Kind", "Params>", "MACs/px 2x>", "4x>", "Halo>"]
    columns += [f"PSNR {scale}x>" for scale in (2, 4) if sets]
    rows = [[_row(card, precision, default, sets) for precision in _precisions(card)] for card in cards]
    plain = [(card.name, "", *"----", *("" for _ in columns[6:])) for card in interpolations()]
    print_table(columns, [*rows, plain], title=f"PSNR in dB on {', '.join(sets)}" if sets else "")


def _row(card: ModelCard, precision: str, default: ModelCard | None, sets: list[str]) -> Row:
    chosen = default and (card.name, precision) == (default.name, default.precision)
    name = f"{card.name} *" if chosen else card.name
    halo = "all" if card.halo is None else str(card.halo)
    scores = card.scores.get(precision, {})
    decibels = [_decibels(scores.get(str(scale), {}), sets) for scale in (2, 4) if sets]
    costs = (f"{cost:,}" for cost in _costs(card, precision))
    return name, precision, f"{card.parameters:,}", *costs, halo, *decibels


def _costs(card: ModelCard, precision: str) -> tuple[int, int]:
    """MACs per input pixel, all views together, at 2x and at 4x; at 4x those of two passes, of the weights
    for both in one, or of the only pass of a model for 4x.
    """
    from upscale_cli.zoo import direct, second

    def work(one: ModelCard) -> int:
        return one.views(precision) * one.macs_per_pixel

    if card.scale >= 4:
        return work(card), work(card)
    if both := direct(card):
        return work(card), work(both)
    return work(card), work(card) + card.scale**2 * work(second(card) or card)


def _decibels(scores: dict[str, dict[str, float]], sets: list[str]) -> str:
    return " ".join(f"{scores[name]['psnr']:.2f}" if name in scores else "-" for name in sets)


def _sets(card: ModelCard) -> list[str]:
    """Names of the test sets that the card has scores on: scores[precision][scale][set]."""
    return [name for scales in card.scores.values() for sets in scales.values() for name in sets]


def _precisions(card: ModelCard) -> list[str]:
    return [precision for precision in ("float", "int8") if precision in card.files]


def _facts(card: ModelCard) -> dict[str, Any]:
    names = ("name", "scale", "channels", "halo", "residual", "parameters", "macs_per_pixel", "description")
    facts = {name: getattr(card, name) for name in names}
    if card.kernel:
        return facts
    return facts | {
        "precisions": _precisions(card),
        "files": card.files,
        "training": card.training,
        "scores": card.scores,
        "second": card.second,
        "direct": card.direct,
        "back_projection": card.back_projection,
    }
