"""The emotion wheel, and the networks: EW-MTCNN and the classifiers of its comparison.

Names load lazily; nothing here loads Keras before a network is fitted.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and editors see
    from ewmtcnn.estimator import EWMTCNN, FineTunedCNN, FrozenCNN

__all__ = ["EWMTCNN", "FineTunedCNN", "FrozenCNN"]

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that loads

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'ewmtcnn' has no attribute {name!r}")
        return getattr(import_module("ewmtcnn.estimator"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
