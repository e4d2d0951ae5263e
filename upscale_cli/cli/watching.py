"""``--watch``: go on with new files as they appear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from upscale_cli.batch.events import Failed
from upscale_cli.batch.watch import settled
from upscale_cli.cli import estimate
from upscale_cli.errors import MissingInputError

if TYPE_CHECKING:
    from upscale_cli.batch.events import Skip
    from upscale_cli.batch.plan import Plan, Planner
    from upscale_cli.batch.sources import Source
    from upscale_cli.cli.report import Report


def refuse_missing(sources: Iterable[Source | Skip | Failed]) -> None:
    """Raise the error of an input that is not there: what was misspelt would be waited for in vain."""
    for source in sources:
        if isinstance(source, Failed) and isinstance(source.error, MissingInputError):
            raise source.error


def run_watch(
    find: Callable[[], Iterable[Source | Skip | Failed]],
    planner: Planner,
    new_report: Callable[[], Report],
    run_plan: Callable[[Plan, Planner, Report], int],
) -> int:
    """Enlarge what is there and what comes, until Ctrl-C; return the exit code.

    The ``planner`` is lenient: a file whose target is taken is reported and does not end the watch.
    """
    try:
        for sources in settled(find):
            plan = planner.plan(sources)
            if not plan.jobs and not plan.failed:
                continue
            report = new_report()
            report.plan(plan, estimate.facts(plan, planner))
            if run_plan(plan, planner, report) == 130:
                return 130
    except KeyboardInterrupt:
        pass
    return 130
