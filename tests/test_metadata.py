"""What a picture says about itself, from every format to every format; Pillow is the witness."""

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, IptcImagePlugin, PngImagePlugin

from tests.conftest import draw
from tests.test_exif import block, reread, with_note, words_of
from tests.test_iptc import RECORDS
from tests.test_png import GAMMA, WIDE, encoded
from tests.test_tiff import link_to
from upscale_cli.image_io import exif, iptc, jpeg, metadata, open_picture, tiff
from upscale_cli.image_io.encode import SaveOptions, encode_picture, write_picture
from upscale_cli.image_io.formats import FORMATS
from upscale_cli.image_io.ifd import Entry
from upscale_cli.image_io.metadata import Metadata
from upscale_cli.image_io.png import PngFacts, chunk

BASE, PHOTO, GPS = ExifTags.Base, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6" dc:title="hello"/></x:xmpmeta>'


def grey_profile():
    """The least ICC profile for grey, of gamma 1.8 (ICC.1:2001, 6.3.3)."""
    white = struct.pack(">3i", 63190, 65536, 54061)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"Grey\0" + bytes(78) + bytes(1),
        b"wtpt": b"XYZ " + bytes(4) + white,
        b"cprt": b"text" + bytes(4) + b"none",
        b"kTRC": b"curv" + bytes(4) + struct.pack(">IHH", 1, int(1.8 * 256), 0),
    }
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = b"lcms" + struct.pack(">I", 0x02400000) + b"mntrGRAYXYZ " + struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    head = (struct.pack(">I", at + len(body)) + head + b"acsp").ljust(68, b"\0") + white
    return head.ljust(128, b"\0") + table + body


def linear_profile():
    """sRGB's profile, but for its curves, which are straight (ICC.1:2022, 10.18)."""
    curve = SRGB.index(b"para")
    return SRGB[:curve] + b"curv" + bytes(8) + SRGB[curve + 12 :]


def raw_profile(title, content):
    """Text of a PNG with a block of metadata, as ImageMagick writes it."""
    words = f"\n{title}\n{len(content):8}\n{content.hex()}\n".encode()
    return chunk(b"zTXt", b"Raw profile type " + title.encode() + b"\0\0" + zlib.compress(words))


CARRIERS = ["jpeg", "png", "webp", "tiff", "avif"]


def carrier(fmt):
    """A picture of 30x20 stored pixels, to be turned by orientation 6, with all that `fmt` can carry."""
    picture, file = Image.fromarray(draw(20, 30)), io.BytesIO()
    picture.save(file, "JPEG", exif=b"Exif\0\0" + block(6), icc_profile=SRGB, dpi=(300, 150), xmp=XMP)
    data = file.getvalue()
    content = iptc.wrapped(RECORDS)
    data = data[:2] + b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content + data[2:]
    like = open_picture(data)
    if fmt == "jpeg":
        return like
    stored = like.pixels()
    return open_picture(encode_picture([stored], fmt=FORMATS[fmt], like=like)[0])


@pytest.fixture(scope="module", params=CARRIERS)
def source(request):
    return carrier(request.param)


def written(source, fmt, tmp_path, **options):
    doubled = np.repeat(np.repeat(source.pixels(), 2, 0), 2, 1)
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    warnings = write_picture(target, [doubled], like=source, options=SaveOptions(**options))
    lost = source.metadata.iptc and not FORMATS[fmt].iptc and not options.get("strip")
    assert warnings == [f"<bytes>: {FORMATS[fmt].title} has no IPTC: left out"] * bool(lost)
    picture = Image.open(io.BytesIO(target.read_bytes()))
    assert picture.size == (40, 60)
    return picture, open_picture(target)


@pytest.mark.parametrize("fmt", CARRIERS)
def test_exif_goes_everywhere_and_is_corrected(source, fmt, tmp_path):
    picture, again = written(source, fmt, tmp_path)
    tags = picture.getexif()
    photo = tags.get_ifd(PHOTO)
    assert tags[BASE.Make] == "Maker"
    assert tags.get(BASE.Orientation, 1) == 1
    assert again.orientation == 1
    assert photo[BASE.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert (photo[BASE.ExifImageWidth], photo[BASE.ExifImageHeight]) == (40, 60)
    assert photo[BASE.ExposureTime] == pytest.approx(0.005)
    assert photo[BASE.MakerNote] == b"\x01\x02secret"
    assert tags.get_ifd(GPS)[2] == (50.0, 3.0, 21.5)
    assert not tags.get_ifd(ExifTags.IFD.IFD1)


@pytest.mark.parametrize("fmt", CARRIERS)
def test_profile_and_xmp_go_everywhere(source, fmt, tmp_path):
    picture, again = written(source, fmt, tmp_path)
    assert picture.info["icc_profile"] == SRGB
    assert fmt == "tiff" or b"hello" in picture.info["xmp"]
    assert again.metadata.profile == SRGB
    assert again.metadata.xmp.strip(b"\0 \n") == XMP.replace(b'Orientation="6"', b'Orientation="1"')


def test_iptc_goes_between_jpeg_png_and_tiff(tmp_path):
    for name in ("jpeg", "png", "tiff"):
        source = carrier(name)
        assert source.metadata.iptc == RECORDS
        for fmt in ("jpeg", "png", "tiff"):
            picture, again = written(source, fmt, tmp_path)
            assert fmt == "png" or IptcImagePlugin.getiptcinfo(picture)[(2, 120)] == b"Hello"
            assert again.metadata.iptc == RECORDS
            assert again.png.text == b""


def test_resolution(source, tmp_path):
    for fmt in CARRIERS:
        picture, again = written(source, fmt, tmp_path)
        assert again.metadata.resolution == pytest.approx((150 / 25.4, 300 / 25.4), rel=1e-3)  # turned, too
        tags = picture.getexif()
        assert (tags[BASE.XResolution], tags[BASE.YResolution]) == pytest.approx((150, 300))
        if fmt in ("png", "tiff"):
            assert picture.info["dpi"] == pytest.approx((150, 300), rel=1e-3)


@pytest.mark.parametrize("unit", [2, 3])
def test_the_unit_of_the_resolution_stays(unit, tmp_path):
    stated = {BASE.ResolutionUnit: unit, BASE.XResolution: 120.0, BASE.YResolution: 60.0}
    file = io.BytesIO()
    Image.fromarray(draw(30, 20)).save(file, "TIFF", tiffinfo=stated)
    picture, _ = written(open_picture(file.getvalue()), "tiff", tmp_path)
    assert {tag: picture.tag_v2[tag] for tag in stated} == stated


@pytest.mark.parametrize("to", [*CARRIERS, "bmp"])
@pytest.mark.parametrize("start", ["JPEG", "PNG", "TIFF", "BMP"])
def test_resolution_without_exif(start, to, tmp_path):
    """Where a format states it in EXIF only, EXIF is made for it."""
    file = io.BytesIO()
    Image.fromarray(draw(60, 40)[::2, ::2]).save(file, start, dpi=(300, 150))
    picture, again = written(open_picture(file.getvalue()), to, tmp_path)
    assert again.metadata.resolution == pytest.approx((300 / 25.4, 150 / 25.4), rel=1e-3)
    if FORMATS[to].resolution:
        assert picture.info["dpi"] == pytest.approx((300, 150), rel=1e-3)
        assert to == "tiff" or not picture.getexif()


@pytest.mark.parametrize("fmt", ["jpeg", "png", "webp", "tiff"])
def test_exif_tags_that_libexif_does_not_know_are_kept(fmt, tmp_path):
    tags = Image.Exif()
    tags[BASE.Make], tags[BASE.Rating] = "Maker", 4
    tags.get_ifd(PHOTO)[0x9400] = 21.5  # AmbientTemperature
    file = io.BytesIO()
    Image.fromarray(draw(30, 20)).save(file, "JPEG", exif=tags)
    picture, _ = written(open_picture(file.getvalue()), fmt, tmp_path)
    again = picture.getexif()
    assert (again[BASE.Make], again[BASE.Rating], again.get_ifd(PHOTO)) == ("Maker", 4, {0x9400: 21.5})


def test_exif_of_an_animation_is_about_one_frame(tmp_path):
    first, *rest = (Image.fromarray(draw(20, 30, seed=n)) for n in range(3))
    file = io.BytesIO()
    first.save(file, "WEBP", save_all=True, append_images=rest, exif=b"Exif\0\0" + block(1))
    like = open_picture(file.getvalue())
    for name in ("x.webp", "x.png"):
        write_picture(tmp_path / name, like.each_frame(), like=like)
        again = open_picture(tmp_path / name)
        photo = reread(again.metadata.exif)[1]
        assert (photo[BASE.ExifImageWidth], photo[BASE.ExifImageHeight]) == (30, 20)
        assert again.frames == 3


def test_the_resolution_of_a_png_may_be_in_exif_alone(tmp_path):
    file = io.BytesIO()
    Image.fromarray(draw(30, 20)).save(file, "PNG", exif=block(1))
    assert written(open_picture(file.getvalue()), "tiff", tmp_path)[0].info["dpi"] == (300, 150)


@pytest.mark.parametrize("ratio", [(1, 1), (10, 11)])
@pytest.mark.parametrize("start", ["JPEG", "PNG", "neither"])
def test_no_resolution_is_invented(start, ratio, tmp_path):
    """Not from the ratio of a pixel's sides either, which is all that is said with a unit of 0."""
    file = io.BytesIO()
    Image.fromarray(draw(30, 20)).save(file, "JPEG" if start == "JPEG" else "PNG")
    data = file.getvalue()
    if start == "JPEG":
        data = data[:13] + struct.pack(">BHH", 0, *ratio) + data[18:]
    elif start == "PNG":
        data = data[:33] + chunk(b"pHYs", struct.pack(">IIB", *ratio, 0)) + data[33:]
    source = open_picture(data)
    assert source.metadata.resolution is None
    for fmt in ("jpeg", "png"):
        assert "dpi" not in written(source, fmt, tmp_path)[0].info
    assert written(source, "tiff", tmp_path)[0].info["dpi"] == (72, 72)  # the format demands one


def test_nothing_is_invented(tmp_path):
    file = io.BytesIO()
    Image.fromarray(draw(30, 20)).save(file, "PNG")
    source = open_picture(file.getvalue())
    for fmt in CARRIERS:
        picture, again = written(source, fmt, tmp_path)
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(picture.info), fmt
        assert (again.metadata.exif, again.metadata.xmp, again.metadata.iptc) == (b"", b"", b"")


@pytest.mark.parametrize("fmt", CARRIERS)
def test_strip_leaves_the_profile_only(source, fmt, tmp_path):
    picture, again = written(source, fmt, tmp_path, strip=True)
    assert picture.info["icc_profile"] == SRGB
    assert not {"exif", "xmp"} & set(picture.info)
    bare = again.metadata
    assert (bare.exif, bare.xmp, bare.iptc, again.png.text) == (b"", b"", b"", b"")
    assert b"Maker" not in (tmp_path / f"x{FORMATS[fmt].suffixes[0]}").read_bytes()


def test_a_comment_of_a_jpeg_stays_in_jpeg_and_png(tmp_path):
    for said, read in (
        (b"hello", "hello"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
    ):
        file = io.BytesIO()
        Image.fromarray(draw(30, 20)).save(file, "JPEG", comment=said)
        source = open_picture(file.getvalue())
        assert written(source, "jpeg", tmp_path)[0].info["comment"] == said
        assert written(source, "png", tmp_path)[0].text == {"Comment": read}
        for fmt in ("jpeg", "png"):
            assert "omment" not in "".join(written(source, fmt, tmp_path, strip=True)[0].info)


@pytest.mark.parametrize("start", ["main", "extension"])
def test_extended_xmp_is_said_to_be_left_out(start, tmp_path):
    main = jpeg.XMP + b'<x:xmpmeta xmpNote:HasExtendedXMP="1F" dc:title="hello"/>'
    both = [main, jpeg.EXTENDED_XMP + bytes(40) + b"<more/>"]
    file = io.BytesIO()
    Image.fromarray(draw(30, 20)).save(file, "JPEG")
    add = b"".join(jpeg.segment(jpeg.APP1, content) for content in (both if start == "main" else both[::-1]))
    source = open_picture(jpeg.with_segments(file.getvalue(), add), name="x")
    assert source.notes == ("x: extended XMP left out",)
    for fmt in ("jpeg", "webp"):
        target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
        write_picture(target, [source.pixels()], like=source)
        assert open_picture(target).metadata.xmp.strip(b"\0 \n") == b'<x:xmpmeta dc:title="hello"/>'


def test_the_video_of_a_motion_photo_is_said_to_be_left_out():
    file = io.BytesIO()
    packet = b'<x:xmpmeta GCamera:MotionPhoto="1"/>'
    Image.fromarray(draw(30, 20)).save(file, "JPEG", xmp=packet)
    assert open_picture(file.getvalue(), name="x").notes == ("x: the video in the file left out",)


def test_png_text(tmp_path):
    text, file = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text("Title", "A picture")
    text.add_itxt("Author", "Ünï")
    text.add_text("Comment", "long " * 500, zip=True)
    Image.fromarray(draw(30, 20)).save(file, "PNG", pnginfo=text)
    source = open_picture(file.getvalue())
    kept = written(source, "png", tmp_path)[0].text
    assert kept == {"Title": "A picture", "Author": "Ünï", "Comment": "long " * 500}
    assert written(source, "png", tmp_path, strip=True)[0].text == {}


@pytest.mark.parametrize(
    ("fmt", "lost"),
    [
        ("tiff", ["PNG text"]),
        ("webp", ["IPTC", "PNG text"]),
        ("gif", ["EXIF", "XMP", "IPTC", "PNG text"]),
        ("bmp", ["EXIF", "XMP", "IPTC", "PNG text"]),
    ],
)
def test_what_a_format_has_no_place_for_is_said_unless_it_is_to_be_stripped(fmt, lost, tmp_path):
    text = chunk(b"tEXt", b"Title\0hello")
    like = replace(carrier("jpeg"), png=PngFacts(text=text))
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    warnings = write_picture(target, [like.pixels()], like=like)
    assert warnings == [f"<bytes>: {FORMATS[fmt].title} has no {' and no '.join(lost)}: left out"]
    assert write_picture(target, [like.pixels()], like=like, options=SaveOptions(strip=True)) == []


@pytest.mark.parametrize("title", ["exif", "APP1"])
def test_exif_hidden_in_png_text_is_found(title):
    tags = Image.Exif()
    tags[BASE.Orientation] = 6
    raw = tags.tobytes()
    text, file = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text(f"Raw profile type {title}", f"\n{title}\n{len(raw):8}\n{raw.hex()}\n", zip=True)
    Image.fromarray(draw(20, 30)).save(file, "PNG", pnginfo=text)
    source = open_picture(file.getvalue())
    assert (source.orientation, source.width) == (6, 20)
    assert source.png.text == b""


@pytest.mark.parametrize(
    ("title", "content"),
    [("iptc", iptc.resource(RECORDS)), ("8bim", iptc.wrapped(RECORDS)), ("iptc", RECORDS)],
)
def test_iptc_hidden_in_png_text_is_found(title, content, tmp_path):
    source = open_picture(encoded(raw_profile(title, content)))
    assert source.metadata.iptc == RECORDS
    assert write_picture(tmp_path / "x.jpg", [source.pixels()], like=source) == []
    with Image.open(tmp_path / "x.jpg") as picture:
        assert IptcImagePlugin.getiptcinfo(picture)[(2, 120)] == b"Hello"


@pytest.mark.parametrize(
    ("title", "content"), [("xmp", XMP), ("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP)]
)
def test_xmp_hidden_in_png_text_is_found(title, content):
    found = open_picture(encoded(raw_profile(title, content))).metadata
    assert (found.xmp, found.exif) == (XMP, b"")


def test_metadata_behind_the_pixels_of_a_png_are_found():
    data = encoded()
    end = data.rindex(b"IEND") - 4
    packed = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))
    added = chunk(b"eXIf", block(8)) + packed + raw_profile("iptc", RECORDS)
    source = open_picture(data[:end] + added + data[end:])
    assert source.metadata == Metadata(
        exif=block(8), xmp=XMP, iptc=RECORDS, resolution=source.metadata.resolution
    )
    assert source.orientation == 8


@pytest.mark.parametrize("words", [b"", b"\niptc\n 3\nxyz", b"\niptc\n 3\n1c02"])
def test_nonsense_in_a_raw_profile_is_passed_over(words):
    stored = chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(words))
    open_picture(encoded(stored)).pixels()


def test_png_colour_chunks_stay_in_png_and_become_srgb_elsewhere(tmp_path):
    source = open_picture(encoded(GAMMA, WIDE))
    doubled = np.repeat(np.repeat(source.pixels(), 2, 0), 2, 1)
    assert write_picture(tmp_path / "x.png", [doubled], like=source) == []
    assert GAMMA + WIDE in (tmp_path / "x.png").read_bytes()
    np.testing.assert_array_equal(open_picture(tmp_path / "x.png").pixels(), doubled)
    warnings = write_picture(tmp_path / "x.bmp", [doubled], like=source)
    assert ["not sRGB's (wide gamut or HDR)" in warning for warning in warnings] == [True]
    assert open_picture(tmp_path / "x.bmp").pixels().mean() > doubled.mean() + 20


@pytest.mark.parametrize("fmt", CARRIERS)
@pytest.mark.parametrize(
    "broken",
    [
        Metadata(exif=b"II*\0\x08\0\0\0\xff\xff" + bytes(30)),
        Metadata(exif=b"\xff" * 50),
        Metadata(exif=block()[:60]),
        Metadata(profile=b"no profile at all"),
        Metadata(profile=PROFILE),
        Metadata(xmp=b"\xff\0\xfe" * 9, iptc=b"\x1c\x02"),
        Metadata(resolution=(1e9, 1e-9), unit="cm"),
    ],
    ids=[
        "exif tags",
        "exif junk",
        "exif cut",
        "profile junk",
        "profile of another space",
        "text",
        "resolution",
    ],
)
def test_broken_metadata_cost_a_warning_and_never_the_picture(fmt, broken, tmp_path):
    source = replace(carrier("jpeg"), metadata=broken)
    pixels = source.pixels()
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    write_picture(target, [pixels], like=source)
    again = open_picture(target)
    assert (again.width, again.height) == (20, 30)
    assert np.abs(again.pixels().astype(int) - pixels).mean() < 15


def test_unreadable_exif_is_reported(tmp_path):
    source = replace(carrier("jpeg"), metadata=Metadata(exif=b"\xff" * 50))
    for fmt in CARRIERS:
        warnings = write_picture(tmp_path / f"x{FORMATS[fmt].suffixes[0]}", [source.pixels()], like=source)
        assert warnings == ["<bytes>: the EXIF could not be carried over"], fmt


def test_orientation_prefers_exif():
    silent = exif.parse(block())
    del silent.main[exif.ORIENTATION]
    assert metadata.orientation(Metadata(exif=block(3), xmp=XMP)) == 3
    assert metadata.orientation(Metadata(exif=exif.pack(silent), xmp=XMP)) == 6
    assert metadata.orientation(Metadata(xmp=XMP)) == 6
    assert metadata.orientation(Metadata()) == 1


def test_pages_keep_what_each_says_of_itself(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        writer.write(draw(20, 30), photometric="rgb", description="one", resolution=(300, 300), metadata=None)
        writer.write(draw(10, 9), photometric="rgb", description="two", iccprofile=SRGB, metadata=None)
        writer.write(draw(12, 8, 4), photometric="separated", description="three", metadata=None)
    tiff.add_tags(tmp_path / "in.tif", exif.parse(block(1)), link_to((tmp_path / "in.tif").read_bytes(), 1))
    like = open_picture(tmp_path / "in.tif")
    warnings = write_picture(tmp_path / "x.tif", like.each_frame(), like=like)
    assert warnings == [f"{like.name}: page 3: CMYK converted to sRGB"]
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        assert [page.description for page in file.pages] == ["one", "two", "three"]
        assert [page.iccprofile == SRGB for page in file.pages] == [False, True, False]
        assert [page.tags["XResolution"].value[0] for page in file.pages] == [300, 72, 72]
    with Image.open(tmp_path / "x.tif") as picture:
        assert not picture.getexif().get_ifd(PHOTO)
        picture.seek(1)
        assert picture.getexif().get_ifd(PHOTO)[BASE.DateTimeOriginal] == "2024:05:06 07:08:09"


def test_names_and_numbers_of_pages_stay(tmp_path):
    stated = {269: "document", 285: "page", 297: (0, 2), 316: "host"}
    tags = [
        (tag, 3, 2, value, True) if tag == 297 else (tag, 2, 0, value, True) for tag, value in stated.items()
    ]
    tifffile.imwrite(tmp_path / "in.tif", draw(20, 30), photometric="rgb", extratags=tags, metadata=None)
    like = open_picture(tmp_path / "in.tif")
    write_picture(tmp_path / "out.tif", [like.pixels()], like=like)
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert {tag: file.pages[0].tags[tag].value for tag in stated} == stated


@pytest.mark.parametrize("decoded", [True, False])
def test_a_page_behind_a_reduced_copy_says_its_own(decoded, tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        for kind, side, words in ((0, 24, "one"), (1, 12, "copy"), (0, 20, "two")):
            writer.write(
                draw(side, side), photometric="rgb", subfiletype=kind, description=words,
                resolution=(side, side), metadata=None,
            )  # fmt: skip
    picture = open_picture(tmp_path / "in.tif")
    if decoded:
        picture.pixels(1)
    stated, _ = picture.page_metadata(1)
    assert reread(stated.exif)[0][BASE.ImageDescription] == "two"
    assert stated.resolution == pytest.approx((20 / 25.4, 20 / 25.4))


def test_the_resolution_of_a_page_turns_with_it(tmp_path):
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        for turn in (1, 6):
            tags = [(exif.ORIENTATION, 3, 1, turn, False)]
            writer.write(
                draw(20, 30), photometric="rgb", resolution=(300, 150), extratags=tags, metadata=None
            )
    like = open_picture(tmp_path / "in.tif")
    write_picture(tmp_path / "x.tif", like.each_frame(), like=like)
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        assert [page.shape[:2] for page in file.pages] == [(20, 30), (30, 20)]
        sides = [[page.tags[name].value[0] for name in ("XResolution", "YResolution")] for page in file.pages]
    assert sides == [[300, 150], [150, 300]]


def test_xmp_of_an_animation_says_the_height_of_a_frame(tmp_path):
    xmp = XMP.replace(b"dc:title", b'tiff:ImageWidth="30" tiff:ImageLength="20" dc:title')
    file = io.BytesIO()
    first, *rest = (Image.fromarray(draw(20, 30, seed=n)) for n in range(3))
    first.save(file, "WEBP", save_all=True, append_images=rest, xmp=xmp)
    doubled = (draw(40, 60, seed=n) for n in range(3))
    write_picture(tmp_path / "x.webp", doubled, like=open_picture(file.getvalue()))
    again = open_picture(tmp_path / "x.webp").metadata
    assert b'tiff:ImageWidth="60" tiff:ImageLength="40"' in again.xmp


@pytest.mark.parametrize("fmt", ["jpeg", "png", "webp"])
def test_what_a_makers_note_points_to_is_found_again(fmt, tmp_path):
    noted, words = with_note()
    noted.main[BASE.Make] = Entry(2, b"Canon\0")
    like = replace(carrier("png"), metadata=Metadata(exif=exif.pack(noted)))
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    assert write_picture(target, [draw(20, 30)], like=like) == []
    assert words_of(open_picture(target).metadata.exif) == words


@pytest.mark.parametrize("fmt", ["jpeg", "png"])
@pytest.mark.parametrize("field", ["exif", "xmp", "iptc"])
def test_a_block_too_long_for_a_jpeg_is_said(field, fmt, tmp_path):
    filling = b" " * 70_000
    commented = exif.parse(block())
    commented.exif[BASE.UserComment] = Entry(7, filling)
    long = {
        "exif": exif.pack(commented),
        "xmp": XMP.replace(b"hello", filling),
        "iptc": b"\x1c\x02\x78\x80\x04" + (70_000).to_bytes(4, "big") + filling,
    }
    like = replace(carrier("png"), metadata=Metadata(**{field: long[field]}))
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    warnings = write_picture(target, [draw(20, 30)], like=like)
    expected = [f"{like.name}: the {field.upper()} could not be carried over"] if fmt == "jpeg" else []
    assert warnings == expected


@pytest.mark.parametrize("length", [50_000, 65_400, 69_000])
def test_no_xmp_is_lost_in_a_jpeg_without_a_word(length, tmp_path):
    like = replace(carrier("png"), metadata=Metadata(xmp=XMP.replace(b"hello", b" " * length)))
    warnings = write_picture(tmp_path / "x.jpg", [draw(20, 30)], like=like)
    assert bool(warnings) != bool(open_picture(tmp_path / "x.jpg").metadata.xmp)


@pytest.mark.parametrize(
    ("fmt", "channels", "kept", "said"),
    [
        ("png", 1, True, False),
        ("jpeg", 1, True, False),
        ("tiff", 2, True, False),
        ("webp", 1, False, False),
        ("avif", 2, False, False),
        ("jpeg", 3, False, True),
    ],
)
def test_a_profile_for_grey_goes_where_grey_goes(fmt, channels, kept, said, tmp_path):
    profile = grey_profile()
    like = replace(carrier("png"), metadata=Metadata(profile=profile))
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    warnings = write_picture(target, [draw(20, 30, channels)], like=like)
    assert (open_picture(target).metadata.profile == profile) == kept
    assert warnings == [f"{like.name}: the profile for grey could not be carried over"] * said


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fmt", CARRIERS)
def test_a_profile_for_colours_of_another_kind_is_said_to_be_left_out(fmt, channels, tmp_path):
    like = replace(carrier("png"), metadata=Metadata(profile=SRGB[:16] + b"CMYK" + SRGB[20:]))
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    warnings = write_picture(target, [draw(20, 30, channels)], like=like)
    said = "the profile, which is not for these colours, could not be carried over"
    assert warnings == [f"{like.name}: {said}"]
    assert open_picture(target).metadata.profile == b""


@pytest.mark.parametrize("fmt", CARRIERS)
def test_a_profile_for_colour_that_grey_cannot_have_is_said(fmt, tmp_path):
    like = replace(carrier("png"), channels=1, metadata=Metadata(profile=linear_profile()))
    target = tmp_path / f"x{FORMATS[fmt].suffixes[0]}"
    warnings = write_picture(target, [draw(20, 30, 1)], like=like)
    said = [f"{like.name}: the profile for colour could not be carried over"]
    assert warnings == (said if FORMATS[fmt].grey else [])
    assert bool(open_picture(target).metadata.profile) != FORMATS[fmt].grey
    same = replace(like, metadata=Metadata(profile=SRGB))
    assert write_picture(target, [draw(20, 30, 1)], like=same) == []
