"""The report for a person at a terminal: one bar for the whole run, a table at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from upscale_cli.batch.events import DiskFull, Event, Failed, Progress, Skip, Start
from upscale_cli.cli import output
from upscale_cli.cli.report import LineReport, summed_up

if TYPE_CHECKING:
    from upscale_cli.batch.plan import Plan
    from upscale_cli.batch.sources import Source

_NAME = 24
_FORMAT = "{desc}{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} {rate_fmt}, {remaining} left{postfix}"


class BarReport(LineReport):
    """Progress by pixels over all pictures, with the name of the one begun last."""

    def looking(self, sources: list[Source | Skip | Failed]) -> Iterable[Source | Skip | Failed]:
        """Show how many of many files have been looked at."""
        form = "looking at {n_fmt} of {total_fmt} files"
        bar: Iterable[Source | Skip | Failed] = self._new_bar(
            iterable=sources, total=len(sources), delay=1, bar_format=form
        )
        return bar

    def plan(self, plan: Plan, facts: dict[str, Any]) -> None:
        """Open the bar."""
        self._seen: dict[str, int] = {}
        total = sum(job.pixels for job in plan.jobs)
        self._bar = self._new_bar(total=total, delay=0.3, unit="px", unit_scale=True, bar_format=_FORMAT)
        super().plan(plan, facts)

    def _new_bar(self, **more: Any) -> Any:
        from tqdm import tqdm

        columns = os.get_terminal_size(sys.stderr.fileno()).columns  # 0 where nobody has set a size
        place = {"dynamic_ncols": True} if columns else {"ncols": 80, "nrows": 24}
        return tqdm(leave=False, smoothing=0.05, **place, **more)

    def event(self, event: Event) -> None:
        """Move the bar."""
        super().event(event)
        if isinstance(event, DiskFull) or event.job is None:
            return
        job = event.job
        if isinstance(event, Start):
            name = output.shown(PurePath(job.source).name)
            name = name if len(name) <= _NAME else f"{name[: _NAME - 9]}…{name[-8:]}"
            self._bar.set_description_str(f"{name} ", refresh=False)
        elif isinstance(event, Progress):
            self._seen[job.target] = self._seen.get(job.target, 0) + event.pixels
            self._bar.update(event.pixels)
        else:
            self._bar.update(job.pixels - self._seen.pop(job.target, 0))
        if self.failed:
            self._bar.set_postfix_str(f"{len(self.failed)} failed", refresh=False)

    def line(self, text: str) -> None:
        """Print above the bar; of several pictures only when asked for."""
        if self.verbose or self.total == 1 or text.startswith("warning: "):
            self._bar.clear()
            output.note(text)

    def finish(self) -> None:
        """Take the bar away, print the totals."""
        self._bar.close()
        super().finish()

    def summary(self) -> None:
        """Print the totals as a table."""
        from rich.table import Table

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold")
        table.add_column(justify="right")
        made = f"{output.amount(self.pixels, 'px')} -> {output.amount(self.result_pixels, 'px')}"
        table.add_row(
            "done", str(self.done), f"{made}, {output.amount(self.bytes, 'B')}" if self.done else ""
        )
        if self.skipped:
            table.add_row("skipped", str(sum(self.skipped.values())), summed_up(self.skipped))
        if self.failed:
            table.add_row("failed", str(len(self.failed)))
        rate = f"{output.amount(self.result_pixels / self.seconds, 'px')}/s" if self.done else ""
        table.add_row("time", output.seconds(self.seconds), rate)
        output.console().print(table)
