"""A backbone that is not trained: what it gives for images is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Images that go through the network at once.
_BATCH = 32


def activations(X: Any, backbone: str, weights: str, precision: str) -> NDArray[np.float32]:
    """Run a backbone on images, as `features.extract` does on those of a dataset.

    Parameters
    ----------
    X : array of shape (n, h, h, 3), uint8
        Read batch by batch.
    backbone, weights, precision
        See `features.networks.building.build_backbone` and `features.networks.backend.precision`.

    Returns
    -------
    ndarray of shape (n, width)
    """
    from features.networks import backend
    from features.networks.building import build_backbone
    from features.networks.compiled import compile_forward
    from features.networks.forward import Forward

    with backend.precision(precision):
        network = compile_forward(build_backbone(backbone, int(X.shape[1]), weights=weights))
    size = min(_BATCH, len(X))
    batches = (np.asarray(X[start : start + size]) for start in range(0, len(X), size))
    return np.concatenate(list(Forward(network, size).run(batches)))
