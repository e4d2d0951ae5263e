"""XMP packets, with their values as attributes and as elements."""

from upscale_cli.image_io import xmp

ATTRIBUTES = b"""<x:xmpmeta><rdf:Description tiff:Orientation="6" tiff:ImageWidth = '40' tiff:ImageLength="30"
 exif:PixelXDimension="40" exif:PixelYDimension="30" dc:creator="me" hdrgm:Version="1.0"/></x:xmpmeta>"""
ELEMENTS = b"""<x:xmpmeta><tiff:Orientation>8</tiff:Orientation>
<exif:PixelXDimension>40</exif:PixelXDimension>
<xmp:Thumbnails><rdf:Alt><rdf:li xmpGImg:image="/9j/4AAQ"/></rdf:Alt></xmp:Thumbnails>
<dc:title>A 40</dc:title></x:xmpmeta>"""


def test_orientation():
    assert xmp.orientation(ATTRIBUTES) == 6
    assert xmp.orientation(ELEMENTS) == 8
    assert xmp.orientation(b"<x:xmpmeta/>") == 1
    assert xmp.orientation(b'<a tiff:Orientation="9"/>') == 1


def test_a_video_behind_the_picture():
    assert xmp.has_video(b'<r GCamera:MotionPhoto="1"/>')
    assert xmp.has_video(b"<GCamera:MicroVideo>1</GCamera:MicroVideo>")
    assert not xmp.has_video(b'<r GCamera:MotionPhoto="0" GCamera:MotionPhotoVersion="1"/>')


def test_corrected_attributes():
    assert xmp.corrected(ATTRIBUTES, 120, 160) == (
        b"""<x:xmpmeta><rdf:Description tiff:Orientation="1" tiff:ImageWidth = '120' tiff:ImageLength="160"
 exif:PixelXDimension="120" exif:PixelYDimension="160" dc:creator="me"/></x:xmpmeta>"""
    )


def test_corrected_elements_without_the_thumbnail():
    out = xmp.corrected(ELEMENTS, 120, 160)
    assert b"<tiff:Orientation>1</tiff:Orientation>" in out
    assert b"<exif:PixelXDimension>120</exif:PixelXDimension>" in out
    assert b"Thumbnails" not in out
    assert b"<dc:title>A 40</dc:title>" in out


def test_a_panorama_grows_with_its_picture():
    packet = b"""<r GPano:FullPanoWidthPixels="200" GPano:CroppedAreaImageWidthPixels='96'
 GPano:CroppedAreaLeftPixels="7" GPano:InitialViewHeadingDegrees="30">
<GPano:CroppedAreaTopPixels>9</GPano:CroppedAreaTopPixels>
<GPano:CroppedAreaImageHeightPixels>64</GPano:CroppedAreaImageHeightPixels></r>"""
    assert xmp.corrected(packet, 192, 192) == (
        b"""<r GPano:FullPanoWidthPixels="400" GPano:CroppedAreaImageWidthPixels='192'
 GPano:CroppedAreaLeftPixels="14" GPano:InitialViewHeadingDegrees="30">
<GPano:CroppedAreaTopPixels>27</GPano:CroppedAreaTopPixels>
<GPano:CroppedAreaImageHeightPixels>192</GPano:CroppedAreaImageHeightPixels></r>"""
    )
    unknown = b'<r GPano:FullPanoWidthPixels="200" GPano:CroppedAreaImageWidthPixels="0"/>'
    assert xmp.corrected(unknown, 192, 192) == unknown
