"""Files of weights in the layouts that are read, written from the arrays of a small network."""

from __future__ import annotations

import functools
import json
import struct

import h5py
import numpy as np

from features.networks.building import build_backbone

SIZE = 16


@functools.cache
def source():
    """The network whose weights are written to files."""
    return build_backbone("small", SIZE, weights="random", seed=9)


def arrays_of(model):
    """All arrays by name, none of them 0 throughout."""
    rng = np.random.default_rng(1)
    return {
        f"{layer.name}/{variable.name}": rng.normal(0, 0.1, tuple(variable.shape)).astype("f4")
        for layer in model.layers
        for variable in layer.weights
    }


def by_layer(arrays):
    layers = {}
    for name, values in arrays.items():
        layer, _, part = name.partition("/")
        layers.setdefault(layer, {})[part] = values
    return layers


def write_npz(path, arrays):
    np.savez(path, allow_pickle=False, **arrays)
    return path


def write_h5(path, arrays, root="/"):
    """As keras.applications' files: lists of names in attributes; arrays go by their order."""
    with h5py.File(path, "w") as file:
        group = file.require_group(root)
        layers = by_layer(arrays)
        group.attrs["layer_names"] = [name.encode() for name in ("input_1", *layers)]
        group.create_group("input_1").attrs["weight_names"] = np.array([], "S1")
        for name, parts in layers.items():
            names = [f"{name}_{number}:0" for number in range(len(parts))]
            group.create_group(name).attrs["weight_names"] = [text.encode() for text in names]
            for text, values in zip(names, parts.values(), strict=True):
                group[name][text] = values
    return path


def write_saved_model(path, arrays):
    return write_h5(path, arrays, "model_weights")


def write_keras3(path, arrays):
    with h5py.File(path, "w") as file:
        for number, (name, parts) in enumerate(by_layer(arrays).items()):
            group = file.create_group(f"layers/some_class_{number}/vars")
            group.attrs["name"] = name
            for place, values in enumerate(parts.values()):
                group[str(place)] = values
    return path


def write_safetensors(path, arrays, **entries):
    """As safetensors; `entries` of its header come before those of the arrays."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, values in arrays.items():
        values = np.asarray(values, "f4")
        offsets = [len(data), len(data) + values.nbytes]
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": offsets}
        data += values.tobytes()
    text = json.dumps({**header, **entries}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def changed(name, change):
    return lambda arrays: {**arrays, name: change(arrays[name])}


def spoilt(value):
    def spoil(values):
        values = values.copy()
        values.flat[-1] = value
        return values

    return spoil
