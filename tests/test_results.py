"""Tables on terminals of any width."""

import pytest
from rich.console import Console

from upscale_cli.cli import results

COLUMNS = ["Model", "Kind", "Params>", "PSNR 2x>"]
ROWS = [
    [["fsrcnn-s *", "float", "23,940", "37.51 33.05 31.80"]],
    [["photographs/of-a-long-name.png", "", "-", ""]],
]


@pytest.mark.parametrize("width", [200, 80, 40, 10])
def test_no_number_and_no_mark_is_lost(width, monkeypatch, capfd):
    monkeypatch.setattr(
        results, "console", lambda stderr: Console(force_terminal=True, width=width, color_system=None)
    )
    results.print_table(COLUMNS, ROWS)
    words = capfd.readouterr().out.split()
    assert {"fsrcnn-s", "*", "float", "23,940", "37.51", "33.05", "31.80", "Model", "Params"} <= set(words)


def test_a_pipe_has_whole_lines(capfd):
    results.print_table(COLUMNS, ROWS)
    assert "photographs/of-a-long-name.png" in capfd.readouterr().out
