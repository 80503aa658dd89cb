"""The published label distribution learners and further ones, each usable without the harness.

Names load lazily, so that importing one learner does not import the libraries of the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see
    from baselines.aa_bp import AABP
    from baselines.aa_knn import AAKNN
    from baselines.base import LDLEstimator
    from baselines.bd_ldl import BDLDL
    from baselines.boosting import BoostingLDL
    from baselines.delta_ldl import DeltaLDL
    from baselines.df_ldl import DFLDL
    from baselines.dldl import DLDL
    from baselines.forests import ExtraTreesLDL, ForestLDL
    from baselines.kernel_ridge import KernelRidgeLDL
    from baselines.ldl4c import LDL4C
    from baselines.ldl_hr import LDLHR
    from baselines.ldl_lclr import LDLLCLR
    from baselines.ldl_lrr import LDLLRR
    from baselines.ldl_scl import LDLSCL
    from baselines.ldlf import LDLF
    from baselines.ldllc import LDLLC
    from baselines.ldlm import LDLM
    from baselines.ldlsf import LDLSF
    from baselines.ldsvr import LDSVR
    from baselines.logistic import LogisticLDL
    from baselines.lrldl import TKLRLDL, TLRLDL
    from baselines.pt_bayes import PTBayes
    from baselines.pt_svm import PTSVM
    from baselines.regressors import from_regressor
    from baselines.ridge import RidgeLDL
    from baselines.sa_bfgs import SABFGS
    from baselines.sa_cpnn import SACPNN
    from baselines.sa_iis import SAIIS
    from baselines.weighted_knn import WeightedKNN

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
    "RidgeLDL": "ridge",
    "KernelRidgeLDL": "kernel_ridge",
    "LogisticLDL": "logistic",
    "WeightedKNN": "weighted_knn",
    "ForestLDL": "forests",
    "ExtraTreesLDL": "forests",
    "BoostingLDL": "boosting",
    "BDLDL": "bd_ldl",
    "LDL4C": "ldl4c",
    "LDLHR": "ldl_hr",
    "LDLM": "ldlm",
    "LDLF": "ldlf",
    "DFLDL": "df_ldl",
    "DeltaLDL": "delta_ldl",
    "LDSVR": "ldsvr",
    "LDLLC": "ldllc",
    "LDLLCLR": "ldl_lclr",
    "LDLSF": "ldlsf",
    "LDLSCL": "ldl_scl",
    "LDLLRR": "ldl_lrr",
    "TLRLDL": "lrldl",
    "TKLRLDL": "lrldl",
    "from_regressor": "regressors",
}

# Written out, since type checkers take a name for exported only where it is listed.
__all__ = [
    "AABP",
    "AAKNN",
    "BDLDL",
    "DFLDL",
    "DLDL",
    "LDL4C",
    "LDLF",
    "LDLHR",
    "LDLLC",
    "LDLLCLR",
    "LDLLRR",
    "LDLM",
    "LDLSCL",
    "LDLSF",
    "LDSVR",
    "PTSVM",
    "SABFGS",
    "SACPNN",
    "SAIIS",
    "TKLRLDL",
    "TLRLDL",
    "BoostingLDL",
    "DeltaLDL",
    "ExtraTreesLDL",
    "ForestLDL",
    "KernelRidgeLDL",
    "LDLEstimator",
    "LogisticLDL",
    "PTBayes",
    "RidgeLDL",
    "WeightedKNN",
    "from_regressor",
]

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that loads

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'baselines' has no attribute {name!r}")
        return getattr(import_module(f"baselines.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
