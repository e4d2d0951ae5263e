"""What native/module.c gives; its docstrings say what each does."""

from typing import Any

from numpy.typing import NDArray

KIND: str

def prepare(block: int, shapes: NDArray[Any], weights: NDArray[Any], factors: NDArray[Any]) -> object: ...
def workspace(network: object, width: int) -> int: ...
def run(
    network: object, kind: str, luma: NDArray[Any], workspace: NDArray[Any], answer: NDArray[Any]
) -> None: ...
def luma(window: NDArray[Any], out: NDArray[Any]) -> None: ...
def add_detail(
    window: NDArray[Any],
    y: int,
    x: int,
    scale: int,
    answer: NDArray[Any],
    out: NDArray[Any],
    registers: int = 0,
) -> None: ...
