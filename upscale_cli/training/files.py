"""What a run reads: the photographs below some folders; and whether it can write where it shall."""

from __future__ import annotations

import os
from pathlib import Path

from upscale_cli.errors import InputError, MissingInputError, OutputError
from upscale_cli.image_io.formats import SUFFIXES, foreign, sniff

HELD_OUT = 10  # every tenth photograph is kept for validation where no folder is named for it


def picture_files(folders: list[Path]) -> list[Path]:
    """Return the pictures below ``folders``, each once, sorted by name, so that runs repeat.

    Hidden files and folders are left out, and what is no picture by content or name.

    Raises:
        MissingInputError: if one of them is no folder.
    """
    for folder in folders:
        if not folder.is_dir():
            raise MissingInputError(
                f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}",
                hint="name a folder of photographs",
            )
    files = sorted(
        file
        for folder in folders
        for file in folder.rglob("*")
        if not any(part[0] == "." for part in file.relative_to(folder).parts) and is_picture(file)
    )
    return list({file.resolve(): file for file in files}.values())


def is_picture(file: Path) -> bool:
    """Return whether ``file`` is called like a picture or begins like one, also like one that cannot be read:
    that is for the reader to say.
    """
    if not file.is_file():
        return False
    if file.suffix.lower() in SUFFIXES:
        return True
    with file.open("rb") as opened:
        head = opened.read(64)
    return bool(sniff(head) or foreign(head))


def split(data: list[Path], held_out: list[Path] | None) -> tuple[list[Path], list[Path]]:
    """Return the files to learn from and those to validate on.

    Raises:
        InputError: there are none of either.
    """
    files = picture_files(data)
    if held_out is None:
        files, checks = [f for k, f in enumerate(files) if k % HELD_OUT], files[::HELD_OUT]
    else:
        checks = picture_files(held_out)
        kept = {file.resolve() for file in checks}
        found, files = files, [file for file in files if file.resolve() not in kept]
        if found and not files:
            raise InputError(
                f"{named(data)}: all pictures are held out to validate on",
                hint="name others to learn from, or leave out --val",
            )
    if not checks or not files:
        raise InputError(
            f"{named(held_out if held_out and files else data)}: too few pictures",
            hint="two at least, and ten for a start",
        )
    return files, checks


def named(folders: list[Path]) -> str:
    """Return what folders are called in a message."""
    return ", ".join(map(str, folders))


def check_folder(folder: Path, option: str) -> None:
    """Raise OutputError if ``folder``, which ``option`` names, cannot be made or written to."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        why = "no permission" if there.is_dir() else "a file"
        raise OutputError(f"{there}: cannot be written to: {why}", hint=f"name another folder with {option}")
