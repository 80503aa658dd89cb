"""Where the files of public sets lie: the data folder, and what is a little below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: Where public sets are looked up and put unless told otherwise.
DATA_DIR = Path("data")


def folders_in(top: Path, depth: int = 2) -> Iterator[Path]:
    """List a folder and those below it, hidden ones aside, the nearest first."""
    level = [top] if top.is_dir() else []
    for remaining in range(depth, -1, -1):
        yield from level
        if remaining:
            level = [child for folder in level for child in _children(folder, folder != top)]


def _children(folder: Path, may_be_closed: bool) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    except PermissionError:
        if may_be_closed:  # such as lost+found
            return []
        raise
    return [folder / name for name in sorted(names)]
