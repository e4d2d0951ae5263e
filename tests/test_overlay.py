"""A file with a few other bytes in it, read in pieces of any size."""

import pytest

from upscale_cli.image_io.overlay import Overlay

DATA = bytes(range(100, 130))
CHANGES = {0: b"ab", 7: b"xyz", 29: b"!"}
CHANGED = b"ab" + DATA[2:7] + b"xyz" + DATA[10:29] + b"!"


@pytest.mark.parametrize("size", [1, 2, 3, 8, 100])
def test_changes_show_however_it_is_read(size):
    overlay, pieces = Overlay(DATA, CHANGES), []
    while piece := overlay.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    assert b"".join(pieces) == CHANGED
    assert overlay.read(size) is None


def test_places_are_found_from_the_beginning_from_here_and_from_the_end():
    overlay = Overlay(DATA, CHANGES)
    assert overlay.seek(8, 0) == 8
    assert overlay.read(3) == CHANGED[8:11]
    assert overlay.seek(-4, 1) == 7
    assert overlay.read(2) == b"xy"
    assert overlay.seek(-1, 2) == 29
    assert overlay.read(9) == b"!"
