"""Trains networks of several folds at once, on JAX: where one alone leaves a device idle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike

from features.arrays import FloatArray, IntArray
from features.storage.sharded_array import Rows

if TYPE_CHECKING:
    from ewmtcnn.base import NetworkEstimator
    from ewmtcnn.trainer import Trainer


# The compiled loop of a trainer, for as long as the process keeps that.
_compiled: WeakKeyDictionary[Trainer, Callable[..., Any]] = WeakKeyDictionary()


def fit_folds(
    models: Sequence[NetworkEstimator], X: Any, D: ArrayLike, folds: Sequence[IntArray]
) -> None:
    """Fit a network on each fold, all of them in one compiled loop.

    Every model becomes what ``model.fit(X[rows], D[rows])`` makes it, but for rounding. The memory
    of a step is that of all folds; the next call with models, rows and folds of the same kind
    compiles nothing. No run does this by itself: on a CPU it pays for new layers on narrow
    activations only, and what it gains on a GPU has not been measured.

    Parameters
    ----------
    models : sequence of NetworkEstimator
        One per fold, alike in all settings but `random_state`.
    X : array of shape (n, h, w, 3) uint8, or (n, q)
        All images or activations; they are copied to the device.
    D : array-like of shape (n, c)
        Their distributions.
    folds : sequence of ndarray of int
        Training rows of each fold, which have equally many batches.

    Raises
    ------
    ValueError
        Keras does not run on JAX, models or folds are not alike, a setting cannot be had here
        (early stopping, a frozen backbone, scaling), the loss became NaN or infinite, or X, D or a
        setting is what ``fit`` refuses.
    """
    from features.networks import backend

    if backend.backend_name() != "jax":
        raise ValueError(
            f"folds are trained side by side on JAX alone, and Keras runs on "
            f"{backend.backend_name()}: set KERAS_BACKEND=jax"
        )
    _check_alike(models, folds)
    import jax

    from ewmtcnn.resident import Resident
    from features.networks.compiled import model_state, take_values

    shares = np.asarray(D, dtype=np.float64)
    courses, states = [], []
    for model, rows in zip(models, folds, strict=True):
        trainer, course = _start(model, X, shares, rows)
        courses.append(course)
        states.append(jax.tree.map(jax.numpy.array, take_values(trainer.model, trainer.optimizer)))
    plans = [course.steps(0) for course in courses]
    if len({tuple(part.shape for part in plan) for plan in plans}) > 1:
        sizes = ", ".join(str(len(rows)) for rows in folds)
        raise ValueError(f"folds must have equally many batches; they have {sizes} rows")
    targets = models[0]._targets(shares)
    data = Resident.place(X, targets, courses[0].settings.batch_size).data
    run = _loop_of(trainer)
    state = jax.tree.map(lambda *values: jax.numpy.stack(values), *states)
    histories: list[list[float]] = [[] for _ in models]
    for epoch in range(courses[0].settings.epochs):
        steps = [_of_all(course.steps(epoch), rows)
                 for course, rows in zip(courses, folds, strict=True)]  # fmt: skip
        plan = [np.stack(parts) for parts in zip(*steps, strict=True)]
        state, losses = run(state, data, plan, 0, plan[0].shape[1])
        counts = plan[1].sum(axis=2)
        means = (np.asarray(losses, np.float64) * counts).sum(axis=1) / counts.sum(axis=1)
        for number, (history, mean) in enumerate(zip(histories, means, strict=True)):
            if not np.isfinite(mean):
                raise ValueError(
                    f"the loss became {mean} in epoch {epoch + 1} of fold {number + 1}; lower "
                    f"backbone_rate and head_rate"
                )
            history.append(float(mean))
    for number, model in enumerate(models):
        with model_state(trainer.model, trainer.optimizer) as held:
            held.state = jax.tree.map(lambda values, k=number: values[k], state)
        model._end(trainer, courses[number], histories[number])


def _loop_of(trainer: Trainer) -> Callable[..., Any]:
    """Return the loop that trains a network of each fold at once, compiled when first used."""
    if trainer not in _compiled:
        import jax

        from ewmtcnn.resident import read_batch
        from ewmtcnn.trainer import mean_loss
        from features.networks.looped import jax_loop

        one = jax_loop(trainer.model, trainer.optimizer, mean_loss, read_batch)
        every = jax.vmap(one, in_axes=(0, None, 0, None, None))
        _compiled[trainer] = jax.jit(every, donate_argnums=0)
    return _compiled[trainer]


def _start(model: NetworkEstimator, X: Any, D: FloatArray, rows: IntArray) -> tuple[Trainer, Any]:
    """Set the trainer to a model's start, and return it with what the model is trained on."""
    seen, shares = model._check_training_rows(Rows(X, rows), D[rows])
    model._remember_inputs(seen, shares)
    model._fit_scaling(seen)
    model.check_settings()
    model._network = model._layers(model._side(X), D.shape[1])
    model._activation_scaler = None
    trainer = model._trainer()
    return trainer, model._start(trainer, X, D, rows, model._training())


def _of_all(plan: list[Any], rows: IntArray) -> list[Any]:
    """Count the rows of a plan among all rows rather than among those of its fold."""
    return [rows[plan[0]].astype(np.int32), *plan[1:]]


def _check_alike(models: Sequence[NetworkEstimator], folds: Sequence[IntArray]) -> None:
    if not models or len(models) != len(folds):
        raise ValueError(f"there are {len(models)} models for {len(folds)} folds")
    settings = [{**model.get_params(), "random_state": None} for model in models]
    if any(type(model) is not type(models[0]) for model in models) or any(
        other != settings[0] for other in settings
    ):
        raise ValueError("the models of the folds must be alike in all but random_state")
    first = models[0]
    if first.early_stopping or first.is_frozen or first.scaling != "none":
        raise ValueError(
            "folds are not trained side by side with early_stopping, a frozen backbone "
            "(backbone_rate = 0) or scaling"
        )
