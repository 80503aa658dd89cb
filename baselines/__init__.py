"""The published label distribution learners, each usable without the harness.

Names load lazily, so that importing one learner does not import the libraries of the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see
    from baselines.aa_bp import AABP
    from baselines.aa_knn import AAKNN
    from baselines.base import LDLEstimator
    from baselines.dldl import DLDL
    from baselines.pt_bayes import PTBayes
    from baselines.pt_svm import PTSVM
    from baselines.sa_bfgs import SABFGS
    from baselines.sa_cpnn import SACPNN
    from baselines.sa_iis import SAIIS

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

# Written out, since type checkers take a name for exported only where it is listed.
__all__ = [
    "AABP",
    "AAKNN",
    "DLDL",
    "PTSVM",
    "SABFGS",
    "SACPNN",
    "SAIIS",
    "LDLEstimator",
    "PTBayes",
]

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that loads

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'baselines' has no attribute {name!r}")
        return getattr(import_module(f"baselines.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
