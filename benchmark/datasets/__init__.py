"""Datasets by name or by file."""

from __future__ import annotations

import re
from pathlib import Path

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.errors import UsageError, did_you_mean

__all__ = ["BUILT_IN", "Dataset", "load_dataset", "make_dataset"]

#: Built-in name -> one line for people.
BUILT_IN = {
    "synthetic": "600 drawn images with known latent emotion distributions; "
    "synthetic:N or synthetic:NxSIZE for other sizes",
}

_SYNTHETIC = re.compile(r"synthetic(?::(\d+)(?:x(\d+))?)?", re.IGNORECASE)


def load_dataset(name_or_path: str | Path, data_dir: str | Path | None = None) -> Dataset:
    """Load a dataset by its name, or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        ``synthetic`` (also ``synthetic:1000`` or ``synthetic:1000x128`` for number of images
        and their size in pixels), or the path of a ``.mat``, ``.csv`` or ``.parquet`` file.
    data_dir : str or Path, optional
        Folder in which a relative path is looked up when it does not exist here.

    Returns
    -------
    Dataset

    Raises
    ------
    UsageError
        Unknown name, missing or unreadable file, or malformed data.
    """
    from benchmark.datasets.tabular import READERS

    text = str(name_or_path)
    match = _SYNTHETIC.fullmatch(text)
    if match:
        from benchmark.datasets.synthetic import load_synthetic

        n, size = (int(group) if group else None for group in match.groups())
        return load_synthetic(*[value for value in (n, size) if value is not None])
    candidates = [Path(text)] + ([Path(data_dir) / text] if data_dir else [])
    reader = READERS.get(Path(text).suffix.lower())
    if reader is None:
        raise UsageError(
            f"no dataset named {text!r}: give one of {', '.join(BUILT_IN)}, or the path of a "
            f"{', '.join(READERS)} file{did_you_mean(text, BUILT_IN)}"
        )
    for path in candidates:
        try:
            found = path.is_file()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        if found:
            return reader(path)
    raise UsageError(f"no such file: {' or '.join(str(path) for path in candidates)}")
