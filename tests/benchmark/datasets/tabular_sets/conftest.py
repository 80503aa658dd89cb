"""A small tabular set of the test's own in the catalogue."""

from __future__ import annotations

import hashlib
import io
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.datasets import fetching
from benchmark.datasets import loading as by_name
from benchmark.datasets.tabular_sets import catalogue, loading
from benchmark.datasets.tabular_sets.catalogue import TabularSet


@pytest.fixture
def tiny(monkeypatch):
    """The only set in the catalogue: Tiny, 40 rows, 3 features, 4 labels."""
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(40, 3)), rng.dirichlet(np.ones(4), 40)

    def written(X=X, D=D):
        file = io.BytesIO()
        savemat(file, {"features": X, "labels": D})
        return file.getvalue()

    content = written()
    known = TabularSet(
        "Tiny", 40, 3, 4, "4 labels", len(content), hashlib.sha256(content).hexdigest(), "Tiny 2026"
    )
    for module in (catalogue, loading, by_name):
        monkeypatch.setattr(module, "tabular_sets", lambda: (known,))
    monkeypatch.setattr(fetching, "all_tabular_sets", lambda: (known,))
    return SimpleNamespace(known=known, content=content, X=X, D=D, written=written)
