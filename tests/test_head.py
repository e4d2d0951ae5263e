"""The head of a file, changed on its way."""

import io

import pytest

from upscale_cli.image_io.head import HeadEditor


def doubled(head):
    return head[:4] * 2 + head[4:] if len(head) >= 4 else None


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
def test_the_head_is_changed_whatever_the_size_of_the_pieces(size):
    data, out = b"0123456789abcdef", io.BytesIO()
    editor = HeadEditor(out, doubled)
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        assert editor(piece) == len(piece)
    assert out.getvalue() == b"0123" + data


def test_an_error_is_told_as_libvips_wants_it_and_kept():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    editor = HeadEditor(Full(), doubled)
    assert editor(b"01234567") == -1
    assert editor.error.errno == 28
