"""Compiles native/ to ``upscale_cli/_native`` while the package is built.

Where that fails, for want of a C compiler say, the package is built without: it then does the same work with
OpenCV, LiteRT and OpenVINO, in more time.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

_FLAGS = {"unix": ["-O3", "-ffp-contract=off", "-fvisibility=hidden"], "msvc": ["/O2"]}


class _Compile(build_ext):
    def build_extensions(self) -> None:
        for extension in self.extensions:
            extension.extra_compile_args = _FLAGS.get(self.compiler.compiler_type, [])
        super().build_extensions()


class NativeBuildHook(BuildHookInterface[Any]):
    """Adds the compiled module to a wheel, or to the checkout where that is what is installed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds."""
        if self.target_name != "wheel":
            return
        sources = ["native/module.c", "native/network.c", "native/compose.c"]
        headers = ["native/network.h", "native/compose.h"]
        extension = Extension("upscale_cli._native", sources, depends=headers)
        command = _Compile(Distribution({"ext_modules": [extension]}))
        command.inplace = True
        command.ensure_finalized()
        built = Path(command.get_ext_fullpath(extension.name))
        try:
            with TemporaryDirectory() as folder:  # nothing is left of it in the checkout
                command.build_lib = command.build_temp = folder
                command.force = True
                command.run()
        except Exception as error:  # whatever a missing or an old compiler leads to
            built.unlink(missing_ok=True)  # of other sources
            self.app.display_warning(f"built without native/, so enlarging will take longer: {error}")
            return
        build_data["artifacts"].append(built.relative_to(self.root).as_posix())
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
