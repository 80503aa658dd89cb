"""SGD with two rates: one for the backbone, one for the layers after it.

``keras.optimizers.MultiOptimizer`` with an SGD for each rate was tried (Keras 3.15.1, the network
of `small` with a wheel, 10 steps of 32 images). It gives the same bits on TensorFlow and JAX and
takes as long, but other bits on PyTorch, where Keras replaces its own SGD by another. It has no L2
penalty of single variables, since Keras' decay of weights acts beside the momentum. And it keeps a
counter and a rate for each optimizer, 20 arrays instead of 16, so that no checkpoint of an earlier
version could be gone on with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from features.networks.accelerated import SGDStep, move_at_once
from features.networks.backend import backend_name, has_accelerator


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
        self.trained: Callable[[], list[Any]] = list

    def build(self, variables: list[Any]) -> None:
        """Make the velocities, and note which rate and decay each variable has."""
        super().build(variables)
        self.trained = lambda: variables  # Keras would count a list of them as its own
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

    def apply(self, grads: list[Any], trainable_variables: Any = None) -> None:
        """Update all variables; on a GPU with PyTorch those of one rate and decay at once.

        One by one it takes about five times as long there, see `results/perf.md`.
        """
        if backend_name() == "torch" and has_accelerator():
            self.apply_at_once(grads)
        else:
            super().apply(grads, trainable_variables)

    def apply_at_once(self, gradients: list[Any]) -> None:
        """Update all variables that the optimizer was built for, PyTorch's tensors, in place."""
        variables = self.trained()
        groups: dict[tuple[float, float], list[int]] = {}
        for number, group in enumerate(zip(self.rates, self.decays, strict=True)):
            groups.setdefault(group, []).append(number)
        for (rate, decay), members in groups.items():
            move_at_once(
                [variables[number].value for number in members],
                [self.momentums[number].value for number in members],
                [gradients[number] for number in members],
                SGDStep(rate, decay, self.momentum),
            )
        self.iterations.assign_add(1)
