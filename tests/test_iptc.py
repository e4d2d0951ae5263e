"""IPTC blocks, bare and as Photoshop resources; Pillow reads what is wrapped."""

import io

from PIL import Image, IptcImagePlugin

from upscale_cli.image_io import iptc

RECORDS = b"\x1c\x02\x78\x00\x05Hello\x1c\x02\x19\x00\x03cat"
THUMBNAIL = b"8BIM\x04\x0c\x00\x00\x00\x00\x00\x05thumb\x00"


def test_bare_records_are_taken_as_they_are():
    assert iptc.bare(RECORDS) == RECORDS
    assert iptc.bare(b"nonsense") == b""
    assert iptc.bare(b"") == b""


def test_taken_out_of_photoshop_resources_and_put_back_without_the_others():
    data = b"Photoshop 3.0\0" + THUMBNAIL + iptc.wrapped(RECORDS)[14:] + THUMBNAIL
    assert iptc.bare(data) == RECORDS
    assert iptc.bare(iptc.wrapped(RECORDS)) == iptc.bare(iptc.resource(RECORDS)) == RECORDS
    assert b"thumb" not in iptc.wrapped(iptc.bare(data))


def test_cut_short():
    whole = b"Photoshop 3.0\0" + THUMBNAIL
    for end in range(len(whole)):
        assert iptc.bare(whole[:end]) == b""


def test_pillow_reads_it():
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "JPEG")
    content = iptc.wrapped(RECORDS)
    data = file.getvalue()
    data = data[:2] + b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content + data[2:]
    info = IptcImagePlugin.getiptcinfo(Image.open(io.BytesIO(data)))
    assert info[(2, 120)] == b"Hello"
    assert info[(2, 25)] == b"cat"
