"""A library of threads that the process has not loaded yet."""

from __future__ import annotations

import ctypes
import shutil
from importlib.metadata import files
from pathlib import Path

import pytest


def copy_openmp(folder: Path) -> Path:
    """Copy one of scikit-learn's libraries, and skip the test where it has none of its own."""
    own = [file for file in files("scikit-learn") or () if file.name.startswith("libgomp")]
    if not own:
        pytest.skip("scikit-learn brings no library of threads here")
    return Path(shutil.copy(own[0].locate(), folder / "libgomp-copy.so"))


def load_with_threads(path: Path, threads: int) -> ctypes.CDLL:
    """Load it, and have it use so many threads."""
    library = ctypes.CDLL(str(path))
    library.omp_set_num_threads(threads)
    return library
