"""The public names are a promise: this list changes on purpose only."""

import subprocess
import sys

import pytest

import upscale_cli

PUBLIC = ["Done", "Settings", "UpscaleError", "Upscaler", "__version__", "upscale", "upscale_file"]


def test_public_names():
    assert sorted(upscale_cli.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(upscale_cli))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there(name):
    assert getattr(upscale_cli, name) is not None


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'downscale'"):
        _ = upscale_cli.downscale


def test_importing_the_package_loads_nothing_else():
    code = "import sys, upscale_cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [m for m in done.stdout.split() if m.startswith(("numpy", "cv2", "typer", "upscale_cli."))]


def test_types_are_shipped():
    from importlib.resources import files

    assert (files("upscale_cli") / "py.typed").is_file()
