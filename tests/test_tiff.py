"""TIFF structures against tifffile and Pillow."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from tests.conftest import draw
from tests.test_exif import block
from upscale_cli.image_io import exif, ifd, libvips, open_picture, tiff, write_picture


def link_to(data, page):
    """Where the pointer to the directory of the second page or a later one lies."""
    return ifd.end(data, ifd.layout(data), tiff.full_pages(data, page)[page - 1])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("unassalpha", tiff.STRAIGHT), ("assocalpha", tiff.PREMULTIPLIED), ("unspecified", tiff.UNSPECIFIED)],
)
def test_kinds_of_extra_channels_on_any_page(order, big, kind, expected):
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder=order, bigtiff=big) as writer:
        writer.write(draw(5, 6, 3), photometric="rgb")
        writer.write(draw(5, 6, 4), photometric="rgb", extrasamples=[kind])
    data = file.getvalue()
    assert tiff.page(data).extra == ()
    first, second, none = tiff.full_pages(data, 3)
    assert tiff.page(data, first).extra == ()
    assert tiff.page(data, second).extra == (expected,)
    assert tiff.page(data, none).extra == ()
    assert tiff.page(data[:50]).extra == ()


@pytest.mark.parametrize("big", [False, True])
def test_exif_is_added_to_a_finished_file(tmp_path, big):
    path, picture = tmp_path / "x.tif", draw(40, 50)
    libvips.image_of(picture).tiffsave(str(path), bigtiff=big, compression="deflate", predictor="horizontal")
    tiff.add_tags(path, exif.parse(block()))
    np.testing.assert_array_equal(tifffile.imread(path), picture)
    tags = Image.open(io.BytesIO(path.read_bytes())).getexif()
    assert tags[ExifTags.Base.Make] == "Maker"
    assert tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert tags.get_ifd(ExifTags.IFD.GPSInfo)[2] == (50.0, 3.0, 21.5)
    assert tags[ExifTags.Base.Orientation] == 1
    again = exif.descriptive(exif.parse(path.read_bytes()))
    assert again.exif == exif.in_layout(exif.parse(block()), ifd.layout(path.read_bytes())).exif


@pytest.mark.parametrize("big", [False, True])
def test_pages_of_different_sizes_and_kinds(tmp_path, big):
    pages = [draw(40, 50), draw(33, 20, 1), draw(300, 200, 4, np.uint16)]
    path, single, link = tmp_path / "x.tif", tmp_path / "y.tif", 0
    for page in pages:
        target = single if path.exists() else path
        libvips.image_of(page).tiffsave(str(target), bigtiff=big, compression="deflate")
        if target is single:
            link = tiff.append_page(path, single, link)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 3
        for stored, page in zip(file.pages, pages, strict=True):
            np.testing.assert_array_equal(stored.asarray(), page.squeeze())


def test_exif_is_added_to_any_page(tmp_path):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, [draw(4, 5), draw(4, 5, seed=1), draw(4, 5, seed=2)], photometric="rgb")
    for page in (1, 2):
        tiff.add_tags(path, exif.parse(block()), link_to(path.read_bytes(), page))
    data = path.read_bytes()
    assert [bool(exif.parse(data, at).gps) for at in tiff.full_pages(data, 3)] == [False, True, True]
    np.testing.assert_array_equal(tifffile.imread(path, key=2), draw(4, 5, seed=2))


RAW = {
    "dng": {"extratags": [(50706, 1, 4, (1, 4, 0, 0), True)]},
    "nef": {"subfiletype": 1, "subifds": 1},
}


@pytest.mark.parametrize("kind", [*RAW, "cr2"])
def test_raw_files_are_known(kind):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(draw(16, 24), photometric="rgb", **RAW.get(kind, {}))
        writer.write(draw(128, 192, 1, np.uint16).squeeze(), photometric=32803, subfiletype=0, metadata=None)
    data = bytearray(file.getvalue())
    if kind == "cr2":
        data[4:12] = b"\x10\0\0\0CR\x02\0"
    assert tiff.is_raw(data)


def test_pixels_behind_the_header_are_no_mark_of_raw_files():
    picture = draw(16, 24)
    picture[0, 0] = 67, 82, 2  # "CR"
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(picture, photometric="rgb", metadata=None)
    data = file.getvalue()
    body, directory = picture.tobytes(), len(picture.tobytes()) + 8
    where = ifd.layout(data)
    tags, _ = ifd.read(data, where, int.from_bytes(data[4:8], "little"))
    tags[0x0111] = ifd.entry(4, [8], "<")
    moved = b"II*\0" + directory.to_bytes(4, "little") + body + ifd.pack(tags, where, directory)
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(moved)), picture)
    assert not tiff.is_raw(moved)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\x7f",
        struct.pack("<2sHHHQ", b"II", 43, 8, 0, 2**64 - 8) + bytes(200),
    ],
)
def test_nonsense_is_no_raw_file(data):
    assert not tiff.is_raw(data)
    assert tiff.full_pages(data, 2)[1] == 0


@pytest.mark.parametrize(
    ("kinds", "sides", "full"),
    [
        ((0, 1, 2, 3), (16, 8, 16, 8), (0, 2)),
        ((0, 1, 1, 0), (16, 8, 4, 4), (0, 3)),
        ((1, 1, 1), (16, 8, 16), (0, 1, 2)),  # copies of what?
        ((0, 1, 1), (16, 16, 32), (0, 1, 2)),  # not reduced
    ],
)
def test_reduced_copies_are_no_pages(kinds, sides, full):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for kind, side in zip(kinds, sides, strict=True):
            writer.write(draw(side, side), photometric="rgb", subfiletype=kind)
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as stored:
        places = [page.offset for page in stored.pages]
    assert tiff.full_pages(file.getvalue(), len(kinds)) == tuple(places[page] for page in full)


def test_the_chain_of_pages_is_walked_once(tmp_path, monkeypatch):
    walks, walk = [], tiff._walk
    monkeypatch.setattr(tiff, "_walk", lambda *about: walks.append(about) or walk(*about))
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        for seed in range(9):
            writer.write(draw(4, 5, seed=seed), photometric="rgb")
    like = open_picture(tmp_path / "x.tif")
    write_picture(tmp_path / "y.tif", like.each_frame(), like=like)
    assert len(walks) == 1
    np.testing.assert_array_equal(open_picture(tmp_path / "y.tif").pixels(8), draw(4, 5, seed=8))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
def test_a_page_alone_is_all_that_libvips_sees(order, big):
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder=order, bigtiff=big) as writer:
        for seed in range(3):
            writer.write(draw(4, 5, seed=seed), photometric="rgb")
    data = bytearray(file.getvalue())
    for place, changed in tiff.alone(data, tiff.full_pages(data, 3)[1]).items():
        data[place : place + len(changed)] = changed
    image = libvips.load("tiffload", bytes(data))
    assert image.get_n_pages() == 1
    np.testing.assert_array_equal(image.numpy(), draw(4, 5, seed=1))


def test_files_of_different_layouts_do_not_mix(tmp_path):
    path, single = tmp_path / "x.tif", tmp_path / "y.tif"
    libvips.image_of(draw(4, 5)).tiffsave(str(path))
    libvips.image_of(draw(4, 5)).tiffsave(str(single), bigtiff=True)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="layouts"):
        tiff.append_page(path, single)
    assert path.read_bytes() == before
