"""Datasets: what one is, and how one is loaded by its name or from a file.

Names load lazily, so that the catalogues can be read without numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see
    from benchmark.datasets.base import Dataset, make_dataset
    from benchmark.datasets.loading import BUILT_IN, is_synthetic, load_dataset

_HOMES = {
    "BUILT_IN": "loading",
    "Dataset": "base",
    "is_synthetic": "loading",
    "load_dataset": "loading",
    "make_dataset": "base",
}

__all__ = ["BUILT_IN", "Dataset", "is_synthetic", "load_dataset", "make_dataset"]

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that loads

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'benchmark.datasets' has no attribute {name!r}")
        return getattr(import_module(f"benchmark.datasets.{_HOMES[name]}"), name)
