"""The published label distribution learners, each usable without the harness.

Names load lazily, so that importing one learner does not import the libraries of the others.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "LDLEstimator": "base",
    "PTBayes": "pt_bayes",
    "PTSVM": "pt_svm",
    "AAKNN": "aa_knn",
    "AABP": "aa_bp",
    "SAIIS": "sa_iis",
    "SABFGS": "sa_bfgs",
    "SACPNN": "sa_cpnn",
    "DLDL": "dldl",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'baselines' has no attribute {name!r}")
    return getattr(import_module(f"baselines.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
