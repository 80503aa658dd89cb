"""The forward pass and the training step of a network, compiled for the backend that runs it.

Both return before the device is done, so that the next batch is made ready meanwhile; whoever needs
the numbers waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.networks.backend import backend_name, has_accelerator

Batch = NDArray[Any]

#: Takes targets, outputs and the rows' weights, as tensors; returns a number, as a tensor.
Loss = Callable[[Any, Any, Any], Any]

#: Takes a batch of inputs, targets and weights; returns the loss before the step, as a tensor.
Step = Callable[[Batch, Batch, Batch], Any]

#: Opens a series of steps. The model's variables are up to date when it is left.
Steps = Callable[[], AbstractContextManager[Step]]


def to_numpy(tensor: Any) -> NDArray[np.float32]:
    """Wait for a tensor of the backend, and return it as a NumPy array."""
    if backend_name() == "torch":  # keras.ops.convert_to_numpy warns under NumPy 2
        tensor = tensor.cpu()
    return np.asarray(tensor, dtype=np.float32)


def copy_out(variable: Any) -> NDArray[Any]:
    """Copy a variable of Keras into an array of its own type."""
    value = variable.value  # Keras' own copying warns under NumPy 2
    if backend_name() == "torch":
        value = value.detach().cpu()
    return np.array(value.numpy() if hasattr(value, "numpy") else value)


def compile_forward(model: Any) -> Callable[[Batch], Any]:
    """Compile the forward pass of a Keras model, without gradients, in inference mode.

    Parameters
    ----------
    model : keras.Model
        With one input and one output. Its weights may be assigned anew later.

    Returns
    -------
    callable
        Takes a batch (b, ...) and returns the output, float32, as a tensor (see `to_numpy`).
        Batches of one shape compile once.
    """
    import keras

    def forward(batch: Any) -> Any:
        return keras.ops.cast(model(batch, training=False), "float32")

    name = backend_name()
    if name == "tensorflow":
        import tensorflow as tf

        run = tf.function(forward, jit_compile=has_accelerator(), autograph=False)
        return lambda batch: run(tf.convert_to_tensor(batch))
    if name == "jax":
        import jax

        def stateless(trained: Any, other: Any, batch: Any) -> Any:
            output, _ = model.stateless_call(trained, other, batch, training=False)
            return keras.ops.cast(output, "float32")

        run = jax.jit(stateless)
        return lambda batch: run(
            _values(model.trainable_variables), _values(model.non_trainable_variables), batch
        )
    import torch

    def without_gradients(batch: Batch) -> Any:
        with torch.inference_mode():
            return forward(keras.ops.convert_to_tensor(batch))

    return without_gradients


def compile_training(model: Any, optimizer: Any, loss: Loss) -> Steps:
    """Compile the step of a training: forward, backward, update.

    Parameters
    ----------
    model : keras.Model
        With one input and one output. Its weights may be assigned anew between two series.
    optimizer : keras.Optimizer
        Built for the model's trainable variables.
    loss : callable
        See `Loss`.

    Returns
    -------
    callable
        See `Steps`. Batches of one shape compile once. A series left by an exception leaves
        variables that must be assigned before they are used.
    """
    return _TRAINING[backend_name()](model, optimizer, loss)


def _train_tensorflow(model: Any, optimizer: Any, loss: Loss) -> Steps:
    import tensorflow as tf

    @partial(tf.function, jit_compile=has_accelerator(), autograph=False)
    def step(x: Any, targets: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(targets, model(x, training=True), weights)
        optimizer.apply(tape.gradient(value, model.trainable_weights))
        return value

    @contextmanager
    def steps() -> Iterator[Step]:
        yield lambda *batch: step(*map(tf.convert_to_tensor, batch))

    return steps


@dataclass
class State:
    """JAX's values of a model's variables, and of its optimizer's, while steps are done."""

    state: Any


@contextmanager
def model_state(model: Any, optimizer: Any) -> Iterator[State]:
    """Take the values out of the variables, and put into them what they have become."""
    held = State(take_values(model, optimizer))
    yield held
    for group, values in zip(_groups(model, optimizer), held.state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def take_values(model: Any, optimizer: Any) -> tuple[list[Any], ...]:
    """Return JAX's values of a model's trained and other variables, and of its optimizer's."""
    return tuple(_values(group) for group in _groups(model, optimizer))


def _groups(model: Any, optimizer: Any) -> tuple[Any, Any, Any]:
    return model.trainable_variables, model.non_trainable_variables, optimizer.variables


def gradient_step(model: Any, optimizer: Any, loss: Loss) -> Callable[..., Any]:
    """Write a step as a function of JAX: from state and batch to loss and new state."""
    import jax

    def compute(trained: Any, other: Any, x: Any, targets: Any, weights: Any) -> Any:
        outputs, other = model.stateless_call(trained, other, x, training=True)
        return loss(targets, outputs, weights), other

    def advance(state: Any, *batch: Any) -> Any:
        trained, other, slots = state
        differentiate = jax.value_and_grad(compute, has_aux=True)
        (value, other), gradients = differentiate(trained, other, *batch)
        trained, slots = optimizer.stateless_apply(slots, gradients, trained)
        return value, (trained, other, slots)

    return advance


def _train_jax(model: Any, optimizer: Any, loss: Loss) -> Steps:
    import jax

    advance = jax.jit(gradient_step(model, optimizer, loss), donate_argnums=0)

    @contextmanager
    def steps() -> Iterator[Step]:
        with model_state(model, optimizer) as held:

            def step(*batch: Any) -> Any:
                value, held.state = advance(held.state, *batch)
                return value

            yield step

    return steps


def torch_step(model: Any, optimizer: Any, loss: Loss) -> Step:
    """Return a step of PyTorch: takes tensors, returns the loss before the step."""
    import torch

    def step(x: Any, targets: Any, weights: Any) -> Any:
        model.zero_grad()
        value = loss(targets, model(x, training=True), weights)
        value.backward()
        with torch.no_grad():
            optimizer.apply([variable.value.grad for variable in model.trainable_weights])
        return value.detach()

    return step


def _train_torch(model: Any, optimizer: Any, loss: Loss) -> Steps:
    import keras

    step = torch_step(model, optimizer, loss)

    @contextmanager
    def steps() -> Iterator[Step]:
        yield lambda *batch: step(*map(keras.ops.convert_to_tensor, batch))

    return steps


_TRAINING: dict[str, Callable[[Any, Any, Loss], Steps]] = {
    "tensorflow": _train_tensorflow,
    "jax": _train_jax,
    "torch": _train_torch,
}


def _values(variables: Any) -> list[Any]:
    return [variable.value for variable in variables]
