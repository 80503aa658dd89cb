"""Weights that a network is given: drawn, bundled, and of files in four layouts."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pytest
from weight_files import (
    SIZE,
    arrays_of,
    changed,
    source,
    spoilt,
    write_h5,
    write_keras3,
    write_npz,
    write_saved_model,
)

from features.networks import backend
from features.networks.backbones import BACKBONES
from features.networks.building import build_backbone
from features.networks.loading import load_weights_into
from features.networks.weights import WeightsError

backend.start(threads=1)

import keras  # noqa: E402

WRITERS = [(write_npz, "x.npz"), (write_h5, "x.h5"), (write_saved_model, "x.hdf5"),
           (write_keras3, "x.weights.h5")]  # fmt: skip


def images():
    return np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)


def outputs(model):
    return model.predict_on_batch(images())


def refused(path, model=None):
    """Return the one sentence with which a file is refused."""
    model = source() if model is None else model
    before = model.get_weights()
    try:
        with pytest.raises(WeightsError) as caught:
            load_weights_into(model, "small", str(path))
    finally:
        model.set_weights(before)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert not sentence.endswith((".", ".."))
    return sentence


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_files_are_read_by_the_names_of_layers(tmp_path, write, name):
    arrays = arrays_of(source())
    parts = list(arrays.items())
    # Layers in another order, and some that the backbone lacks.
    shuffled = dict([*parts[6:], *parts[:6]])
    more = {"predictions/kernel": np.ones((128, 8), "f4"), "predictions/bias": np.ones(8, "f4")}
    path = write(tmp_path / name, {**shuffled, **more})
    model = build_backbone("small", SIZE, weights=str(path))
    found = {f"{layer.name}/{v.name}": v.numpy() for layer in model.layers for v in layer.weights}
    assert sorted(found) == sorted(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in Keras' own writing
def test_what_keras_saves_gives_the_same_outputs(tmp_path):
    network = build_backbone("small", SIZE, dropout=0.5, weights="random", seed=3)
    classes = keras.layers.Dense(8, name="classes")(network.output)
    network = keras.Model(network.input, classes)
    network.save_weights(tmp_path / "x.weights.h5")
    loaded = build_backbone("small", SIZE, weights=str(tmp_path / "x.weights.h5"))
    expected = build_backbone("small", SIZE, weights="random", seed=3)
    np.testing.assert_array_equal(outputs(loaded), outputs(expected))


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_the_four_arrays_of_a_normalisation_go_where_they_belong(tmp_path, write, name):
    layers = [
        keras.Input((4, 4, 3)),
        keras.layers.Conv2D(5, 3, use_bias=False, name="conv"),
        keras.layers.BatchNormalization(name="bn"),
    ]
    model = keras.Sequential(layers)
    arrays = {"conv/kernel": np.full((3, 3, 3, 5), 0.5, "f4")}
    for number, part in enumerate(("gamma", "beta", "moving_mean", "moving_variance"), start=1):
        arrays[f"bn/{part}"] = np.full(5, number, "f4")
    load_weights_into(model, "small", str(write(tmp_path / name, arrays)))
    bn = model.get_layer("bn")
    found = (bn.gamma, bn.beta, bn.moving_mean, bn.moving_variance)
    assert [float(values.numpy()[0]) for values in found] == [1, 2, 3, 4]


def test_half_and_double_precision_are_read(tmp_path):
    arrays = {name: values.astype("f2") for name, values in arrays_of(source()).items()}
    half = write_npz(tmp_path / "half.npz", arrays)
    double = write_h5(tmp_path / "d.h5", {name: v.astype("f8") for name, v in arrays.items()})
    found = [outputs(build_backbone("small", SIZE, weights=str(path))) for path in (half, double)]
    np.testing.assert_array_equal(*found)


def without(*names):
    return lambda arrays: {name: v for name, v in arrays.items() if name not in names}


MISFITS = [
    (without("fc2/kernel", "fc2/bias"), r"has no fc2/kernel of shape (128, 128)"),
    (without("conv3/bias"), r"has no conv3/bias of shape (48,)"),
    (changed("fc1/kernel", lambda v: np.tile(v, (4, 1))),
     "its fc1/kernel has shape (256, 128), not (64, 128) (fully connected layers fit one"),
    (changed("conv1/kernel", lambda v: v.transpose(3, 2, 0, 1)),
     "its conv1/kernel has shape (16, 3, 3, 3), not (3, 3, 3, 16)"),
    (changed("conv2/bias", spoilt(np.nan)), "its conv2/bias holds no finite numbers"),
    (changed("conv2/bias", spoilt(np.inf)), "its conv2/bias holds no finite numbers"),
    (changed("fc1/bias", lambda v: 1e300 * v.astype("f8")), "its fc1/bias holds no finite numbers"),
    (changed("fc1/bias", lambda v: v.astype("i4")), "its fc1/bias holds no finite numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "name"), WRITERS)
@pytest.mark.parametrize(("change", "message"), MISFITS)
def test_arrays_that_do_not_fit_are_named(tmp_path, write, name, change, message):
    path = write(tmp_path / name, change(arrays_of(source())))
    sentence = refused(path)
    assert sentence.startswith(f"{path} does not fit: ")
    assert message in sentence


@pytest.mark.parametrize(("write", "name"), WRITERS)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_files_that_were_cut_off_are_called_damaged(tmp_path, write, name, share):
    path = write(tmp_path / name, arrays_of(source()))
    os.truncate(path, int(share * path.stat().st_size))
    assert refused(path).startswith(f"{path} is no file of weights, or damaged: ")


def test_damage_inside_an_npz_is_found(tmp_path):
    path = write_npz(tmp_path / "x.npz", arrays_of(source()))
    data = bytearray(path.read_bytes())
    for where in np.random.default_rng(0).integers(0, len(data), 25):
        data[where] ^= 16
        path.write_bytes(data)
        data[where] ^= 16
        assert "damaged" in refused(path)


@pytest.mark.parametrize("name", ["x.npz", "x.h5"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\3\4", b"\x89HDF\r\n\x1a\n"])
def test_other_files_are_no_weights(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert "no file of weights, or damaged" in refused(path)
    assert "pickle" not in refused(path)  # NumPy takes what it does not know for one


def test_a_single_array_or_an_empty_file_is_no_weights(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, np.ones(3))
    h5py.File(tmp_path / "x.h5", "w").close()
    for name in ("x.npz", "x.h5"):
        assert "no file of weights, or damaged" in refused(tmp_path / name)


class Bomb:
    """What runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickles_are_refused_and_not_opened(tmp_path):
    sprung = tmp_path / "sprung"
    arrays = {**arrays_of(source()), "conv1/kernel": np.array([Bomb(sprung)], dtype=object)}
    np.savez(tmp_path / "x.npz", **arrays)
    with (tmp_path / "y.npz").open("wb") as file:
        np.save(file, arrays["conv1/kernel"])
    assert "conv1" in refused(tmp_path / "x.npz")
    assert "no file of weights" in refused(tmp_path / "y.npz")
    assert not sprung.exists()


# --- Bundled and random --------------------------------------------------------------------------


def test_bundled_weights_are_for_small_at_its_own_size():
    model = build_backbone("small", weights="bundled")
    x = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    found = model.predict_on_batch(x)
    assert np.isfinite(found).all()
    assert (found.std(axis=0) > 0).mean() > 0.3  # most units see something
    with pytest.raises(WeightsError, match=r"fc1/kernel has shape .*fit one image size only"):
        build_backbone("small", 32, weights="bundled")


def weights_by_name(model):
    return {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in model.layers
        for variable in layer.weights
    }


def test_random_weights_depend_on_the_seed_and_the_name():
    first = weights_by_name(build_backbone("small", 16, weights="random", seed=4))
    keras.layers.Dense(3)(np.ones((1, 2), np.float32))  # draws from Keras' own generator
    again = weights_by_name(build_backbone("small", 16, dropout=0.5, weights="random", seed=4))
    larger = weights_by_name(build_backbone("small", 32, weights="random", seed=4))
    other = weights_by_name(build_backbone("small", 16, weights="random", seed=5))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        if name != "fc1/kernel":
            np.testing.assert_array_equal(values, larger[name])
        if name.endswith("bias"):
            assert not values.any()
        else:
            assert not np.isclose(values, other[name]).mean() > 0.01
    twins = keras.Sequential(
        [
            keras.Input((128,)),
            *(keras.layers.Dense(128, name=name) for name in ("0", "a", "b", "fc2")),
        ]
    )
    load_weights_into(twins, "small", "random", 4)
    a, b, fc2 = (twins.get_layer(name).kernel.numpy() for name in ("a", "b", "fc2"))
    assert not np.isclose(a, b).mean() > 0.01
    np.testing.assert_array_equal(fc2, first["fc2/kernel"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg16", "resnet50", "alexnet", "small"])
def test_random_weights_keep_the_scale_of_activations(name):
    size = BACKBONES[name].smallest
    model = build_backbone(name, size, weights="random")
    x = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    size = np.sqrt(np.mean(model.predict_on_batch(x) ** 2))
    assert 0.2 < size < 6
    for layer in model.layers:
        if layer.weights and len(layer.weights[0].shape) > 1:
            kernel = layer.weights[0].numpy()
            expected = np.sqrt(2 / np.prod(kernel.shape[:-1]))
            if layer.name not in ("block1_conv1", "conv1_conv", "conv1"):
                assert kernel.std() == pytest.approx(expected, rel=0.05)


@pytest.mark.slow
def test_blocks_of_a_random_resnet_start_as_the_identity():
    model = build_backbone("resnet50", 32, weights="random")
    silent = [
        layer.name
        for layer in model.layers
        if layer.name.endswith("_bn") and not layer.gamma.numpy().any()
    ]
    assert len(silent) == 16
    assert all(name.endswith("_3_bn") for name in silent)
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            assert (layer.moving_variance.numpy() == 1).all()
            assert not layer.moving_mean.numpy().any()
