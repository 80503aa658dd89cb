"""What all networks share as estimators: their settings, fit and predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from baselines.base import LDLEstimator
from baselines.settings import check_choice, check_count, check_number
from ewmtcnn.augmentation import AUGMENTATIONS
from ewmtcnn.matrices import WHEELS, wheel_matrix
from ewmtcnn.wheel import MIKELS, prior_distributions
from features.arrays import FloatArray
from features.networks.backbones import find_backbone

if TYPE_CHECKING:
    from ewmtcnn.measuring import StepCost
    from ewmtcnn.network import NetworkSettings
    from ewmtcnn.trainer import Trainer, TrainingSettings


class NetworkEstimator(LDLEstimator):
    """What all networks share: one network definition and one training loop.

    A subclass lists its settings in ``__init__`` and passes them here. Images come as (n, h, w, 3)
    uint8, square, as an array or as something indexed like one, which is read batch by batch.

    Attributes
    ----------
    history_ : list of float
        Mean loss of every epoch.
    n_iter_ : int
        Number of epochs.
    objective_ : float
        Loss of the last epoch.
    matrix_ : ndarray of shape (c, c) or None
        The wheel's matrix W from which training started.
    weights_ : list of ndarray
        The network's weights.
    """

    consumes: ClassVar[str] = "images"

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
        self.random_state = random_state

    def _fit(self, X: Any, D: FloatArray) -> None:
        self.check_settings()
        from features.networks import backend

        backend.start()
        from ewmtcnn.losses import mixed_targets
        from ewmtcnn.training import train

        start, wheel, order = np.random.SeedSequence(self.random_state).spawn(3)
        self.matrix_ = wheel_matrix(
            self.wheel, D, self.labels, self.sigma, self.neutral, np.random.default_rng(wheel)
        )
        self._network = self.network_settings(self._side(X), D.shape[1])
        trainer = self._trainer()
        trainer.reset(start, self.matrix_)
        targets = mixed_targets(D, self.loss_weight)
        self.history_ = train(trainer, X, targets, self._training(), order, self.monitor)
        self.n_iter_, self.objective_ = len(self.history_), self.history_[-1]
        self.weights_ = trainer.weights()
        trainer.owner = self.weights_

    def _predict(self, X: Any) -> FloatArray:
        from features.networks import backend

        backend.start()
        trainer = self._trainer()
        if trainer.owner is not self.weights_:  # another estimator used it since
            trainer.model.set_weights(self.weights_)
            trainer.owner = self.weights_
        return trainer.predict(X, self.batch_size)

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
        """Return the settings that determine the network's layers."""
        from ewmtcnn.network import NetworkSettings

        images = self.consumes == "images"
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
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        for name in ("backbone_rate", "head_rate", "weight_decay"):
            check_number(name, getattr(self, name))
        check_number("loss_weight", self.loss_weight, 0.0, 1.0, include_high=True)
        for name in ("dropout", "momentum"):
            check_number(name, getattr(self, name), 0.0, 1.0)
        if self.wheel == "prior":
            prior_distributions(MIKELS if self.labels is None else self.labels, self.sigma,
                                self.neutral)  # fmt: skip
