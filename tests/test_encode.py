"""Writing pictures: what goes in comes out, whole or not at all."""

import errno
import io
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.conftest import draw
from upscale_cli import atomic
from upscale_cli.errors import OutputError, TooLargeError, UsageError
from upscale_cli.image_io import encode, libvips, open_picture, savers, spool
from upscale_cli.image_io.encode import SaveOptions, encode_picture, target_format, write_bands, write_picture
from upscale_cli.image_io.formats import FORMATS

SUFFIX = {name: fmt.suffixes[0] for name, fmt in FORMATS.items()}


def save(picture, fmt="PNG", **options):
    file = io.BytesIO()
    picture.save(file, fmt, **options)
    return open_picture(file.getvalue())


@pytest.mark.parametrize("fmt", ["png", "tiff", "bmp", "pnm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats(fmt, channels, tmp_path):
    picture, target = draw(20, 30, channels), tmp_path / f"x{SUFFIX[fmt]}"
    assert write_picture(target, [picture]) == []
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(target.read_bytes()))), picture.squeeze())
    np.testing.assert_array_equal(open_picture(target).pixels(), picture)


@pytest.mark.parametrize("fmt", ["webp", "avif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_on_demand(fmt, channels, tmp_path):
    picture, target = draw(20, 30, channels), tmp_path / f"x{SUFFIX[fmt]}"
    write_picture(target, [picture], options=SaveOptions(lossless=True))
    off = np.abs(open_picture(target).pixels().astype(int) - picture)
    shown = picture[:, :, -1:] > 0 if channels == 4 else True
    assert (off * shown).max() == 0


@pytest.mark.parametrize("fmt", ["jpeg", "webp", "avif"])
def test_lossy_formats_are_near_and_obey_quality(fmt, tmp_path):
    smooth = np.asarray(Image.fromarray(draw(20, 30)).resize((120, 80), Image.Resampling.BICUBIC))
    sizes = {}
    for quality in (None, 30, 100):
        target = tmp_path / f"{quality}{SUFFIX[fmt]}"
        write_picture(target, [smooth], options=SaveOptions(quality=quality))
        sizes[quality] = target.stat().st_size
        off = np.abs(open_picture(target).pixels().astype(int) - smooth).mean()
        assert off < {None: 4, 30: 12, 100: 2}[quality]
    assert sizes[30] < sizes[None] < sizes[100]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("quality", 0, "from 1 to 100"),
        ("quality", 101, "from 1 to 100"),
        ("quality", 9.5, "from 1 to 100"),
        ("compression", None, "from 0 to 9"),
        ("compression", -1, "from 0 to 9"),
        ("compression", 10, "from 0 to 9"),
    ],
)
def test_what_no_encoder_takes_is_refused(name, value, words):
    with pytest.raises(UsageError, match=f"{name}={value} is no whole number {words}"):
        SaveOptions(**{name: value})


def test_the_bounds_are_taken(tmp_path):
    for quality, compression in ((1, 0), (100, 9)):
        for fmt in SUFFIX:
            options = SaveOptions(quality=quality, compression=compression)
            write_picture(tmp_path / f"x{SUFFIX[fmt]}", [draw(20, 30)], options=options)
            assert open_picture(tmp_path / f"x{SUFFIX[fmt]}").pixels().shape == (20, 30, 3)


def test_jpeg_is_quality_95_without_subsampling(tmp_path):
    write_picture(tmp_path / "x.jpg", [draw(40, 40)])
    stored = Image.open(io.BytesIO((tmp_path / "x.jpg").read_bytes()))
    assert [component[1:3] for component in stored.layer] == [(1, 1)] * 3
    reference = io.BytesIO()
    Image.fromarray(draw(40, 40)).save(reference, "JPEG", quality=95, subsampling=0)
    assert stored.quantization == Image.open(reference).quantization


def test_compression_changes_size_only(tmp_path):
    picture = np.asarray(Image.fromarray(draw(50, 50)).resize((200, 200), Image.Resampling.BICUBIC))
    for suffix in (".png", ".tif"):
        sizes = []
        for level in (0, 1, 9):
            write_picture(tmp_path / f"x{suffix}", [picture], options=SaveOptions(compression=level))
            sizes.append((tmp_path / f"x{suffix}").stat().st_size)
            np.testing.assert_array_equal(open_picture(tmp_path / f"x{suffix}").pixels(), picture)
        assert sizes[0] > picture.nbytes > sizes[1] > sizes[2]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".ppm"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_stay(suffix, channels, tmp_path):
    if suffix == ".ppm" and channels in (2, 4):
        return
    picture = draw(20, 30, channels, np.uint16)
    write_picture(tmp_path / f"x{suffix}", [picture])
    np.testing.assert_array_equal(open_picture(tmp_path / f"x{suffix}").pixels(), picture)


def test_floats_stay_in_tiff(tmp_path):
    picture = draw(20, 30, 3, np.float32)
    write_picture(tmp_path / "x.tif", [picture])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif"), picture)


def test_the_format(tmp_path):
    like = save(Image.fromarray(draw(4, 4)), "WEBP")
    plain = SaveOptions()
    assert target_format("-", like, plain).name == "webp"
    assert target_format("a/b", like, plain).name == "webp"
    assert target_format("a/b.tif", like, plain).name == "tiff"
    assert target_format("a/b.tif", like, SaveOptions(format="jpg")).name == "jpeg"
    assert target_format("a/b", None, plain).name == "png"
    with pytest.raises(UsageError):
        target_format("a/b.psd", like, plain)


def test_limits_come_before_writing(tmp_path):
    rows, target = np.zeros((1, 16384, 3), np.uint8), tmp_path / "new" / "x.webp"
    with pytest.raises(TooLargeError, match="16383"):
        write_picture(target, [rows])
    with pytest.raises(TooLargeError, match="16383"):
        write_bands(target, [rows], 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a device that is always full")
@pytest.mark.parametrize("suffix", SUFFIX.values())
def test_a_full_disk_is_said(suffix, tmp_path, monkeypatch):
    def full(target, suffix):
        name = target.with_suffix(suffix)
        name.symlink_to("/dev/full")
        return os.open(name, os.O_WRONLY), str(name)

    monkeypatch.setattr(atomic, "new_temporary", full)
    with pytest.raises(OutputError, match="No space left on device") as info:
        write_picture(tmp_path / f"x{suffix}", [draw(20, 30)])
    assert "free some space" in info.value.hint
    assert info.value.__cause__.errno == errno.ENOSPC  # which ends a run
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fmt", ["GIF", "WEBP"])
def test_animations_keep_their_timing(fmt, tmp_path):
    frames = [Image.fromarray(draw(16, 24, seed=n)) for n in range(3)]
    like = save(frames[0], fmt, save_all=True, append_images=frames[1:], duration=[50, 100, 200], loop=3)
    doubled = [np.repeat(np.repeat(frame, 2, 0), 2, 1) for frame in like.each_frame()]
    for suffix in (".gif", ".webp"):
        write_picture(tmp_path / f"x{suffix}", iter(doubled), like=like)
        again = open_picture(tmp_path / f"x{suffix}")
        assert (again.width, again.height, again.frames) == (48, 32, 3)
        assert (again.delays, again.loop) == (like.delays, like.loop)
        for got, frame in zip(again.each_frame(), doubled, strict=True):
            assert np.abs(got[:, :, :3].astype(int) - frame[:, :, :3]).mean() < 12
    warnings = write_picture(tmp_path / "x.tif", doubled, like=like)
    assert ["delays" in warning for warning in warnings] == [True]
    with pytest.raises(UsageError, match="3 frames, which JPEG"):
        write_picture(tmp_path / "x.jpg", doubled, like=like)


@pytest.mark.parametrize("name", ["x.jpg", "x.webp"])
def test_what_was_left_out_in_reading_is_said(name, tmp_path):
    first, second = (Image.fromarray(draw(20, 30, seed=n)) for n in (1, 2))
    like = save(first, "MPO", save_all=True, append_images=[second])
    said, pixels = ["<bytes>: 1 further picture in the file left out"], like.pixels()
    assert write_picture(tmp_path / name, [pixels], like=like) == said
    assert write_bands(tmp_path / name, [pixels[:11], pixels[11:]], 20, like=like) == said


def test_equal_frames_of_a_gif_are_not_lost(tmp_path):
    frames = [Image.fromarray(draw(16, 24, seed=n)).quantize(16) for n in (1, 2)]
    like = save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 100])
    same = draw(16, 24)
    write_picture(tmp_path / "x.gif", [same, same], like=like)
    assert open_picture(tmp_path / "x.gif").delays == (50, 100)


def test_pages_keep_their_sizes_and_kinds(tmp_path):
    pages = [draw(40, 50), draw(33, 20, 1), draw(30, 20, 4, np.uint16), draw(20, 20, 3, np.float32)]
    with tifffile.TiffWriter(tmp_path / "in.tif") as writer:
        for page in pages:
            writer.write(
                page.squeeze(),
                photometric="rgb" if page.shape[2] > 1 else "minisblack",
                extrasamples=["unassalpha"] if page.shape[2] == 4 else None,
            )
    like = open_picture(tmp_path / "in.tif")
    assert write_picture(tmp_path / "out.tif", like.each_frame(), like=like) == []
    again = open_picture(tmp_path / "out.tif")
    for got, page in zip(again.each_frame(), pages, strict=True):
        np.testing.assert_array_equal(got, page)
    with pytest.raises(UsageError, match="4 pages, which WebP"):
        write_picture(tmp_path / "out.webp", like.each_frame(), like=like)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "out.tif"]


@pytest.mark.parametrize(("limit", "version"), [(3 * 4 * 5 * 3, 42), (3 * 4 * 5 * 3 - 1, 43)])
def test_a_tiff_too_large_for_the_classic_kind_is_a_bigtiff(limit, version, tmp_path, monkeypatch):
    monkeypatch.setattr(savers, "_CLASSIC_TIFF", limit)
    first, *rest = (Image.fromarray(draw(4, 5, seed=n)) for n in range(3))
    pages = save(first, "TIFF", save_all=True, append_images=rest)
    write_picture(tmp_path / "pages.tif", pages.each_frame(), like=pages)
    write_picture(tmp_path / "one.tif", [draw(3 * 4, 5)])
    for name, count in (("pages.tif", 3), ("one.tif", 1)):
        assert (tmp_path / name).read_bytes()[2] == version
        assert open_picture(tmp_path / name).frames == count


def test_pages_that_grow_need_a_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr(savers, "_CLASSIC_TIFF", 2 * 4 * 5 * 3)
    first, *rest = (Image.fromarray(draw(side, 5, seed=side)) for side in (4, 40))
    pages = save(first, "TIFF", save_all=True, append_images=rest)
    write_picture(tmp_path / "x.tif", pages.each_frame(), like=pages)
    assert (tmp_path / "x.tif").read_bytes()[2] == 43


@pytest.mark.parametrize("bits", [10, 12])
def test_an_avif_keeps_its_bits(bits, tmp_path):
    deep = libvips.image_of(draw(16, 24, 3, np.uint16))
    like = open_picture(deep.heifsave_buffer(compression="av1", bitdepth=bits))
    write_picture(tmp_path / "x.avif", [like.pixels()], like=like)
    assert open_picture(tmp_path / "x.avif").bits == like.bits == bits


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".bmp", ".ppm"])
@pytest.mark.parametrize("in_memory", [0, 10**9])
def test_bands_give_the_same_file_as_the_whole(suffix, in_memory, tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "IN_MEMORY", in_memory)
    picture = draw(70, 50)
    bands = (picture[top : top + 9] for top in range(0, 70, 9))
    write_bands(tmp_path / f"bands{suffix}", bands, 70)
    write_picture(tmp_path / f"whole{suffix}", [picture])
    assert (tmp_path / f"bands{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failure_between_bands_leaves_nothing(tmp_path):
    def bands():
        yield draw(9, 50)
        assert {path.suffix for path in tmp_path.iterdir()} == {".part"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bands(tmp_path / "x.png", bands(), 70)
    assert list(tmp_path.iterdir()) == []


def test_bytes_for_pipes(tmp_path):
    picture = draw(20, 30)
    data, warnings = encode_picture([picture], fmt=FORMATS["png"])
    write_picture(tmp_path / "x.png", [picture])
    assert data == (tmp_path / "x.png").read_bytes()
    assert warnings == []


def test_standard_output():
    script = (
        "import numpy; from upscale_cli.image_io import *; write_picture('-', [numpy.zeros((2, 3, 1), 'u1')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert open_picture(done.stdout).pixels().shape == (2, 3, 1)
    assert done.stderr == b""


def test_standard_output_without_a_folder_for_temporary_files(monkeypatch):
    def none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(OutputError, match=r"standard output: .* No usable temporary directory") as caught:
        write_picture("-", [draw(2, 3)])
    assert "TMPDIR" in caught.value.hint


def test_standard_output_whose_temporary_files_find_no_room(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(encode.Saver, "save", full)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        write_picture("-", [draw(2, 3)])
    assert "TMPDIR" in caught.value.hint


@pytest.mark.parametrize("name", ["a [x].png", "ö файл.png", "a'b\"c;$d.png", "x.png[Q=5]", "-n.png"])
def test_names_mean_nothing(tmp_path, name):
    options = SaveOptions(format="png")
    write_picture(tmp_path / name, [draw(4, 5)], options=options)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(open_picture(tmp_path / name).pixels(), draw(4, 5))


FULL = """
import resource, signal, sys
import numpy as np
from upscale_cli.errors import OutputError
from upscale_cli.image_io import write_picture

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
try:
    write_picture(sys.argv[1], [noise])
except OutputError as error:
    print(error.hint, "|", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file size")
@pytest.mark.parametrize("suffix", SUFFIX.values())
def test_a_disk_that_fills_up(suffix, tmp_path):
    target = tmp_path / f"x{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(target)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert f"{target}: cannot be written" in done.stdout
    assert done.stdout.split(" | ")[0]
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        write_picture(tmp_path / "x.png", [draw(4, 4)])


def test_the_public_names():
    assert set(encode.__all__) == {
        "SaveOptions",
        "encode_picture",
        "target_format",
        "write_bands",
        "write_picture",
    }
