"""The network: a backbone, a new fully connected layer, and the emotion wheel.

Its settings give EW-MTCNN, DLDL (no wheel), the fine-tuned networks (no wheel, other targets) and
the frozen ones (no backbone: the input is its activations).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from features.networks import backend
from features.networks.building import build_backbone

#: Stands for ln 0 in the wheel; its exponential is 0 in every precision.
LOG_ZERO = -1e9

#: Share of equal shares in a wheel that is trained, at the start: rows move by gradients that are
#: proportional to their entries, so from 0, or nearly 0, none would lead away.
BLENDED = 0.01


@dataclass(frozen=True)
class NetworkSettings:
    """What determines the layers of a network.

    Attributes
    ----------
    n_labels : int
        Number of labels c.
    backbone : str
        See `features.networks.backbones`; empty where the input is activations.
    size : int
        Pixels per side of the images, or number of activations.
    weights : str
        Of the backbone.
    dropout : float
        Share dropped after each fully connected layer of the backbone, or of the activations.
    wheel : bool
        Whether a matrix W follows the new layer.
    wheel_trainable : bool
        Whether W is trained.
    reading : {"mixture", "logit"}
        How p follows from the new layer's z: softmax(z) W, or softmax(z W).
    precision : {"float32", "bfloat16"}
        What the backbone computes in; the new layer and the wheel compute in float32.
    """

    n_labels: int
    backbone: str = "vgg16"
    size: int = 224
    weights: str = "imagenet"
    dropout: float = 0.5
    wheel: bool = True
    wheel_trainable: bool = False
    reading: str = "mixture"
    precision: str = "float32"


@keras.saving.register_keras_serializable("ldl_benchmark")
class Wheel(layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Turn the scores z of the labels into ln p by a matrix W whose rows are distributions.

    ``"mixture"``: p = v W with v = softmax(z), a mixture of the rows. ``"logit"``: p =
    softmax(z W). W is kept as ln W, of which a softmax over each row is taken, so that the rows
    stay distributions while W is trained.

    Parameters
    ----------
    reading : {"mixture", "logit"}
        Which.
    """

    def __init__(self, reading: str, **more: Any):
        super().__init__(**more)
        self.reading = reading

    def build(self, shape: tuple[int, ...]) -> None:
        """Make ln W, at first that of equal shares."""
        self.log_w = self.add_weight(
            shape=(shape[-1], shape[-1]),
            initializer="zeros",
            trainable=self.trainable,
            name="log_w",
        )

    def call(self, z: Any) -> Any:
        """Return ln p, (n, c), for z (n, c)."""
        log_w = ops.log_softmax(self.log_w, axis=-1)
        if self.reading == "logit":
            return ops.log_softmax(ops.matmul(z, ops.exp(log_w)), axis=-1)
        log_v = ops.log_softmax(z, axis=-1)
        return ops.logsumexp(ops.expand_dims(log_v, -1) + log_w, axis=-2)

    def set_matrix(self, W: ArrayLike) -> None:
        """Set W, (c, c) with rows on the simplex, blended with equal shares if it is trained."""
        matrix = np.asarray(W, dtype=np.float64)
        if self.trainable:
            log_w = np.log((1 - BLENDED) * matrix + BLENDED / len(matrix))
        else:
            log_w = np.where(matrix > 0, np.log(np.where(matrix > 0, matrix, 1.0)), LOG_ZERO)
        self.log_w.assign(log_w.astype(np.float32))

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "reading": self.reading}


@dataclass(frozen=True)
class Network:
    """A network and its parts.

    Attributes
    ----------
    model : keras.Model
        From images (n, size, size, 3) uint8, or activations (n, size), to ln p (n, c) float32.
    backbone : keras.Model or None
        Its first part.
    head : keras.layers.Dense
        The new layer.
    wheel : Wheel or None
        What follows.
    """

    model: Any
    backbone: Any
    head: Any
    wheel: Any


def build_network(settings: NetworkSettings) -> Network:
    """Build a network; `reset_network` gives it weights to start from.

    Raises
    ------
    ValueError
        Unknown backbone or precision, images too small, or weights that cannot be had.
    """
    with backend.precision(settings.precision):
        if settings.backbone:
            backbone = build_backbone(
                settings.backbone, settings.size, settings.dropout, settings.weights
            )
            inputs, x = backbone.input, backbone.output
        else:
            backbone = None
            inputs = x = keras.Input((settings.size,), name="activations")
            if settings.dropout:
                x = layers.Dropout(settings.dropout, seed=0, name="dropout")(x)
        x = layers.Activation("linear", dtype="float32", name="single")(x)
        head = layers.Dense(settings.n_labels, dtype="float32", name="head")
        z = head(x)
        if settings.wheel:
            wheel = Wheel(
                settings.reading, trainable=settings.wheel_trainable, dtype="float32", name="wheel"
            )
            log_p = wheel(z)
        else:
            wheel = None
            log_p = layers.Activation("log_softmax", dtype="float32", name="log_p")(z)
        return Network(keras.Model(inputs, log_p, name="network"), backbone, head, wheel)


def reset_network(
    network: Network,
    settings: NetworkSettings,
    seed: np.random.SeedSequence,
    W: ArrayLike | None,
    scores: ArrayLike | None = None,
) -> None:
    """Give a network the weights and the dropout masks that training starts from.

    Everything is drawn with NumPy, so that all of Keras' backends start alike: the new layer's
    kernel uniform as of Glorot and Bengio (2010), its bias 0, and a backbone's random weights.

    Parameters
    ----------
    network, settings
        As built.
    seed : SeedSequence
        Where the draws come from.
    W : array-like of shape (c, c), optional
        The wheel's matrix.
    scores : array-like of shape (c,), optional
        What the new layer gives for every image at the start: its bias, its kernel being 0.
    """
    from features.networks.loading import load_weights_into

    rng = np.random.default_rng(seed)
    body, masks = int(rng.integers(2**31)), rng.integers(2**31, size=64)
    if network.backbone is not None:
        load_weights_into(network.backbone, settings.backbone, settings.weights, body)
    width, c = tuple(network.head.kernel.shape)
    limit = np.sqrt(6.0 / (width + c))
    network.head.kernel.assign(rng.uniform(-limit, limit, (width, c)).astype(np.float32))
    network.head.bias.assign(np.zeros(c, np.float32))
    if scores is not None:
        network.head.kernel.assign(np.zeros((width, c), np.float32))
        network.head.bias.assign(np.asarray(scores, np.float32))
    if network.wheel is not None:
        network.wheel.set_matrix(W)
    dropouts = [layer for layer in network.model.layers if isinstance(layer, layers.Dropout)]
    for layer, mask in zip(dropouts, masks, strict=False):
        layer.seed_generator.state.assign(np.array([mask, 0], dtype=np.uint32))
