"""The harness: datasets, folds, measures, tasks, tables; the commands as functions.

Names load lazily, so that ``python -m benchmark --help`` imports next to nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "BenchmarkError": "errors",
    "UsageError": "errors",
    "ablation_table": "commands.show",
    "check_plugin": "plugins.contract",
    "compare": "commands.show",
    "extract_features": "commands.run",
    "figure": "commands.show",
    "load_dataset": "datasets.loading",
    "load_plugin": "plugins.registry",
    "make_dataset": "datasets.base",
    "models": "plugins.registry",
    "network_table": "commands.show",
    "new_model": "plugins.new_model",
    "register": "plugins.registry",
    "report": "commands.show",
    "run": "commands.run",
    "significance": "commands.show",
    "table": "commands.show",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(import_module(f"benchmark.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
