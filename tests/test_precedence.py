"""Options that say different things, given on the command line, as variables and in upscale.toml."""

import pytest

from tests.command import environment, run, size_of
from upscale_cli.cli import main
from upscale_cli.image_io import open_picture


def code(*arguments):
    """Exit code of a run over one picture."""
    with pytest.raises(SystemExit) as caught:
        main(["a.png", *arguments])
    return caught.value.code


def width(*arguments):
    """Width of the result of a run, in pixels."""
    failed = code("-o", "new.png", *arguments)
    return failed or size_of("new.png")[0]


@pytest.mark.parametrize(
    "elsewhere", ["scale = 3", "width = 33", "long-side = 34", "fit = '35x35'", "height = 99"]
)
def test_a_size_puts_aside_all_sizes_of_lower_origin(quick_folder, monkeypatch, elsewhere):
    (quick_folder / "upscale.toml").write_text(elsewhere)
    assert width("--scale", "4") == 40
    assert width("--fit", "50x50") == 50
    assert width("--long-side", "51") == 51
    assert width("--width", "52") == 52
    assert size_of("new.png") == (52, 42)
    monkeypatch.setenv("UPSCALE_SCALE", "5")
    assert width() == 50
    assert width("--height", "48") == 60


def test_a_factor_and_pixels_exclude_each_other(quick_folder, monkeypatch, capfd):
    assert width("--scale", "4", "--width", "100") == 2
    assert "--scale and --width exclude each other\nhint: " in capfd.readouterr().err
    (quick_folder / "upscale.toml").write_text("scale = 3\nlong-side = 34\n")
    assert width() == 2
    assert "--scale and --long-side exclude each other (from upscale.toml)" in capfd.readouterr().err
    assert width("--scale", "4") == 40


def test_the_name_of_a_result_puts_aside_a_format_of_lower_origin(quick_folder, monkeypatch, capfd):
    monkeypatch.setenv("UPSCALE_FORMAT", "webp")
    assert width() == 20
    assert open_picture("new.png").format == "png"
    assert width("-f", "jpg") == 2
    assert "-o new.png and the format jpg exclude each other\nhint: " in capfd.readouterr().err
    monkeypatch.setenv("UPSCALE_FORMAT", "PNG")
    assert width() == 20


def test_a_file_and_a_template_of_different_origin(quick_folder, monkeypatch, capfd):
    (quick_folder / "upscale.toml").write_text("name = '{stem}_big{ext}'\n")
    assert width() == 20
    assert code("-o", "out") == 0
    assert size_of("out/a_big.png") == (20, 16)
    assert width("--name", "x{ext}") == 2
    assert "--name and a file for -o (new.png) exclude each other" in capfd.readouterr().err
    monkeypatch.setenv("UPSCALE_OUTPUT", "other.png")
    assert code("--name", "x{ext}") == 0
    assert size_of("output/x.png") == (20, 16)


def test_a_template_that_names_another_format(quick_folder, capfd):
    assert code("--name", "{stem}.png", "-f", "webp") == 2
    assert "--name {stem}.png and the format webp exclude each other\nhint: " in capfd.readouterr().err
    assert code("--name", "{stem}.jpg", "-f", "jpeg") == 0
    (quick_folder / "upscale.toml").write_text("format = 'webp'\n")
    assert code("--name", "{stem}.png") == 0
    assert open_picture("output/a.png").format == "png"
    assert code("--name", "{stem}{ext}") == 0
    assert open_picture("output/a.webp").format == "webp"


def test_the_folder_that_files_go_to_is_no_target_of_a_pipe(quick_folder):
    (quick_folder / "upscale.toml").write_text("output = 'big'\nformat = 'png'\n")
    env = environment(UPSCALE_MODEL="bicubic")
    piped = run("-", cwd=quick_folder, input=(quick_folder / "a.png").read_bytes(), env=env)
    assert (piped.code, piped.out[:4]) == (0, b"\x89PNG")
    for more in ([], ["-o", "-"]):
        video = run("--raw", "4x2", *more, cwd=quick_folder, input=bytes(24), env=env)
        assert (video.code, len(video.out)) == (0, 96)
    asked = run("-", "-o", "big", cwd=quick_folder, input=(quick_folder / "a.png").read_bytes(), env=env)
    assert (asked.code, "-o big does not say" in asked.err) == (2, True)
