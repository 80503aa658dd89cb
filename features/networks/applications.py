"""Any network of keras.applications up to its pooled values, in a form that is the same anywhere.

Of what Keras builds in, these are taken out: preprocessing, since that is done before (see
`features.networks.backbones`); dropout and stochastic depth inside, so that `dropout` alone says
what is dropped; batch normalisation by the batch (see `freeze_statistics`). Layers that Keras
numbers as it goes get the numbers of a process that builds this network first.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

_LEFT_OUT = ("Rescaling", "Normalization", "Dropout", "SpatialDropout2D", "StochasticDepth")


def build_application(application: str, pixels: Any, last: str) -> Any:
    """Build a network of keras.applications.

    Parameters
    ----------
    application : str
        The name of a function of keras.applications.
    pixels : keras tensor of shape (n, side, side, 3)
        Preprocessed images.
    last : str
        Name of the last layer.

    Returns
    -------
    keras tensor of shape (n, width)
        The values after global pooling.

    Raises
    ------
    ValueError
        The Keras that is installed lacks it.
    """
    import keras

    make = getattr(keras.applications, application, None)
    if make is None:
        raise ValueError(f"Keras {keras.__version__} has no {application}; a newer one may")
    options = inspect.signature(make).parameters
    more = {"include_preprocessing": False} if "include_preprocessing" in options else {}
    plain = make(weights=None, include_top=False, pooling="avg", input_tensor=pixels, **more)
    names = {**_own_numbers(plain), plain.layers[-1].name: last}

    def copy(layer: Any) -> Any:
        name = names.get(layer.name, layer.name)
        if type(layer).__name__ in _LEFT_OUT:
            return keras.layers.Activation("linear", name=name)
        if isinstance(layer, keras.layers.BatchNormalization):
            return frozen_statistics().from_config({**layer.get_config(), "name": name})
        if name != layer.name:
            return type(layer).from_config({**layer.get_config(), "name": name})
        return layer

    clone = keras.models.clone_model
    return clone(plain, input_tensors=plain.input, clone_function=copy).output


def freeze_statistics(plain: Any) -> Any:
    """Return a copy of a model that normalises by stored means and variances, in training too."""
    import keras

    def copy(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.BatchNormalization):
            return layer
        return frozen_statistics().from_config(layer.get_config())

    return keras.models.clone_model(plain, input_tensors=plain.input, clone_function=copy)


@cache
def frozen_statistics() -> Any:
    """Return a class of layers for Keras' batch normalisation."""
    import keras

    class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
        """Batch normalisation by the stored means and variances, in training too."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    return BatchNormalization


def _own_numbers(model: Any) -> dict[str, str]:
    """Map names with numbers that Keras gave, such as conv2d_97, to numbers from 0 on."""
    numbered: dict[str, list[tuple[int, str]]] = {}
    for layer in model.layers:
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(layer).__name__)
        found = re.fullmatch(rf"({re.escape(kind.lower())})(?:_(\d+))?", layer.name)
        if found:
            numbered.setdefault(found[1], []).append((int(found[2] or 0), layer.name))
    return {
        name: f"{kind}_{number}" if number else kind
        for kind, layers in numbered.items()
        for number, (_, name) in enumerate(sorted(layers))
    }
