"""Damaged files of features and labels: a dataset or a sentence, and never another dataset where a
checksum could tell."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from damage import damaged
from scipy.io import savemat
from scipy.sparse import csc_matrix

from benchmark.datasets import Dataset, load_dataset
from benchmark.errors import BenchmarkError

RNG = np.random.default_rng(0)
X, D = RNG.normal(size=(60, 20)), RNG.dirichlet(np.ones(6), 60)
SPARSE = csc_matrix(np.where(X > 1, X, 0))
NAMES = np.array(["anger", "disgust", "fear", "joy", "sadness", "surprise"], dtype=object)


def matlab(features=X, **how) -> bytes:
    file = io.BytesIO()
    savemat(file, {"features": features, "labels": D, "label_names": NAMES}, **how)
    return file.getvalue()


def cells() -> bytes:
    """Cells where most of the damage is: at the beginning."""
    file = io.BytesIO()
    savemat(file, {"label_names": NAMES, "features": X, "labels": D})
    return file.getvalue()


def version_4(features=X) -> bytes:
    file = io.BytesIO()
    savemat(file, {"features": features, "labels": D}, format="4")
    return file.getvalue()


def version_7_3() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", userblock_size=512) as content:
        write = {"compression": "gzip"}
        for name, matrix in (("features", X), ("labels", D)):
            content.create_dataset(name, data=matrix.T, **write).attrs["MATLAB_class"] = b"double"
        references = []
        for k, text in enumerate(NAMES):
            codes = np.array([list(text.encode("utf-16-le")[::2])], dtype=np.uint16).T
            node = content.create_dataset(f"#refs#/{k}", data=codes)
            node.attrs["MATLAB_class"] = b"char"
            references.append(node.ref)
        cells = np.array([references], dtype=h5py.ref_dtype).T
        content.create_dataset("label_names", data=cells).attrs["MATLAB_class"] = b"cell"
    data = bytearray(file.getvalue())
    data[:128] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    return bytes(data)


def table() -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(X.shape[1])])
    frame[[f"label:{name}" for name in NAMES]] = D
    return frame.assign(id=[f"image{row}.jpg" for row in range(len(X))])


def npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, features=X, labels=D, label_names=NAMES.astype(str))
    return file.getvalue()


def feather(**how) -> bytes:
    file = io.BytesIO()
    table().to_feather(file, **how)
    return file.getvalue()


def parquet(**how) -> bytes:
    file = io.BytesIO()
    table().to_parquet(file, **how)
    return file.getvalue()


#: What a file is -> its ending, its bytes, whether a checksum covers its values.
FILES: dict[str, tuple[str, Callable[[], bytes], bool]] = {
    "mat-4": (".mat", version_4, False),
    "mat-4-sparse": (".mat", lambda: version_4(SPARSE), False),
    "mat-5": (".mat", matlab, False),
    "mat-5-compressed": (".mat", lambda: matlab(do_compression=True), True),
    "mat-5-cells": (".mat", cells, False),
    "mat-sparse": (".mat", lambda: matlab(SPARSE), False),
    "mat-7.3": (".mat", version_7_3, False),
    "csv": (".csv", lambda: table().to_csv(index=False).encode(), False),
    "npz": (".npz", npz, True),
    "feather": (".feather", lambda: feather(compression="uncompressed"), False),
    "feather-compressed": (".feather", feather, False),
    "parquet": (".parquet", parquet, False),
    "parquet-checksums": (".parquet", lambda: parquet(write_page_checksum=True), True),
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_a_dataset_or_a_sentence(name, seeds, tmp_path):
    ending, make, has_checksum = FILES[name]
    content = make()
    path = tmp_path / f"data{ending}"
    path.write_bytes(content)
    whole = load_dataset(path)
    read = 0
    for seed in seeds:
        path.write_bytes(damaged(content, seed))
        loaded, sentence = reading(path)
        if loaded is None:
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", sentence), seed
            assert "data" in sentence, seed  # the file or the dataset is named
        elif has_checksum:
            assert loaded.fingerprint == whole.fingerprint, seed
        read += loaded is not None
    assert read < len(seeds)


def reading(path: Path) -> tuple[Dataset | None, str]:
    try:
        return load_dataset(path), ""
    except BenchmarkError as error:
        return None, str(error)
