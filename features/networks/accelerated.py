"""Layers, and a step of SGD, that compute the same as Keras' own in less time on an accelerator.

* Pooling by halves. XLA, which compiles networks for TensorFlow and JAX, computes the gradient of
  Keras' max pooling by a scatter. A choice among the four values of a window has the same values
  and sends the gradient to the same one of them, the first that is largest, by operations that
  are fused with their neighbours'.
* PyTorch's own channels last. Keras has channels last, copies every input of a layer to channels
  first, and convolutions back to channels last, in which they are faster. A view does for both.

`results/perf.md` has what they gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from features.networks.backend import backend_name, has_accelerator


def accelerate(model: Any) -> Any:
    """Return a model of the same layers, names and variables, made for the device it runs on.

    Parameters
    ----------
    model : keras.Model
        Functional, just built: the weights of replaced layers start anew.

    Returns
    -------
    keras.Model
        The model itself on a CPU, where Keras' layers are as fast.
    """
    if not has_accelerator():
        return model
    return rebuild(model, torch=backend_name() == "torch")


def rebuild(model: Any, torch: bool) -> Any:
    """Return a copy of a functional model with replaced layers, PyTorch's or XLA's."""
    import keras

    made = _torch_layers() if torch else _xla_layers()

    def copy(layer: Any) -> Any:
        kind = made.get(type(layer))
        if kind is None or not _replaceable(layer):
            return layer
        return kind.from_config(layer.get_config())

    return keras.models.clone_model(model, input_tensors=model.input, clone_function=copy)


def _replaceable(layer: Any) -> bool:
    """Tell whether a layer is a pooling by halves, or a convolution that keeps the size."""
    import keras

    if layer.data_format != "channels_last":
        return False
    if isinstance(layer, keras.layers.MaxPooling2D):
        windows = tuple(layer.pool_size), tuple(layer.strides)
        return windows == ((2, 2), (2, 2)) and layer.padding == "valid"
    plain = tuple(layer.strides) == (1, 1) == tuple(layer.dilation_rate) and layer.groups == 1
    return plain and layer.padding == "same" and all(side % 2 for side in layer.kernel_size)


@cache
def _xla_layers() -> dict[Any, Any]:
    import keras
    from keras import ops

    def first_largest(one: Any, two: Any) -> Any:
        return ops.where(one >= two, one, two)

    class MaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]  # Keras is untyped
        """The largest of two by two."""

        def call(self, inputs: Any) -> Any:
            height, width, channels = inputs.shape[1:]
            half, across = height // 2, width // 2
            cut = inputs[:, : 2 * half, : 2 * across]
            pairs = ops.reshape(cut, (-1, half, 2, across, 2, channels))
            rows = [first_largest(pairs[:, :, k, :, 0], pairs[:, :, k, :, 1]) for k in (0, 1)]
            return first_largest(*rows)

    return {keras.layers.MaxPooling2D: MaxPooling2D}


@cache
def _torch_layers() -> dict[Any, Any]:
    import keras
    from torch import channels_last
    from torch.nn import functional

    tensor = keras.ops.convert_to_tensor  # a variable's, or one that only has a shape

    class MaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]  # Keras is untyped
        """The largest of two by two."""

        def call(self, inputs: Any) -> Any:
            view = tensor(inputs).permute(0, 3, 1, 2)
            return functional.max_pool2d(view, 2).permute(0, 2, 3, 1)

    class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
        """A convolution that keeps the size."""

        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            view = tensor(inputs).permute(0, 3, 1, 2)
            turned = tensor(kernel).permute(3, 2, 0, 1).contiguous(memory_format=channels_last)
            margins = [side // 2 for side in self.kernel_size]
            return functional.conv2d(view, turned, padding=margins).permute(0, 2, 3, 1)

    return {keras.layers.MaxPooling2D: MaxPooling2D, keras.layers.Conv2D: Conv2D}


@dataclass(frozen=True)
class SGDStep:
    """Velocity m and weights w: m = momentum m - rate (gradient + decay w), w = w + m."""

    rate: float
    decay: float
    momentum: float


def move_at_once(values: Any, velocities: Any, gradients: Any, how: SGDStep) -> None:
    """Do a step of SGD on lists of PyTorch's tensors in place, in a few kernels for all of them."""
    import torch

    with torch.no_grad():
        if how.decay:
            gradients = torch._foreach_add(gradients, values, alpha=how.decay)
        torch._foreach_mul_(velocities, how.momentum)
        torch._foreach_add_(velocities, gradients, alpha=-how.rate)
        torch._foreach_add_(values, velocities)
