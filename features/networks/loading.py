"""Gives a backbone its weights: drawn ones, or those of a file in one of five layouts."""

from __future__ import annotations

import contextlib
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from features.networks.torch_files import SUFFIXES, Arrays, open_arrays
from features.networks.torchvision import BLOCKS, arrays_of_layer, network_of, places
from features.networks.weights import WeightsError, backbone_with, clause, fetch_weights

# The root mean square of what the first layer sees of a photograph.
_INPUT_SCALE = {"caffe": 64.0, "torch": 1.0, "unit": 0.5, "shifted": 0.5}


def load_weights_into(model: Any, name: str, weights: str, seed: int = 0) -> None:
    """Give a backbone its weights.

    Parameters
    ----------
    model : keras.Model
        What `features.networks.building.build_backbone` builds.
    name, weights, seed
        As for `features.networks.weights.weights_key`; the seed is for random weights. A file has
        the suffix ``.npz`` (arrays named ``layer/variable``, such as ``fc2/kernel``), ``.h5`` or
        ``.hdf5`` (of keras.applications, or of Keras' ``save_weights``), ``.pth``, ``.pt`` or
        ``.safetensors`` (of torchvision's networks). Weights go to layers by the layers' names, or
        where Keras numbers layers as it goes by their order, as Keras does; what a file has beyond
        them is left aside.

    Raises
    ------
    WeightsError
        They cannot be had or read, or they do not fit; names the first layer that does not.
    """
    path, facts = fetch_weights(name, weights), backbone_with(name, weights)
    if path is None:
        ends = ("_3_bn" if BLOCKS[facts.name][1] else "_2_bn") if facts.name in BLOCKS else None
        _draw(model, _INPUT_SCALE[facts.preprocessing], ends, seed)
        return
    layers = _layers(model)
    order = [layer.name for layer in layers] if facts.application else []
    with _reading(path, facts.name, order) as read:
        for layer in layers:
            _assign(layer, read(layer.name), path)


def _draw(model: Any, input_scale: float, ends: str | None, seed: int) -> None:
    """Draw kernels from a normal distribution of variance 2 / fan-in (He et al. 2015).

    The first layer's are divided by the scale of its input. Biases are 0; normalisation does
    nothing, but that the last one of a residual block of a ResNet (its name has a certain end)
    multiplies by 0, so that the block starts as the identity (Goyal et al. 2017, section 5.1).
    Every array depends on the seed and its name only.
    """
    scale = 1.0 / input_scale
    for layer in _layers(model):
        for variable in layer.weights:
            shape = tuple(variable.shape)
            if len(shape) > 1:
                label = zlib.crc32(f"{layer.name}/{variable.name}".encode())
                rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(label,)))
                values = rng.standard_normal(shape, dtype=np.float32)
                values *= np.float32(scale * np.sqrt(2.0 / _fan_in(layer, variable.name, shape)))
                variable.assign(values)
                scale = 1.0
                continue
            closes_block = ends and layer.name.endswith(ends) and variable.name == "gamma"
            one = variable.name in ("gamma", "moving_variance") and not closes_block
            value = getattr(layer, "init_values", float(one))  # of ConvNeXt's LayerScale
            variable.assign(np.full(shape, value, np.float32))


def _fan_in(layer: Any, variable: str, shape: tuple[int, ...]) -> int:
    """Count the inputs of a value; a depthwise convolution looks at one channel."""
    depthwise = "Depthwise" in type(layer).__name__ or variable == "depthwise_kernel"
    return math.prod(shape[:2] if depthwise else shape[:-1])


# A layer's arrays by the variable's name (.npz), or by its place among the layer's (.h5).
_Arrays = dict[str | int, Any]


@contextmanager
def _reading(path: Path, name: str, order: list[str]) -> Iterator[Callable[[str], _Arrays]]:
    """Open a file of weights, and give a function that reads those of a layer, by its name."""
    with contextlib.ExitStack() as stack:
        try:
            if path.suffix.lower() == ".npz":
                find = _open_npz(path, stack)
            elif path.suffix.lower() in SUFFIXES:
                find = _torchvisions(open_arrays(path, stack), path, name)
            else:
                find = _open_h5(path, stack, order)
        except WeightsError:
            raise
        except Exception as error:  # a damaged file fails in any part of its reader
            raise WeightsError(
                f"{path} is no file of weights, or damaged: {clause(error)}"
            ) from error

        def read(layer: str) -> _Arrays:
            try:
                return find(layer)
            except Exception as error:
                raise WeightsError(
                    f"{path} is damaged at layer {layer}: {clause(error)}"
                ) from error

        yield read


def _open_npz(path: Path, stack: contextlib.ExitStack) -> Callable[[str], _Arrays]:
    file = stack.enter_context(path.open("rb"))
    if not zipfile.is_zipfile(file):
        raise ValueError("it is not an .npz archive, or was cut off")
    file.seek(0)
    archive = stack.enter_context(np.load(file, allow_pickle=False))

    def find(layer: str) -> _Arrays:
        start = f"{layer}/"
        names = [name for name in archive.files if name.startswith(start)]
        return {name.removeprefix(start): archive[name] for name in names}

    return find


def _torchvisions(arrays: Arrays, path: Path, name: str) -> Callable[[str], _Arrays]:
    held, there = network_of(arrays.shapes), places(name)
    if held is not None and held != name:
        raise WeightsError(f"{path} does not fit: it holds torchvision's {held}, not {name}")

    def find(layer: str) -> _Arrays:
        return arrays_of_layer(there[layer], arrays.shapes.__contains__, arrays.read)

    return find


def _open_h5(path: Path, stack: contextlib.ExitStack, order: list[str]) -> Callable[[str], _Arrays]:
    """Open a file of Keras; an order of layers is for files that list theirs, see `_in_order`."""
    import h5py

    file = stack.enter_context(h5py.File(path, "r"))
    root = file.get("model_weights", file)
    layers: dict[str, list[Any]] = {}
    if "layer_names" in root.attrs:  # Keras 1 and 2, keras.applications
        for name in map(_text, root.attrs["layer_names"]):
            names = map(_text, root[name].attrs["weight_names"])
            layers[name] = [root[name][weight] for weight in names]
        layers = _in_order(layers, order) if order else layers
    else:  # Keras 3

        def visit(_name: str, item: Any) -> None:
            if isinstance(item, h5py.Group) and "vars" in item and "name" in item["vars"].attrs:
                variables = item["vars"]
                numbers = sorted(variables, key=int)
                layers[_text(variables.attrs["name"])] = [variables[key] for key in numbers]

        file.visititems(visit)
    if not layers:
        raise ValueError("it has no layers")
    return lambda layer: dict(enumerate(item[()] for item in layers.get(layer, [])))


def _in_order(layers: dict[str, list[Any]], order: list[str]) -> dict[str, list[Any]]:
    """Give the layers of a file the names of a network's, as both have them in the same order."""
    held = [
        parts for name, parts in layers.items() if parts and not name.startswith("normalization")
    ]  # Keras' EfficientNet has its preprocessing among its layers
    return dict(zip(order, held, strict=False))


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _assign(layer: Any, arrays: _Arrays, path: Path) -> None:
    for place, variable in enumerate(layer.weights):
        name, shape = f"{layer.name}/{variable.name}", tuple(variable.shape)
        values = np.asarray(arrays.get(variable.name, arrays.get(place, np.nan)))
        if variable.name not in arrays and place not in arrays:
            raise WeightsError(f"{path} does not fit: it has no {name} of shape {shape}")
        if values.shape != shape:
            raise WeightsError(
                f"{path} does not fit: its {name} has shape {values.shape}, not {shape} (fully "
                "connected layers fit one image size only)"
            )
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                values = values.astype(np.float32)
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            raise WeightsError(f"{path} does not fit: its {name} holds no finite numbers")
        variable.assign(values)


def _layers(model: Any) -> list[Any]:
    """List the layers that hold numbers to learn or to keep; dropout's seeds are none."""
    return [layer for layer in model.layers if layer.weights]
