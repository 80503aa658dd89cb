"""The harness: datasets, folds, measures, tasks, tables; the commands as functions.

Names load lazily, so that ``python -m benchmark --help`` imports next to nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "BenchmarkError": "errors",
    "UsageError": "errors",
    "ablation_table": "outputs",
    "check_plugin": "check",
    "compare": "outputs",
    "extract_features": "api",
    "figure": "outputs",
    "load_dataset": "datasets",
    "load_plugin": "registry",
    "make_dataset": "datasets",
    "models": "registry",
    "network_table": "outputs",
    "new_model": "check",
    "register": "registry",
    "report": "outputs",
    "run": "api",
    "significance": "outputs",
    "table": "outputs",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(import_module(f"benchmark.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
