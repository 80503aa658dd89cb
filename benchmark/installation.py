"""The project as Python finds it: its version, and whether its packages are those imported.

The names of the packages are ordinary words, which a user may give to a file of his own, and
Python looks first where a script lies; for ``python -m benchmark`` in the working folder.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

#: The folder that the packages of this project lie in.
HOME = Path(__file__).resolve().parent.parent

# Variables of libraries, of which one that is no number ends in a traceback: numpy's, tqdm's,
# scikit-learn's and joblib's. And those that choose how joblib starts processes, which is our part.
_NUMBERS = ("SOURCE_DATE_EPOCH", "TQDM_", "SKLEARN_", "LOKY_MAX_CPU_COUNT")
_OTHERS = ("JOBLIB_START_METHOD", "LOKY_PICKLER")

#: Packages of this project that `benchmark` imports.
OTHERS = ("baselines", "ewmtcnn", "features")


def version() -> str:
    """Return the version of this project, ``unknown`` where its sources are not installed."""
    from importlib import metadata  # takes longer than all of --help

    try:
        return metadata.version("ldl-benchmark")
    except metadata.PackageNotFoundError:
        return "unknown"


def entry_points(group: str) -> EntryPoints:
    """Return what installed packages offer, as `importlib.metadata.entry_points` does.

    That reads a file of every package each time, tens of milliseconds. Here it is done once until
    the search path or a folder of it changes, as when a package is installed.
    """
    changed = []
    for place in sys.path:
        with suppress(OSError):
            changed.append((place, Path(place).stat().st_mtime_ns))
    return _entry_points(group, tuple(changed))


@lru_cache(maxsize=8)
def _entry_points(group: str, _changed: tuple[tuple[str, int], ...]) -> EntryPoints:
    from importlib import metadata

    return metadata.entry_points(group=group)


def search_first_folder_last() -> None:
    """Let no file of the folder that Python searches first hide a package of this project.

    For ``python -m`` that is the working folder. Worker processes search in the same order as the
    process that starts them.
    """
    if not sys.flags.safe_path and _folder(sys.path[0]) != HOME:
        sys.path.append(sys.path.pop(0))


def refuse_no_folder() -> None:
    """Refuse to work where the working folder is gone.

    Raises
    ------
    UsageError
        It was deleted or cannot be entered, so that no relative path means anything.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            "the folder that this was started in is gone or cannot be entered "
            f"({error.strerror}); change into another one"
        ) from error


def drop_stray_variables() -> None:
    """Let no setting of a library in the environment end what needs none of them.

    Results do not depend on them; a number in ``LOKY_MAX_CPU_COUNT`` still bounds the processes.
    """
    for name, value in list(os.environ.items()):
        is_number = value.strip().lstrip("+-").isdecimal()
        if name in _OTHERS or (name.startswith(_NUMBERS) and not is_number):
            del os.environ[name]


def _folder(entry: str) -> Path | None:
    """Return what an entry of Python's search path means; None where the working folder is gone."""
    try:
        return Path(entry).resolve()
    except OSError:
        return None


def refuse_hidden() -> None:
    """Refuse to go on where a file of the user's hides a package of this project.

    Raises
    ------
    UsageError
        Names the file.
    """
    for name in OTHERS:
        spec = find_spec(name)
        if spec is None or spec.origin is None:  # a folder without code hides nothing
            continue
        found = Path(spec.origin).resolve()
        if found != HOME / name / "__init__.py":
            raise UsageError(
                f"{found} hides the package {name!r} of ldl-benchmark; rename it, or take its "
                f"folder out of where Python searches"
            )
