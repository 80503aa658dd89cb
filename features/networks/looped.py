"""Many steps of a training in one call, on data that stays on the device.

Steps one by one (`features.networks.compiled`) have Python between them and a batch copied to the
device for each. Here TensorFlow and JAX go through a series in one compiled loop, and PyTorch,
which compiles nothing, goes through it without a copy and without waiting for a loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.networks.backend import backend_name, has_accelerator
from features.networks.compiled import Loss, gradient_step, to_numpy

#: Takes the data on the device and what a step has of the plan; returns inputs, targets, weights.
Read = Callable[[Any, Any], tuple[Any, Any, Any]]

#: Does the steps from one number to before another; returns their losses.
Advance = Callable[[int, int], NDArray[np.float32]]

#: Takes the data, a tuple of tensors, and the plan, a tuple of arrays with a row for every step;
#: opens a series of steps. The model's variables are up to date when it is left.
Loop = Callable[[Any, Any], AbstractContextManager[Advance]]


def compile_loop(model: Any, optimizer: Any, loss: Loss, read: Read) -> Loop:
    """Compile a loop over the steps of a training.

    Parameters
    ----------
    model, optimizer, loss
        As for `features.networks.compiled.compile_training`.
    read : callable
        Makes a batch of the data on the device, see `Read`.

    Returns
    -------
    callable
        See `Loop`. Data and plans of one shape compile once, however many steps are done in a call.
    """
    return _LOOPS[backend_name()](model, optimizer, loss, read)


def _loop_tensorflow(model: Any, optimizer: Any, loss: Loss, read: Read) -> Loop:
    import tensorflow as tf

    @partial(tf.function, jit_compile=has_accelerator(), autograph=False)
    def run(data: Any, plan: Any, start: Any, stop: Any) -> Any:
        def body(number: Any, losses: Any) -> tuple[Any, Any]:
            x, targets, weights = read(data, [part[number] for part in plan])
            with tf.GradientTape() as tape:
                value = loss(targets, model(x, training=True), weights)
            optimizer.apply(tape.gradient(value, model.trainable_weights))
            return number + 1, losses.write(number, value)

        count = plan[0].shape[0]
        none = tf.TensorArray(tf.float32, count, element_shape=())
        filled = none.unstack(tf.zeros(count))
        ended = tf.while_loop(
            lambda number, _: number < stop, body, (start, filled), parallel_iterations=1
        )
        return ended[1].stack()

    @contextmanager
    def steps(data: Any, plan: Any) -> Iterator[Advance]:
        sent = [tf.convert_to_tensor(part) for part in plan]

        def advance(start: int, stop: int) -> NDArray[np.float32]:
            losses = run(data, sent, tf.constant(start), tf.constant(stop))
            return np.asarray(losses)[start:stop]

        yield advance

    return steps


def jax_loop(model: Any, optimizer: Any, loss: Loss, read: Read) -> Callable[..., Any]:
    """Write the loop as a function of JAX, which is neither compiled nor keeps anything.

    It takes the state, the data, the plan and the numbers of the first step and of the one after
    the last; it returns the state and the losses of all steps, those of others being 0.
    """
    import jax

    step = gradient_step(model, optimizer, loss)

    def run(state: Any, data: Any, plan: Any, start: Any, stop: Any) -> Any:
        def body(number: Any, carried: Any) -> Any:
            state, losses = carried
            value, state = step(state, *read(data, [part[number] for part in plan]))
            return state, losses.at[number].set(value)

        return jax.lax.fori_loop(start, stop, body, (state, jax.numpy.zeros(len(plan[0]))))

    return run


def _loop_jax(model: Any, optimizer: Any, loss: Loss, read: Read) -> Loop:
    import jax

    from features.networks.compiled import model_state

    run = jax.jit(jax_loop(model, optimizer, loss, read), donate_argnums=0)

    @contextmanager
    def steps(data: Any, plan: Any) -> Iterator[Advance]:
        with model_state(model, optimizer) as held:
            sent = [jax.numpy.asarray(part) for part in plan]

            def advance(start: int, stop: int) -> NDArray[np.float32]:
                held.state, losses = run(held.state, data, sent, start, stop)
                return to_numpy(losses)[start:stop]

            yield advance

    return steps


def _loop_torch(model: Any, optimizer: Any, loss: Loss, read: Read) -> Loop:
    import keras
    import torch

    from features.networks.compiled import torch_step

    step = torch_step(model, optimizer, loss)

    @contextmanager
    def steps(data: Any, plan: Any) -> Iterator[Advance]:
        sent = [keras.ops.convert_to_tensor(part) for part in plan]

        def advance(start: int, stop: int) -> NDArray[np.float32]:
            losses = [
                step(*read(data, [part[number] for part in sent])) for number in range(start, stop)
            ]
            return to_numpy(torch.stack(losses))

        yield advance

    return steps


_LOOPS: dict[str, Callable[[Any, Any, Loss, Read], Loop]] = {
    "tensorflow": _loop_tensorflow,
    "jax": _loop_jax,
    "torch": _loop_torch,
}
