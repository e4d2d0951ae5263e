"""Imports go one way. Read from the sources with ``ast``: nothing is imported here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import upscale_cli

PACKAGE = Path(upscale_cli.__file__).parent
LAYERS = (
    ("errors",),
    ("geometry", "pixels"),
    ("color", "metrics", "resample", "stitch"),
    ("model",),
    ("tiler", "zoo"),
    ("runtimes", "image_io"),
    ("pipeline",),
    ("batch", "evaluate"),
    ("architectures", "training"),
    ("cli", "web"),
)
"""Lowest first. A module that is not named here sits where its own imports put it: beside the highest of
them.
"""

HEAVY = {"tensorflow", "keras", "flask", "matplotlib", "openvino"}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}
MODULES[""] = MODULES.pop("__init__")


def imports(module):
    """(imported module, whether at run time as soon as ``module`` itself is) for every import in
    ``module``.
    """
    found = []

    def visit(node, at_once):
        for child in ast.iter_child_nodes(node):
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if isinstance(child, ast.Import):
                found.extend((alias.name, at_once) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}: relative import"
                names = [f"{child.module}.{alias.name}" for alias in child.names]
                ours = [name for name in names if name.removeprefix("upscale_cli.") in MODULES]
                found.extend((name, at_once) for name in ours or [child.module])
            visit(child, at_once and not inside and not typing)

    visit(ast.parse(MODULES[module].read_text(encoding="utf-8")), True)
    return found


def own(module, *, at_once=False):
    """Modules of this package that ``module`` imports."""
    return {
        name.removeprefix("upscale_cli").removeprefix(".")
        for name, now in imports(module)
        if (name + ".").startswith("upscale_cli.") and (now or not at_once)
    } & set(MODULES)


def place_all():
    """The layer of every module."""
    named = {name: number for number, names in enumerate(LAYERS) for name in names}
    layers = {module: named.get(module.split(".")[0], 0) for module in MODULES}
    helpers = [module for module in MODULES if module.split(".")[0] not in named]
    for _ in helpers:  # a chain of helpers is at most this long
        for module in helpers:
            layers[module] = max((layers[name] for name in own(module) - {""}), default=0)
    return layers


LAYER = place_all()


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"", "__main__"}))
def test_imports_point_downwards(module):
    for name in own(module) - {""}:
        assert LAYER[name] <= LAYER[module], f"{module} ({LAYER[module]}) imports {name} ({LAYER[name]})"


def test_no_circles():
    done, path = set(), []

    def visit(module):
        assert module not in path, f"circular import: {' → '.join([*path, module])}"
        if module in done:
            return
        path.append(module)
        for name in own(module, at_once=True):
            visit(name)
        done.add(path.pop())

    for module in MODULES:
        visit(module)


@pytest.mark.parametrize(
    "module", sorted(m for m in MODULES if m.split(".")[0] not in {"architectures", "training"})
)
def test_heavy_packages_are_imported_inside_functions_only(module):
    tops = {name.split(".")[0] for name, now in imports(module) if now}
    assert not tops & HEAVY


def test_every_named_layer_exists():
    named = {name for names in LAYERS for name in names} - {"web"}
    assert named <= {module.split(".")[0] for module in MODULES}


def test_the_command_line_starts_without_arrays():
    reached, todo = set(), ["", "__main__", "errors", "cli"]
    while todo:
        module = todo.pop()
        if module in reached:
            continue
        reached.add(module)
        todo += own(module, at_once=True)
        tops = {name.split(".")[0] for name, now in imports(module) if now}
        assert not tops & {"numpy", "cv2", "pyvips", "ai_edge_litert"}, module


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_stay_small(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300
