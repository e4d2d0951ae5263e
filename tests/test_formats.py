"""Formats: told by content, asked for by name, refused where they are too small."""

from pathlib import Path

import pytest

from upscale_cli.errors import TooLargeError, UsageError
from upscale_cli.image_io.formats import FORMATS, check_target, foreign, format_for, sniff

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
HEADS = {
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(60),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(56),
    "webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "tiff": b"MM\0*\0\0\0\x08",
    "avif": b"\0\0\0 ftypmif1\0\0\0\0mif1avifmiaf",
    "gif": b"GIF89a" + bytes(20),
    "bmp": b"BM" + bytes(24),
    "pnm": b"P6\n3 4\n255\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_told_by_content(name):
    assert sniff(HEADS[name]) == name
    assert sniff(HEADS[name][:1]) == ""


def test_both_kinds_of_tiff_in_both_byte_orders():
    for head in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        assert sniff(head) == "tiff"


@pytest.mark.parametrize("head", [b"", b"BM", b"BMW is a car, not a bitmap at all, is it?", b"P9\n1"])
def test_no_picture(head):
    assert sniff(head) == ""


def test_formats_that_are_known_by_name_only():
    assert foreign(b"\0\0\0\x18ftypheic" + bytes(20)) == "a HEIC picture"
    assert foreign(b"\0\0\0,ftypavis\0\0\0\0avifavis") == "an animated AVIF"
    assert sniff(b"\0\0\0,ftypavis\0\0\0\0avifavis") == ""
    assert foreign(b"\xff\x0a" + bytes(20)) == "a JPEG XL picture"
    assert foreign(b"hello") == ""


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("a/b.JPG", "jpeg"),
        (Path("x.tar.tif"), "tiff"),
        (".webp", "webp"),
        ("jfif", "jpeg"),
        ("JPEG", "jpeg"),
        ("ppm", "pnm"),
    ],
)
def test_asked_for(asked, name):
    assert format_for(asked).name == name


@pytest.mark.parametrize("asked", ["x.psd", "", ".", "noend", ".heic"])
def test_asked_for_in_vain(asked):
    with pytest.raises(UsageError) as info:
        format_for(asked)
    assert ".jpg" in info.value.hint


@pytest.mark.parametrize(
    ("name", "most"), [("jpeg", 65_500), ("webp", 16_383), ("avif", 16_384), ("gif", 65_535)]
)
def test_limits(name, most):
    check_target(FORMATS[name], most, 1)
    with pytest.raises(TooLargeError, match=f"x.jpg: .*1x{most + 1}.*{most}") as info:
        check_target(FORMATS[name], 1, most + 1, source="x.jpg")
    assert "PNG or TIFF" in info.value.hint


def test_frames_and_pages():
    for name in ("gif", "webp", "png", "tiff"):
        check_target(FORMATS[name], 10, 10, frames=2)
    check_target(FORMATS["tiff"], 10, 10, frames=2, pages=True)
    with pytest.raises(UsageError, match="2 frames, which JPEG"):
        check_target(FORMATS["jpeg"], 10, 10, frames=2)
    with pytest.raises(UsageError, match="3 pages, which GIF"):
        check_target(FORMATS["gif"], 10, 10, frames=3, pages=True)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_the_page_on_formats_tells_the_same(fmt):
    (row,) = [
        line
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith(f"| {fmt.title}") and "`." in line
    ]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert tuple(cells[1].replace("`", "").split()) == fmt.suffixes
    assert cells[2] == f"{fmt.max_side:,}"
    facts = (fmt.alpha, fmt.deep, fmt.frames, fmt.profile, fmt.exif, fmt.xmp, fmt.iptc, fmt.text)
    assert tuple(bool(cell) for cell in cells[3:11]) == facts
    assert (cells[11] == "✓") == fmt.resolution
