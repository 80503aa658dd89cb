"""The instances that figures and report show one by one, and small pictures of them."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from benchmark.analysis.evidence import Evidence
from benchmark.datasets import Dataset
from benchmark.figures.samples import sampled_rows
from benchmark.metrics import MEASURES
from benchmark.planning.plan import Truth
from benchmark.store.run_folder import RunFolder
from features.storage.files import DamagedFileError, slug

#: Side of a picture in pixels; like the networks' input it is a square, whatever the image is.
SIDE = 96

# At most so many instances of a dataset are shown, fewer where many datasets share a report, or
# many models: so many pictures and so many predicted shares go into one.
_MOST_ROWS, _MOST_PICTURES, _MOST_SHARES = 400, 2000, 400_000
_FEWEST_ROWS = 40

# For every model so many of its best and of its worst predictions are among them.
_EXTREMES = 10

_KL = [measure.name for measure in MEASURES].index("kl_divergence")


def shown_rows(evidence: Evidence, dataset: str) -> list[int]:
    """Choose the instances of a dataset that the report shows one by one.

    All of them, if they are few. Otherwise the best and the worst of every model by KL divergence,
    those of Figures 1 and 4, and others drawn at random with the run's seed.

    Returns
    -------
    list of int
        Row numbers in ascending order.
    """
    truth = evidence.plan.truths[dataset]
    n, c = truth.D.shape
    models = evidence.plan.models_of(dataset)
    per_row = (len(models) + 3) * c * len(evidence.plan.truths)
    limit = min(_MOST_ROWS, _MOST_SHARES // per_row, _MOST_PICTURES // len(evidence.plan.truths))
    limit = max(limit, _FEWEST_ROWS)
    if n <= limit:
        return list(range(n))
    chosen = set(sampled_rows(evidence, dataset))
    extremes = min(_EXTREMES, max(1, limit // (4 * max(len(models), 1))))
    for model in models:
        values = evidence.values[dataset][model][:, _KL]
        order = [int(row) for row in np.argsort(values, kind="stable") if not np.isnan(values[row])]
        chosen |= {*order[:extremes], *order[len(order) - extremes :]}
    digits = int(truth.fingerprint[:8], 16)
    seed = np.random.SeedSequence(evidence.plan.seed, spawn_key=(digits, 1))
    drawn = (int(row) for row in np.random.default_rng(seed).permutation(n))
    for row in drawn:
        if len(chosen) >= limit:
            break
        chosen.add(row)
    return sorted(chosen)


def keep_pictures(folder: RunFolder, dataset: Dataset, rows: Iterable[int]) -> None:
    """Store small pictures of some instances in the run folder, beside those that are there.

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
    # Those that no one asks for any more go, so that the file does not grow from run to run.
    pictures = {row: known.get(row) or _picture(dataset, row) for row in sorted(wanted)}
    arrays = {
        "fingerprint": np.array(dataset.fingerprint),
        "rows": np.array(list(pictures), dtype=np.int64),
        "ends": np.cumsum([len(picture) for picture in pictures.values()]),
        "bytes": np.frombuffer(b"".join(pictures.values()), dtype=np.uint8),
    }
    folder.write_arrays(_path(dataset.name), arrays)


def read_pictures(folder: RunFolder, name: str, fingerprint: str) -> dict[int, bytes]:
    """Read what `keep_pictures` stored: row to JPEG file; nothing where that is lost or damaged."""
    try:
        arrays = folder.read_arrays(_path(name))
        if str(arrays["fingerprint"]) != fingerprint:
            return {}
        whole = arrays["bytes"].tobytes()
        ends = [0, *map(int, arrays["ends"])]
        rows = map(int, arrays["rows"])
        return {row: whole[a:b] for row, a, b in zip(rows, ends[:-1], ends[1:], strict=True)}
    except (OSError, KeyError, DamagedFileError):
        return {}


def pictures_of(folders: Iterable[RunFolder], truth: Truth) -> dict[int, bytes]:
    """Read the pictures of a dataset from all folders that have some."""
    found: dict[int, bytes] = {}
    for folder in folders:
        found = {**read_pictures(folder, truth.name, truth.fingerprint), **found}
    return found


def _path(name: str) -> str:
    return f"data/{slug(name)}-pictures.npz"


def _picture(dataset: Dataset, row: int) -> bytes:
    assert dataset.images is not None  # noqa: S101 - the caller has looked
    buffer = io.BytesIO()
    Image.fromarray(dataset.images.load(row, SIDE)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
