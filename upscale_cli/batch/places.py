"""One absolute path for all the ways to name a file."""

from __future__ import annotations

import os


class Places:
    """Maps each path of a file to one absolute path, its place.

    Links and ``..`` in the folder part are followed; a link that is the file itself is not, since writing a
    result replaces the link, not what it leads to. Folders are looked up once.
    """

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        """Return the absolute path without links to folders."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)  # noqa: PTH118 - a request may name a million files
