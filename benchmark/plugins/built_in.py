"""The models that come with this project, by name, and the groups in which tables show models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from benchmark.plugins.peer_methods import method_of

#: The paper's methods.
PAPER = {
    "PT-Bayes": "baselines:PTBayes",
    "PT-SVM": "baselines:PTSVM",
    "AA-kNN": "baselines:AAKNN",
    "AA-BP": "baselines:AABP",
    "SA-IIS": "baselines:SAIIS",
    "SA-BFGS": "baselines:SABFGS",
    "SA-CPNN": "baselines:SACPNN",
    "DLDL": "baselines:DLDL",
    "EW-MTCNN": "ewmtcnn:EWMTCNN",
}

#: Classifiers of the paper's Table 4. `run --all` leaves them out; they run where they are named.
CLASSIFIERS = {
    "CNN-fine-tuned": "ewmtcnn:FineTunedCNN",
    "CNN-frozen": "ewmtcnn:FrozenCNN",
}

#: Baselines that the paper does not have. They run with ``--extended``, and where they are named.
EXTENDED = {
    "Ridge": "baselines:RidgeLDL",
    "Kernel-ridge": "baselines:KernelRidgeLDL",
    "Logistic": "baselines:LogisticLDL",
    "Weighted-kNN": "baselines:WeightedKNN",
    "Forest": "baselines:ForestLDL",
    "Extra-trees": "baselines:ExtraTreesLDL",
    "Boosting": "baselines:BoostingLDL",
}

#: Methods of the last ten years, each from its paper. They run with ``--extended`` too.
NEWER = {
    "LDSVR": "baselines:LDSVR",
    "LDLF": "baselines:LDLF",
    "LDL4C": "baselines:LDL4C",
    "LDL-HR": "baselines:LDLHR",
    "LDLM": "baselines:LDLM",
    "DF-LDL": "baselines:DFLDL",
    "BD-LDL": "baselines:BDLDL",
    "Delta-LDL": "baselines:DeltaLDL",
    "LDLLC": "baselines:LDLLC",
    "LDL-LCLR": "baselines:LDLLCLR",
    "LDLSF": "baselines:LDLSF",
    "LDL-SCL": "baselines:LDLSCL",
    "LDL-LRR": "baselines:LDLLRR",
    "TLRLDL": "baselines:TLRLDL",
    "TKLRLDL": "baselines:TKLRLDL",
}

#: What runs with ``--extended``, and where it is named.
BEYOND_PAPER = {**EXTENDED, **NEWER}

#: The groups of models, in the order of the tables.
GROUPS = ("paper", "extended", "newer", "peer", "own")

#: The groups that tables set apart.
BEYOND = ("extended", "newer", "peer")

Row = TypeVar("Row")


def group_of(model: str) -> str:
    """Return the group of a model by the name under which it is registered.

    Variants and tuned rows belong to the group of their model.

    Returns
    -------
    {"paper", "extended", "newer", "peer", "own"}
        A method or classifier of the paper, one of `EXTENDED` or of `NEWER`, one of the peer
        library, or one that came with a plugin, a package or as a regressor.
    """
    if method_of(model):
        return "peer"
    if model in NEWER:
        return "newer"
    if model in EXTENDED:
        return "extended"
    return "paper" if model in PAPER or model in CLASSIFIERS else "own"


def in_groups(rows: Iterable[Row], model_of: Callable[[Row], str]) -> list[Row]:
    """Put rows in the order of their groups, where some go beyond the paper's methods.

    Without such, and within a group, rows stay in the order in which they were asked for.

    Parameters
    ----------
    rows : iterable
    model_of : callable
        Returns the registered name of a row's model.
    """
    found = list(rows)
    groups = [group_of(model_of(row)) for row in found]
    if not set(BEYOND) & set(groups):
        return found
    order = sorted(range(len(found)), key=lambda number: GROUPS.index(groups[number]))
    return [found[number] for number in order]
