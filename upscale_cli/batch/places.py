"""Where the names of files lead, so that two names of one file are known to be one."""

from __future__ import annotations

import os


class Places:
    """Tells a file's place from any of its paths: two paths of one name in one folder have one place.

    Links and ``..`` on the way to the folder are followed, a link of the file's own name is not: writing a
    result replaces such a link, not what it leads to. Folders are looked up once.
    """

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        """Return the absolute path without links to folders."""
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)  # noqa: PTH118 - a request may name a million files
