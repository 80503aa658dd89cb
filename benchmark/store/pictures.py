"""Small pictures of instances in the run folder, for figures and the report."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from benchmark.datasets import Dataset
from benchmark.planning.plan import Truth
from benchmark.store.run_folder import RunFolder
from features.storage.files import slug

#: Side of a picture in pixels. Pictures are square, as the networks see the images.
SIDE = 96


def keep_pictures(folder: RunFolder, dataset: Dataset, rows: Iterable[int]) -> None:
    """Store small pictures of some instances; nothing for a dataset without images.

    Pictures that are stored already are taken over, those of other rows are dropped.

    Parameters
    ----------
    folder : RunFolder
    dataset : Dataset
    rows : iterable of int
        Row numbers of the instances.

    Raises
    ------
    BenchmarkError
        The folder cannot be written.
    """
    if dataset.images is None:
        return
    known = read_pictures(folder, dataset.name, dataset.fingerprint)
    wanted = set(rows)
    if wanted <= known.keys():
        return
    # Only the wanted rows are written, so that the file does not grow from run to run.
    pictures = {row: known.get(row) or _picture(dataset, row) for row in sorted(wanted)}
    arrays = {
        "fingerprint": np.array(dataset.fingerprint),
        "rows": np.array(list(pictures), dtype=np.int64),
        "ends": np.cumsum([len(picture) for picture in pictures.values()]),
        "bytes": np.frombuffer(b"".join(pictures.values()), dtype=np.uint8),
    }
    folder.write_arrays(_path(dataset.name), arrays)


def read_pictures(folder: RunFolder, name: str, fingerprint: str) -> dict[int, bytes]:
    """Read what `keep_pictures` stored.

    Parameters
    ----------
    folder : RunFolder
    name, fingerprint : str
        Of the dataset; pictures of other data under the same name are not returned.

    Returns
    -------
    dict of int to bytes
        Row to JPEG file; empty where the file is missing or damaged.
    """
    try:
        arrays = folder.read_arrays(_path(name))
        if str(arrays["fingerprint"]) != fingerprint:
            return {}
        whole = arrays["bytes"].tobytes()
        ends = [0, *map(int, arrays["ends"])]
        rows = map(int, arrays["rows"])
        return {row: whole[a:b] for row, a, b in zip(rows, ends[:-1], ends[1:], strict=True)}
    except (OSError, KeyError, ValueError, TypeError):  # a damaged file is a ValueError
        return {}


def pictures_of(folders: Iterable[RunFolder], truth: Truth) -> dict[int, bytes]:
    """Read the pictures of a dataset from several run folders: row to JPEG file."""
    found: dict[int, bytes] = {}
    for folder in folders:
        found = {**read_pictures(folder, truth.name, truth.fingerprint), **found}
    return found


def _path(name: str) -> str:
    return f"data/{slug(name)}-pictures.npz"


def _picture(dataset: Dataset, row: int) -> bytes:
    assert dataset.images is not None  # noqa: S101 - `keep_pictures` has checked
    buffer = io.BytesIO()
    Image.fromarray(dataset.images.load(row, SIDE)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
