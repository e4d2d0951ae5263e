"""Native chatter is kept away, and stderr is back afterwards."""

from __future__ import annotations

import os

import pytest

from upscale_cli.quiet import silenced


def test_only_the_block_is_silent(capfd):
    os.write(2, b"before ")
    with silenced():
        os.write(2, b"native")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_stderr_is_back_after_an_error(capfd):
    with pytest.raises(KeyError), silenced():
        raise KeyError
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
