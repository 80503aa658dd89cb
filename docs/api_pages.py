"""The pages of Python: every public name, from its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: What the pages of Python show beside the packages' own public names.
_FURTHER = {
    "ewmtcnn": ["ewmtcnn.wheel.wheel_distances", "ewmtcnn.wheel.prior_distributions"],
    "features": [],
}


def api_pages() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every page."""
    import baselines
    import benchmark
    import ewmtcnn
    from benchmark import metrics

    packages = {
        "benchmark": [n for n in benchmark.__all__ if not n.startswith("__")],
        "baselines": list(baselines.__all__),
        "ewmtcnn": list(ewmtcnn.__all__),
    }
    about = {
        "benchmark": "The harness: the commands as functions, and their answers.",
        "baselines": "The learners; each works without the harness, as a scikit-learn estimator.",
        "ewmtcnn": "The emotion wheel and the networks.",
    }
    for package, names in packages.items():
        listed = [f"{package}.{name}" for name in names] + _FURTHER.get(package, [])
        if package == "benchmark":
            listed += [f"benchmark.metrics.{name}" for name in metrics.__dict__
                       if _is_own_function(metrics, name)]  # fmt: skip
        yield from _autosummary(package, about[package], listed)
    features = [
        f"features.{module}.{name}"
        for module in ("extract", "pca")
        for name in _own_public(f"features.{module}")
    ]
    yield from _autosummary(
        "features", "From images to feature matrices, and their principal components.", features
    )
    yield (
        "api/index.rst",
        (
            "Python\n======\n\nEvery public name, from its docstring.\n\n.. toctree::\n"
            "   :maxdepth: 1\n\n   benchmark\n   baselines\n   ewmtcnn\n   features\n"
        ),
    )


def _is_own_function(module: Any, name: str) -> bool:
    value = getattr(module, name)
    return (
        not name.startswith("_")
        and getattr(value, "__module__", "").startswith(module.__name__)
        and callable(value)
    )


def _own_public(module: str) -> list[str]:
    from importlib import import_module

    loaded = import_module(module)
    return [
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == module
        and callable(value)
        and value.__doc__
    ]


def _autosummary(title: str, about: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield a package's list of names, and a page for each."""
    from importlib import import_module

    listed = "\n".join(f"   {name}" for name in names)
    yield (
        f"api/{title}.rst",
        (
            f"{title}\n{'=' * len(title)}\n\n{about}\n\n.. autosummary::\n   :toctree: generated\n"
            f"   :nosignatures:\n\n{listed}\n"
        ),
    )
    for name in names:
        module, _, short = name.rpartition(".")
        value = getattr(import_module(module), short)
        kind = "autofunction"
        if isinstance(value, type):
            kind = "autoexception" if issubclass(value, Exception) else "autoclass"
        members = "   :members:\n" if kind == "autoclass" else ""
        yield (
            f"api/generated/{name}.rst",
            (f"{name}\n{'=' * len(name)}\n\n.. {kind}:: {name}\n{members}"),
        )
