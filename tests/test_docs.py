"""The README and the pages it links to say the same, and name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from upscale_cli.cli.commands import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def page(name):
    return (ROOT / "docs" / name).read_text("utf-8")


def test_every_command_is_in_the_readme():
    missing = [name for name in COMMANDS if name != "run" and f"`upscale {name}" not in README]
    assert not missing


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


def test_one_liners_are_the_tested_ones():
    (block,) = re.findall(r"## Ten one-liners\n\n```sh\n(.*?)```", page("scripting.md"), re.DOTALL)
    assert block in README


def test_table_of_formats_is_the_page_s():
    (table,) = re.findall(r"(\| Format \| Suffixes.*?)\n\n", page("formats.md"), re.DOTALL)
    assert table in README


def test_two_set_up_commands():
    assert len(re.findall(r"^python3 -m venv ", README, re.MULTILINE)) == 2
