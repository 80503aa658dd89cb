"""What all networks share as estimators: their settings, fit and predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from baselines.base import LDLEstimator
from baselines.early_stopping import best_epoch, held_out
from baselines.preprocessing import SCALERS, fit_preprocessing
from baselines.settings import check_choice, check_count, check_flag, check_number
from ewmtcnn.augmentation import AUGMENTATIONS
from ewmtcnn.matrices import WHEELS, scores_of, wheel_matrix
from ewmtcnn.spaces import PLAIN
from ewmtcnn.wheel import MIKELS, prior_distributions
from features.arrays import FloatArray, IntArray
from features.networks.backbones import find_backbone
from features.storage.sharded_array import Rows

if TYPE_CHECKING:
    from ewmtcnn.measuring import StepCost
    from ewmtcnn.network import NetworkSettings
    from ewmtcnn.trainer import Trainer, TrainingSettings
    from ewmtcnn.training import Course


class NetworkEstimator(LDLEstimator):
    """What all networks share: one network definition and one training loop.

    A subclass lists its settings in ``__init__`` and passes them here. Images come as (n, h, w, 3)
    uint8, square, as an array or as something indexed like one, which is read batch by batch.

    **A frozen backbone.** With ``backbone_rate = 0`` and no augmentation the backbone gives the
    same for an image in every epoch: it looks at each image once, and the new layer and the wheel
    are trained on these activations, which `scaling` may scale and of which `dropout` is dropped.

    **Early stopping.** A part of the training rows, `validation_fraction` of every label, is held
    out; the others are trained on for `epochs` epochs, and the held-out rows are predicted before
    the first and after each. Then the network starts anew, and is trained for the number of epochs
    after which their divergence was lowest (perhaps none): on all rows, or with ``refit = False``
    on those that were not held out. `history_` tells of this second training alone, which is the
    one that the predictions come from.

    **The start.** With ``"uniform"``, the usual one, the new layer is random and all labels start
    nearly alike; with ``"prior"`` its kernel is 0 and its bias such that every prediction is the
    mean of the training targets, as near as the wheel can come to it.

    Attributes
    ----------
    history_ : list of float
        Mean loss of every epoch.
    n_iter_ : int
        Number of epochs.
    objective_ : float
        Loss of the last epoch; without any, that of the start.
    search_history_ : list of float
        With early stopping: mean loss of every epoch of the first training.
    validation_curve_ : list of float
        With early stopping: mean KL divergence of the predictions of the held-out rows from their
        targets, before the first epoch of it and after each.
    matrix_ : ndarray of shape (c, c) or None
        The wheel's matrix W from which training started.
    weights_ : list of ndarray
        The network's weights.
    """

    consumes: ClassVar[str] = "images"
    search_space = PLAIN
    result_version: ClassVar[int] = 2

    history_: list[float]
    weights_: list[NDArray[Any]]

    def __init__(
        self,
        labels: Sequence[str] | None = None,
        backbone: str = "vgg16",
        weights: str = "imagenet",
        size: int | None = None,
        wheel: str = "none",
        wheel_trainable: bool = False,
        reading: str = "mixture",
        sigma: float = 0.6,
        neutral: str = "isolated",
        loss_weight: float = 1.0,
        dropout: float = 0.5,
        backbone_rate: float = 0.001,
        head_rate: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        augmentation: str = "none",
        epochs: int = 20,
        batch_size: int = 32,
        precision: str = "float32",
        scaling: str = "none",
        start: str = "uniform",
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        refit: bool = True,
        random_state: int | None = None,
    ):
        self.labels = labels
        self.backbone = backbone
        self.weights = weights
        self.size = size
        self.wheel = wheel
        self.wheel_trainable = wheel_trainable
        self.reading = reading
        self.sigma = sigma
        self.neutral = neutral
        self.loss_weight = loss_weight
        self.dropout = dropout
        self.backbone_rate = backbone_rate
        self.head_rate = head_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.augmentation = augmentation
        self.epochs = epochs
        self.batch_size = batch_size
        self.precision = precision
        self.scaling = scaling
        self.start = start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.refit = refit
        self.random_state = random_state

    def _fit(self, X: Any, D: FloatArray) -> None:
        self._learn(self._seen(X), D)

    def _predict(self, X: Any) -> FloatArray:
        return self._outputs(self._seen(X))

    @classmethod
    def _predict_each(
        cls, learners: list[Any], X: Any, D: FloatArray, X_new: Any
    ) -> list[FloatArray]:
        """Have a frozen backbone look at the images once for all learners that share it."""
        seen: dict[Any, tuple[Any, Any]] = {}
        predictions = []
        for learner in learners:
            body = (learner.backbone, learner.weights, learner.precision)
            key = body if learner.is_frozen else None
            if key not in seen:
                seen[key] = (learner._seen(X), learner._seen(X_new))
            learner._learn(seen[key][0], D)
            predictions.append(learner._outputs(seen[key][1]))
        return predictions

    @property
    def is_frozen(self) -> bool:
        """Whether a backbone looks at images that it never gives anything else for."""
        images = self.consumes == "images"
        return images and self.backbone_rate == 0 and self.augmentation == "none"

    def _seen(self, X: Any) -> Any:
        """Check the settings, and return what the trained layers get: images or activations."""
        self.check_settings()
        from features.networks import backend

        backend.start()
        self._side(X)
        if not self.is_frozen:
            return X
        from ewmtcnn.activations import activations

        return activations(X, self.backbone, str(self.weights), self.precision)

    def _learn(self, X: Any, D: FloatArray) -> None:
        self.check_settings()
        from ewmtcnn.training import Validation, find_epochs, train

        X = self._fit_activations(X)
        self._network = self._layers(int(X.shape[1]), D.shape[1])
        trainer, settings = self._trainer(), self._training()
        rows = np.arange(len(D))
        if self.early_stopping:
            rest, held = held_out(D, self.validation_fraction, self.random_state)
            course = self._start(trainer, X, D, rest, settings)
            validation = Validation(Rows(X, held), self._targets(D)[held])
            found = find_epochs(trainer, course, self.monitor, validation)
            self.search_history_, self.validation_curve_ = found
            settings = replace(settings, epochs=best_epoch(self.validation_curve_))
            rows = rows if self.refit else rest
        final = self._start(trainer, X, D, rows, settings)
        history, _ = train(trainer, final, self.monitor)
        self._end(trainer, final, history)

    def _targets(self, D: FloatArray) -> FloatArray:
        from ewmtcnn.losses import mixed_targets

        return mixed_targets(D, self.loss_weight)

    def _start(
        self, trainer: Trainer, X: Any, D: FloatArray, rows: IntArray, settings: TrainingSettings
    ) -> Course:
        """Set a trainer to its start for some rows, and return what it is trained on."""
        from ewmtcnn.training import Course

        start, wheel, order = np.random.SeedSequence(self.random_state).spawn(3)
        rng = np.random.default_rng(wheel)
        W = wheel_matrix(self.wheel, D[rows], self.labels, self.sigma, self.neutral, rng)
        targets = self._targets(D)[rows]
        mean = targets.mean(axis=0)
        scores = scores_of(mean, W, self.reading) if self.start == "prior" else None
        trainer.reset(start, W, scores)
        self.matrix_ = W
        return Course(X if len(rows) == len(D) else Rows(X, rows), targets, settings, order)

    def _end(self, trainer: Trainer, course: Course, history: list[float]) -> None:
        """Keep what was learned."""
        self.history_ = history
        self.n_iter_ = len(history)
        self.weights_ = trainer.weights()
        trainer.owner = self.weights_
        if history:
            self.objective_ = history[-1]
        else:
            P = trainer.predict(course.X, self.batch_size)
            self.objective_ = float(-(course.targets * np.log(P)).sum(axis=1).mean())

    def _outputs(self, X: Any) -> FloatArray:
        from features.networks import backend

        backend.start()
        trainer = self._trainer()
        if trainer.owner is not self.weights_:  # another estimator used it since
            trainer.model.set_weights(self.weights_)
            trainer.owner = self.weights_
        return trainer.predict(self._scaled_activations(X), self.batch_size)

    def _fit_activations(self, X: Any) -> Any:
        """Scale the activations of a frozen backbone; those that come from outside are scaled."""
        self._activation_scaler = None
        if self.is_frozen:
            self._activation_scaler = fit_preprocessing(X.astype(np.float64), self.scaling)
        return self._scaled_activations(X)

    def _scaled_activations(self, X: Any) -> Any:
        return X if self._activation_scaler is None else self._activation_scaler.transform(X)

    def measure_step(self, size: int, n_labels: int) -> StepCost:
        """Time a few training steps on noise.

        Parameters
        ----------
        size : int
            Pixels per side, or number of activations.
        n_labels : int
            Number of labels.

        Raises
        ------
        ValueError
            A setting has no meaning, or the network cannot be built.
        MemoryError
            A batch does not fit the memory; says which size does.
        """
        self.check_settings()
        from features.networks import backend

        backend.start()
        from ewmtcnn.measuring import measure_step

        return measure_step(self.network_settings(size, n_labels), self._training())

    def network_settings(self, size: int, n_labels: int) -> NetworkSettings:
        """Return the settings that determine the layers that are trained.

        Parameters
        ----------
        size : int
            Pixels per side, or number of activations.
        n_labels : int
            Number of labels.
        """
        return self._layers(
            find_backbone(self.backbone).width if self.is_frozen else size, n_labels
        )

    def _layers(self, size: int, n_labels: int) -> NetworkSettings:
        from ewmtcnn.network import NetworkSettings

        images = self.consumes == "images" and not self.is_frozen
        return NetworkSettings(
            n_labels=n_labels,
            backbone=find_backbone(self.backbone).name if images else "",
            size=size,
            weights=str(self.weights) if images else "",
            dropout=float(self.dropout),
            wheel=self.wheel != "none",
            wheel_trainable=bool(self.wheel_trainable) and self.wheel != "none",
            reading=self.reading if self.wheel != "none" else "mixture",
            precision=self.precision,
        )

    def _training(self) -> TrainingSettings:
        from ewmtcnn.trainer import TrainingSettings

        return TrainingSettings(
            backbone_rate=float(self.backbone_rate),
            head_rate=float(self.head_rate),
            momentum=float(self.momentum),
            weight_decay=float(self.weight_decay),
            augmentation=self.augmentation,
            epochs=int(self.epochs),
            batch_size=int(self.batch_size),
        )

    def _trainer(self) -> Trainer:
        from ewmtcnn.trainer import get_trainer

        return get_trainer(self._network, self._training())

    def _side(self, X: Any) -> int:
        if self.consumes != "images":
            return int(X.shape[1])
        height, width = X.shape[1:3]
        if height != width or (self.size is not None and self.size != height):
            raise ValueError(
                f"X must be square images{f' of {self.size} pixels' if self.size else ''}, "
                f"not {height} x {width}"
            )
        return int(height)

    def check_settings(self) -> None:
        """Refuse settings that have no meaning, before any image is read.

        Raises
        ------
        ValueError
            Names the setting; or labels that the wheel has no place for.
        """
        backbone = find_backbone(self.backbone)
        if self.size is not None:
            check_count("size", self.size, backbone.smallest)
        check_choice("wheel", self.wheel, WHEELS)
        check_choice("reading", self.reading, ("mixture", "logit"))
        check_choice("augmentation", self.augmentation, AUGMENTATIONS)
        check_choice("precision", self.precision, ("float32", "bfloat16"))
        check_choice("scaling", self.scaling, ("none", *SCALERS))
        check_choice("start", self.start, ("uniform", "prior"))
        check_flag("early_stopping", self.early_stopping)
        check_flag("refit", self.refit)
        check_number("validation_fraction", self.validation_fraction, 0.0, 1.0, include_low=False)
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        for name in ("backbone_rate", "head_rate", "weight_decay"):
            check_number(name, getattr(self, name))
        check_number("loss_weight", self.loss_weight, 0.0, 1.0, include_high=True)
        for name in ("dropout", "momentum"):
            check_number(name, getattr(self, name), 0.0, 1.0)
        if self.scaling != "none" and self.consumes == "images" and not self.is_frozen:
            raise ValueError(
                f"scaling = {self.scaling!r} is for the activations of a frozen backbone: set "
                f"backbone_rate = 0 and augmentation = 'none' too, or scaling = 'none'"
            )
        if self.wheel == "prior":
            prior_distributions(MIKELS if self.labels is None else self.labels, self.sigma,
                                self.neutral)  # fmt: skip
