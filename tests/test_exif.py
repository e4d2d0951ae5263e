"""EXIF blocks against Pillow's reading and writing of them; their directories with them."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from upscale_cli.image_io import exif, ifd
from upscale_cli.image_io.ifd import Entry, Layout

BASE, PHOTO, GPS = ExifTags.Base, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo


def block(orientation=6, thumbnail=False):
    """As a camera writes it: main, photo and GPS directories."""
    tags = Image.Exif()
    tags[BASE.Orientation] = orientation
    tags[BASE.Make] = "Maker"
    tags[BASE.XResolution] = 300.0
    tags[BASE.YResolution] = 150.0
    tags[BASE.ResolutionUnit] = 2
    tags.get_ifd(PHOTO).update(
        {BASE.DateTimeOriginal: "2024:05:06 07:08:09", BASE.ExifImageWidth: 40, BASE.ExifImageHeight: 30,
         BASE.ExposureTime: 0.005, BASE.MakerNote: b"\x01\x02secret", BASE.UserComment: b"ASCII\0\0\0hello"}
    )  # fmt: skip
    tags.get_ifd(GPS).update({1: "N", 2: (50.0, 3.0, 21.5)})
    return tags.tobytes()[6:]


def reread(data):
    tags = Image.Exif()
    tags.load(b"Exif\0\0" + data)
    return dict(tags), dict(tags.get_ifd(PHOTO)), dict(tags.get_ifd(GPS))


def test_everything_survives_in_either_byte_order():
    parsed = exif.parse(block())
    assert parsed.orientation == 6
    main, photo, gps = reread(block())
    for order in "<>":
        data = exif.pack(exif.in_layout(parsed, Layout(order, big=False)))
        assert data[:2] == (b"II" if order == "<" else b"MM")
        got = reread(data)
        pointers = {PHOTO, GPS}
        assert {k: v for k, v in got[0].items() if k not in pointers} == {
            k: v for k, v in main.items() if k not in pointers
        }
        assert got[1:] == (photo, gps)


def test_bigtiff_layout_round_trips():
    parsed = exif.parse(block())
    big = exif.in_layout(parsed, Layout(">", big=True))
    main, children = exif.pack_children(big, 16)
    data = b"MM\0+\0\x08\0\0" + (16 + len(children)).to_bytes(8, "big") + children
    data += ifd.pack(main, big.layout, 16 + len(children))
    again = exif.parse(data)
    assert exif.in_layout(again, Layout("<", big=False)) == exif.in_layout(parsed, Layout("<", big=False))


def test_corrected_for_the_new_size():
    parsed = exif.parse(block())
    parsed.main[0x0100] = parsed.main[0x0101] = ifd.entry(4, [7], parsed.layout.order)
    parsed.interop[1] = Entry(2, b"R98\0")
    data = exif.pack(exif.corrected(parsed, 120, 160))
    main, photo, _ = reread(data)
    assert main[BASE.Orientation] == 1
    assert (main[BASE.ImageWidth], main[BASE.ImageLength]) == (120, 160)
    assert exif.parse(data).interop == parsed.interop
    assert (photo[BASE.ExifImageWidth], photo[BASE.ExifImageHeight]) == (120, 160)
    assert photo[BASE.DateTimeOriginal] == "2024:05:06 07:08:09"


@pytest.mark.parametrize(
    ("orientation", "size", "kept"), [(1, (40, 30), True), (1, (80, 60), False), (3, (40, 30), False)]
)
def test_what_counts_pixels_of_another_picture_is_left_out(orientation, size, kept):
    parsed = exif.parse(block(orientation))
    places = {0x9214: [20, 15, 5, 5], 0xA214: [20, 15], 0xA210: [2]}
    parsed.exif.update({tag: ifd.entry(3, numbers, parsed.layout.order) for tag, numbers in places.items()})
    parsed.exif.update({0xA20E: Entry(5, bytes(8)), 0xA20F: Entry(5, bytes(8))})
    left = exif.corrected(parsed, *size).exif
    assert parsed.exif.keys() - left.keys() == (set() if kept else {*places, 0xA20E, 0xA20F})


def test_resolution():
    parsed = exif.parse(block(6))
    assert exif.resolution(parsed) == pytest.approx((300 / 25.4, 150 / 25.4))
    for orientation in range(1, 9):
        stated = exif.resolution(exif.corrected(exif.parse(block(orientation)), 5, 5))
        assert stated == exif.resolution(parsed)[:: -1 if orientation >= 5 else 1]
    parsed.main[0x0128] = ifd.entry(3, [3], parsed.layout.order)
    assert exif.resolution(parsed) == pytest.approx((30, 15))
    parsed.main[0x011B] = Entry(5, bytes(8))
    assert exif.resolution(parsed) is None


def test_a_resolution_is_put_where_none_or_another_is_stated():
    parsed = exif.parse(block(6))
    assert exif.with_resolution(parsed, (300 / 25.4, 150 / 25.4), "cm") is parsed
    for unit, code in (("in", 2), ("cm", 3)):
        stated = exif.with_resolution(parsed, (20.0, 1e9), unit)
        assert exif.resolution(stated)[0] == pytest.approx(20)
        assert stated.main[0x0128].numbers(parsed.layout.order) == (code,)
    assert exif.resolution(parsed) == pytest.approx((300 / 25.4, 150 / 25.4))


def test_nothing_is_invented():
    tags = Image.Exif()
    tags[BASE.Make] = "Maker"
    parsed = exif.corrected(exif.parse(tags.tobytes()[6:]), 5, 5)
    assert set(parsed.main) == {BASE.Make}
    assert not parsed.exif


def test_the_thumbnail_is_dropped():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    thumbnail = file.getvalue()
    data = bytearray(block())
    order = "<" if data[:2] == b"II" else ">"
    where = ifd.layout(data)
    first = int.from_bytes(data[4:8], "little" if order == "<" else "big")
    link = ifd.end(data, where, first)
    at = len(data)
    second = {0x0201: ifd.entry(4, [at + 100], order), 0x0202: ifd.entry(4, [len(thumbnail)], order)}
    data[link : link + 4] = at.to_bytes(4, "little" if order == "<" else "big")
    data += ifd.pack(second, where, at).ljust(100, b"\0") + thumbnail
    assert thumbnail not in exif.pack(exif.parse(bytes(data)))


def test_descriptive_leaves_out_how_pixels_are_stored():
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "TIFF", tiffinfo={BASE.Artist: "Me", BASE.Copyright: "Mine"})
    parsed = exif.descriptive(exif.parse(file.getvalue()))
    assert set(parsed.main) == {BASE.Artist, BASE.Copyright}


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\x7f", b"JUNK" * 9])
def test_nonsense(data):
    with pytest.raises(ValueError):
        exif.parse(data)


def test_damage_anywhere_gives_a_block_or_a_value_error():
    data, rng = block(), np.random.default_rng(0)
    for _ in range(2000):
        hurt = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            hurt[at] = rng.integers(0, 256)
        try:
            exif.pack(exif.corrected(exif.parse(bytes(hurt)), 5, 6))
        except ValueError:
            continue


def test_entries():
    entry = ifd.entry(3, [1, 2, 70], "<")
    assert entry == Entry(3, b"\1\0\2\0\x46\0")
    assert entry.count == 3
    assert entry.swapped().numbers(">") == (1, 2, 70)
    assert Entry(7, b"\1\2\3").swapped() == Entry(7, b"\1\2\3")


def with_note(gap=0):
    """A block with a note as Canon writes it, whose places count from the block's own beginning."""
    data = block()
    parsed = exif.parse(data)
    at = len(data) + len(data) % 2 + gap
    words = [b"Canon EOS 5D Mark III\0", b"Firmware Version 1.2.3\0"]
    table = {6 + k: Entry(2, word) for k, word in enumerate(words)}
    note = Entry(7, ifd.pack(table, Layout(parsed.layout.order, big=False), at), at)
    return exif.Exif(parsed.layout, parsed.main, {**parsed.exif, 0x927C: note}, parsed.gps), words


def words_of(data):
    """What the note in a block points to."""
    parsed = exif.parse(data)
    note = parsed.exif[0x927C]
    return [entry.value for entry in ifd.read(data, parsed.layout, note.at)[0].values()]


@pytest.mark.parametrize("gap", [0, 2, 400])
def test_a_makers_note_stays_where_it_lay(gap):
    noted, words = with_note(gap)
    data = exif.pack(noted)
    assert words_of(data) == words
    assert exif.parse(data) == noted
    grown = exif.parse(data)
    grown.main[BASE.ImageDescription] = Entry(2, b"x" * 600 + b"\0")  # no room before it any more
    assert words_of(exif.pack(grown)) == words
    assert exif.parse(exif.pack(grown)) == grown


def test_a_makers_note_too_far_away_costs_no_room():
    noted, _ = with_note(gap=70_000)
    data = exif.pack(noted)
    assert len(data) < 1000
    assert exif.parse(data) == noted
