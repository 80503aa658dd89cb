"""What must be the same on a worker as here, so that results are: code, Python and libraries."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmark.running import environment
from features.networks.backend import DETERMINISTIC

_ROOT = Path(__file__).resolve().parents[3]
_PACKAGES = ("baselines", "benchmark", "ewmtcnn", "features")
_CODE = "the code of this project"


def identity(backend: str = "", packages: Iterable[str] = ()) -> dict[str, str]:
    """Return what identifies this process, by name.

    Parameters
    ----------
    backend : str
        Keras' backend, where networks are to be run.
    packages : iterable of str
        Installed packages that models come from.
    """
    found = environment.versions(backend)
    if backend:
        found[DETERMINISTIC] = os.environ.get(DETERMINISTIC) or "0"
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {**found, _CODE: loaded_code()}


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Say what is not the same there as here."""
    names = [*here, *(name for name in there if name not in here)]
    found = [(name, here.get(name, "none"), there.get(name, "none")) for name in names]
    return [f"{name} {its} (here {ours})" for name, ours, its in found if ours != its]


@cache
def loaded_code() -> str:
    """Hash this project's source files, as they were when this process first asked."""
    return code_of(_ROOT)


def code_of(root: Path) -> str:
    """Hash the source files of the packages in a folder; returns the start of it."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:12]


def changed_since_start() -> str:
    """Say that the source files are not those any more that this process has loaded, or nothing."""
    now = code_of(_ROOT)
    return "" if now == loaded_code() else "its source files have changed since it was started"
