"""The harness: datasets, folds, measures, tasks, tables; the commands as functions.

Names load lazily, so that ``ldl-benchmark --help`` imports next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see
    from benchmark.commands.features import extract_features
    from benchmark.commands.leaderboard import leaderboard
    from benchmark.commands.listings import (
        check_model,
        check_plugin,
        fetch_dataset,
        known_datasets,
        measures,
        models,
        reference_results,
    )
    from benchmark.commands.run import run
    from benchmark.commands.show import compare, figure, report
    from benchmark.commands.show_tables import (
        ablation_table,
        network_table,
        significance,
        tuned_table,
    )
    from benchmark.commands.study import Study
    from benchmark.commands.submission import check_submission, make_submission
    from benchmark.commands.tables import table
    from benchmark.datasets import load_dataset, make_dataset
    from benchmark.errors import BenchmarkError, UsageError
    from benchmark.plugins.measures import register_measure
    from benchmark.plugins.new_model import new_model
    from benchmark.plugins.registry import load_plugin, register

    __version__: str

# A public name -> the module below this package that defines it.
_HOMES = {
    "BenchmarkError": "errors",
    "Study": "commands.study",
    "UsageError": "errors",
    "ablation_table": "commands.show_tables",
    "check_model": "commands.listings",
    "check_plugin": "commands.listings",
    "check_submission": "commands.submission",
    "compare": "commands.show",
    "extract_features": "commands.features",
    "fetch_dataset": "commands.listings",
    "figure": "commands.show",
    "known_datasets": "commands.listings",
    "leaderboard": "commands.leaderboard",
    "load_dataset": "datasets.loading",
    "load_plugin": "plugins.registry",
    "make_dataset": "datasets.base",
    "make_submission": "commands.submission",
    "measures": "commands.listings",
    "models": "commands.listings",
    "network_table": "commands.show_tables",
    "new_model": "plugins.new_model",
    "reference_results": "commands.listings",
    "register": "plugins.registry",
    "register_measure": "plugins.measures",
    "report": "commands.show",
    "run": "commands.run",
    "significance": "commands.show_tables",
    "table": "commands.tables",
    "tuned_table": "commands.show_tables",
}

# Written out, since type checkers take a name for exported only where it is listed.
__all__ = [
    "BenchmarkError",
    "Study",
    "UsageError",
    "__version__",
    "ablation_table",
    "check_model",
    "check_plugin",
    "check_submission",
    "compare",
    "extract_features",
    "fetch_dataset",
    "figure",
    "known_datasets",
    "leaderboard",
    "load_dataset",
    "load_plugin",
    "make_dataset",
    "make_submission",
    "measures",
    "models",
    "network_table",
    "new_model",
    "reference_results",
    "register",
    "register_measure",
    "report",
    "run",
    "significance",
    "table",
    "tuned_table",
]

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that loads

    def __getattr__(name: str) -> Any:
        from benchmark.installation import refuse_hidden, version

        if name == "__version__":
            return version()
        if name not in _HOMES:
            raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
        refuse_hidden()
        return getattr(import_module(f"benchmark.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
