"""SGD with two rates: one for the backbone, one for the layers after it.

``keras.optimizers.MultiOptimizer`` with an SGD for each rate was tried (Keras 3.15.1, the network
of `small` with a wheel, 10 steps of 32 images). It gives the same bits on TensorFlow and JAX and
takes as long, but other bits on PyTorch, where Keras replaces its own SGD by another. It has no L2
penalty of single variables, since Keras' decay of weights acts beside the momentum. And it keeps a
counter and a rate for each optimizer, 20 arrays instead of 16, so that no checkpoint of an earlier
version could be gone on with.
"""

from __future__ import annotations

from typing import Any

import keras


class TwoRateSGD(keras.optimizers.SGD):  # type: ignore[misc]  # Keras is untyped
    """SGD whose rate depends on the variable.

    With velocity m: m = momentum m - rate (gradient + decay w), w = w + m.

    Parameters
    ----------
    rates, decays : list of float
        Learning rate of each trainable variable, and its factor of the L2 penalty, in the order
        in which the optimizer is built.
    momentum : float
        From 0 to below 1.
    """

    def __init__(self, rates: list[float], decays: list[float], momentum: float):
        super().__init__(learning_rate=1.0, momentum=momentum)
        self.rates, self.decays = rates, decays
        self._of: dict[int, tuple[float, float]] = {}

    def build(self, variables: list[Any]) -> None:
        """Make the velocities, and note which rate and decay each variable has."""
        super().build(variables)
        for variable, rate, decay in zip(variables, self.rates, self.decays, strict=True):
            # TensorFlow's updates get what is in Keras' variable, and the others the variable.
            for handle in (variable, variable.value):
                self._of[id(handle)] = (rate, decay)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        rate, decay = self._of[id(variable)]
        if decay:
            gradient = gradient + decay * keras.ops.convert_to_tensor(variable)
        super().update_step(gradient, variable, learning_rate * rate)
