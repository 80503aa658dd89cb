"""The emotion wheel, and the networks: EW-MTCNN and the classifiers of its comparison.

Names load lazily; nothing here loads Keras before a network is fitted.
"""

from importlib import import_module
from typing import Any

__all__ = ["EWMTCNN", "FineTunedCNN", "FrozenCNN"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ewmtcnn' has no attribute {name!r}")
    return getattr(import_module("ewmtcnn.estimator"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
