"""``--watch``: go on with new files as they appear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from upscale_cli.batch.watch import settled
from upscale_cli.cli import estimate, output
from upscale_cli.errors import UpscaleError

if TYPE_CHECKING:
    from upscale_cli.batch.events import Failed, Skip
    from upscale_cli.batch.plan import Plan, Planner
    from upscale_cli.batch.sources import Source
    from upscale_cli.cli.report import Report


def run_watch(
    find: Callable[[], Iterable[Source | Skip | Failed]],
    planner: Planner,
    new_report: Callable[[], Report],
    run_plan: Callable[[Plan, Planner, Report], int],
) -> int:
    """Enlarge what is there and what comes, until Ctrl-C; return the exit code.

    A file that cannot be planned, such as one whose target is taken, is reported and does not end the watch.
    """
    try:
        for sources in settled(find):
            try:
                plan = planner.plan(sources)
            except UpscaleError as error:
                output.error(str(error), error.hint)
                continue
            if not plan.jobs and not plan.failed:
                continue
            report = new_report()
            report.plan(plan, estimate.facts(plan, planner))
            if run_plan(plan, planner, report) == 130:
                return 130
    except KeyboardInterrupt:
        pass
    return 130
