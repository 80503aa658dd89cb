"""Datasets: what one is, and how one is loaded by its name or from a file."""

from benchmark.datasets.base import Dataset, make_dataset
from benchmark.datasets.loading import BUILT_IN, is_synthetic, load_dataset

__all__ = ["BUILT_IN", "Dataset", "is_synthetic", "load_dataset", "make_dataset"]
