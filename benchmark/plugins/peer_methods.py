"""The methods of the peer library python-ldl: a table, so that listing them does not import it.

The table is ``peer_methods.json``. A test holds it against the library where that is installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import all_suffixes
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark.errors import UsageError
from features.names import did_you_mean, name_key

#: What stands before the name of one of its methods.
PREFIX = "PyLDL:"

#: The version that the table was made of.
VERSION = "0.1.2"

#: What installs the library, as a part of a sentence.
EXTRA = "pip install 'ldl-benchmark[pyldl]'"

#: The command that makes the modules which the library's wheel has as C code only.
COMPILE = "python -m benchmark.plugins.peer_compile"

Values = Mapping[str, Any]
Space = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Method:
    """One algorithm of the library.

    Attributes
    ----------
    name : str
        Of its class in ``pyldl.algorithms``.
    citation : str
        As `baselines.LDLEstimator` has it; the year is its last word.
    given : mapping
        Parameters of its constructor with the library's defaults.
    fitting : mapping
        The same of its ``fit``.
    space : mapping
        What tuning may choose from, see `baselines.LDLEstimator`.
    needs : str
        ``keras``, ``tensorflow_probability`` beside that, ``compiled`` for a module that the wheel
        has as C code only, or empty.
    probabilities : bool
        Whether ``predict`` gives classes, and ``predict_proba`` the distributions.
    """

    name: str
    citation: str
    given: Values = field(default_factory=dict)
    fitting: Values = field(default_factory=dict)
    space: Space = field(default_factory=dict)
    needs: str = ""
    probabilities: bool = False

    @property
    def is_network(self) -> bool:
        """Whether Keras computes it."""
        return self.needs in ("keras", "tensorflow_probability")

    @property
    def year(self) -> int:
        """When it was published."""
        return int(self.citation.rpartition(" ")[2])


def _read() -> dict[str, Method]:
    content = (Path(__file__).parent / "peer_methods.json").read_text(encoding="utf-8")
    return {name: Method(name, **of_method) for name, of_method in json.loads(content).items()}


#: The methods whose task is the ordinary one: features and distributions in, distributions out.
METHODS = _read()

_BY_KEY = {name_key(f"{PREFIX}{name}"): method for name, method in METHODS.items()}

#: What has to be told a method before it can run, and how.
NOT_KNOWN = {
    "LDL_DVS": "it needs to know which labels are positive and which negative: give pos and neg, a "
    f'number for each label, under [models."{PREFIX}LDL_DVS"] in a protocol'
}

_ENHANCES = "label enhancement: it makes distributions of labels that are 0 or 1"
_INCOMPLETE = "incomplete labels: it needs to be told which shares are missing"
_GRADED = "another target: grades between two bounds instead of a distribution"
_BASE = "a base class of others"

#: What else the library offers, and why it cannot be run here.
LEFT_OUT = {
    **dict.fromkeys(("LIBLE", "ConLE", "LEVI", "GLLE", "ML", "LP", "KM", "FCM"), _ENHANCES),
    **dict.fromkeys(("IncomLDL", "WInLDL"), _INCOMPLETE),
    "SSG_LDL": "oversampling: it makes further training rows and predicts nothing",
    "LDL_DA": "domain adaptation: it needs a second dataset to learn from",
    **dict.fromkeys(("GLD_SVR", "GLD_KNN", "GLD_BFGS"), _GRADED),
    **dict.fromkeys(("_S_LDL", "_LRLDL", "_SA", "_PT"), _BASE),
}


def peer_names() -> list[str]:
    """Return the names of the methods, as on the command line."""
    return [f"{PREFIX}{name}" for name in METHODS]


def targets() -> dict[str, str]:
    """Return the names with the targets of their classes."""
    return {f"{PREFIX}{name}": f"benchmark.plugins.peer_library:{name}" for name in METHODS}


def method_of(model: str) -> Method | None:
    """Return the method that a model's name stands for, case aside; None for another model."""
    return _BY_KEY.get(name_key(model))


def refuse_unknown(model: str) -> None:
    """Refuse a name with the library's prefix that is none of its methods.

    Raises
    ------
    UsageError
        Says why one is left out, or which may be meant.
    """
    if not name_key(model).startswith(name_key(PREFIX)) or method_of(model):
        return
    wanted = model[len(PREFIX) :]
    for name, reason in LEFT_OUT.items():
        if name_key(name) == name_key(wanted):
            raise UsageError(f"{PREFIX}{name} cannot be run: {reason}")
    near = did_you_mean(model, peer_names())
    raise UsageError(f"python-ldl has no method {wanted!r}{near} (it has: {', '.join(METHODS)})")


def missing(method: Method) -> str:
    """Say what has to be installed before a method can run here; empty if nothing.

    Imports nothing.
    """
    spec = find_spec("pyldl")
    if spec is None:
        return f"python-ldl is not installed ({EXTRA})"
    if method.needs == "compiled" and not _has_compiled(spec.submodule_search_locations):
        return f"python-ldl's wheel has its trees as C code only ({COMPILE} compiles it)"
    needed = ("keras", method.needs) if method.is_network else ()
    return next(
        (f"{name} is not installed ({EXTRA})" for name in needed if find_spec(name) is None), ""
    )


def refuse_missing() -> None:
    """Refuse to plan the library's methods where it is not installed.

    Raises
    ------
    UsageError
        Says what installs it.
    """
    if find_spec("pyldl") is None:
        raise UsageError(f"the methods {PREFIX}... need python-ldl: {EXTRA}")


@cache
def source() -> str:
    """Name the library and its version, a part of the key of its results."""
    try:
        return f"python-ldl=={version('python-ldl')}"
    except PackageNotFoundError:
        return "python-ldl"


def _has_compiled(folders: Any) -> bool:
    return any(
        (Path(folder) / "algorithms" / f"_tree{suffix}").is_file()
        for folder in folders or ()
        for suffix in all_suffixes()
    )
