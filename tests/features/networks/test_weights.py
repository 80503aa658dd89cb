"""Weights: drawn, bundled, of files in three layouts, and downloaded from a server of our own."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h5py
import numpy as np
import pytest

from features.networks import backend, weights
from features.networks.backbones import BACKBONES, build_backbone
from features.networks.weights import (
    Download,
    WeightsError,
    fetch_weights,
    load_weights_into,
    weights_folder,
    weights_key,
)
from features.storage.build_shards import locked

backend.start(threads=1)

import keras  # noqa: E402

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


def changed(name, change):
    return lambda arrays: {**arrays, name: change(arrays[name])}


def spoilt(value):
    def spoil(values):
        values = values.copy()
        values.flat[-1] = value
        return values

    return spoil


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


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("vgg16", "bundled", "vgg16 has no weights 'bundled': give imagenet, random or the path"),
        ("small", "imagenet", "small has no weights 'imagenet': give bundled, random or the path"),
        ("small", "x.txt", "small has no weights 'x.txt': give bundled, random or the path of a "),
        ("small", "x", "small has no weights 'x': give"),
        ("vgg16", "none.npz", "there is no file of weights none.npz"),
        ("vgg16", "folder.h5", "there is no file of weights folder.h5"),
    ],
)
def test_weights_that_are_not_there_are_refused(tmp_path, monkeypatch, name, wanted, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.txt").touch()
    (tmp_path / "folder.h5").mkdir()
    for get in (weights_key, fetch_weights):
        with pytest.raises(WeightsError, match=re.escape(message)):
            get(name, wanted)


# --- Keys ----------------------------------------------------------------------------------------


def test_keys_are_of_content(tmp_path):
    arrays = arrays_of(source())
    first = write_npz(tmp_path / "first.npz", arrays)
    (tmp_path / "deep").mkdir()
    second = write_npz(tmp_path / "deep" / "second.npz", arrays)
    key = weights_key("small", str(first))
    assert key == f"sha256:{hashlib.sha256(first.read_bytes()).hexdigest()}"
    assert weights_key("small", str(second)) == key
    write_npz(second, changed("fc2/bias", spoilt(1.0))(arrays))
    assert weights_key("small", str(second)) != key
    write_npz(first, changed("fc2/bias", spoilt(1.0))(arrays))  # the same path again
    assert weights_key("small", str(first)) == weights_key("small", str(second))


def test_keys_of_named_weights():
    assert weights_key("vgg16", "random", 3) == weights_key("small", "random", 3) == "random:3"
    assert weights_key("VGG16", "imagenet") == "md5:64373286793e3c8b2b4e3219cbf3544b"
    bundled = hashlib.sha256(weights.BUNDLED.read_bytes()).hexdigest()
    assert weights_key("small", "bundled", 3) == f"sha256:{bundled}"
    assert len({weights_key(name, "imagenet") for name in weights.IMAGENET}) == 4


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_vggs_downloads_are_those_of_keras(name):
    module = inspect.getmodule(inspect.unwrap(getattr(keras.applications, name.upper())))
    found = re.search(r'WEIGHTS_PATH,\s+cache_subdir="models",\s+file_hash="(\w+)"',
                      inspect.getsource(module))  # fmt: skip
    assert weights.IMAGENET[name] == (module.WEIGHTS_PATH, found[1])


@pytest.mark.parametrize("name", ["resnet50", "resnet101"])
def test_resnets_downloads_are_those_of_keras(name):
    module = inspect.getmodule(inspect.unwrap(keras.applications.ResNet50))
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    expected = (module.BASE_WEIGHTS_PATH + file, module.WEIGHTS_HASHES[name][1])
    assert weights.IMAGENET[name] == expected


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


# --- Downloads -----------------------------------------------------------------------------------


class Server:
    """Serves one file, in the manner asked for, and counts the requests."""

    def __init__(self, content):
        self.content, self.manner, self.requests = content, "well", 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                if outer.manner == "absent":
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(outer.content)))
                self.end_headers()
                half = outer.manner in ("cut off", "silent")
                self.wfile.write(outer.content[: len(outer.content) // (2 if half else 1)])
                if outer.manner == "silent":
                    outer.done.wait(10)

            def log_message(self, *_arguments):
                pass

        self.done = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/there/small_weights.h5"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        if self.thread.is_alive():
            self.done.set()
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server with weights of `small` called imagenet, and an empty folder of Keras' own."""
    path = write_h5(tmp_path / "weights.h5", arrays_of(source()))
    served = Server(path.read_bytes())
    md5 = hashlib.md5(served.content, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(weights.IMAGENET, "small", Download(served.url, md5))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield served
    served.close()


def test_weights_are_downloaded_once(server, tmp_path, capfd):
    assert weights_key("small", "imagenet").startswith("md5:")
    assert server.requests == 0
    downloaded = build_backbone("small", SIZE, weights="imagenet")
    assert (tmp_path / "keras" / "models" / "small_weights.h5").read_bytes() == server.content
    assert server.requests == 1
    server.close()
    again = build_backbone("small", SIZE, weights="imagenet")
    from_file = build_backbone("small", SIZE, weights=str(tmp_path / "weights.h5"))
    for model in (downloaded, again):
        np.testing.assert_array_equal(outputs(model), outputs(from_file))
    assert capfd.readouterr().out == ""  # which is for results


def test_weights_that_are_there_are_used_in_a_folder_that_cannot_be_written(
    server, tmp_path, monkeypatch
):
    def fail(*_arguments):
        raise OSError(30, "Read-only file system")

    path = tmp_path / "keras" / "models" / "small_weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(server.content)
    monkeypatch.setattr(weights, "locked", fail)
    assert fetch_weights("small", "imagenet") == path
    path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"cannot be had: .*Read-only file system"):
        fetch_weights("small", "imagenet")
    assert server.requests == 0


def test_damaged_weights_are_downloaded_again(server, tmp_path):
    path = tmp_path / "keras" / "models" / "small_weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(server.content[:-100])  # as after a kill
    assert fetch_weights("small", "imagenet") == path
    assert path.read_bytes() == server.content
    assert server.requests == 1


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("down", "Connection refused"),
        ("absent", "404"),
        ("cut off", "retrieval incomplete"),
        ("silent", "timed out"),
        ("other content", "file hash does not match"),
    ],
)
def test_downloads_that_fail_say_what_to_do_and_can_be_tried_again(
    server, tmp_path, monkeypatch, trouble, reason
):
    monkeypatch.setattr(weights, "_SECONDS_OF_SILENCE", 1.0)
    content, before = server.content, socket.getdefaulttimeout()
    if trouble == "down":
        server.close()
    elif trouble == "other content":
        server.content = content[::-1]
    else:
        server.manner = trouble
    with pytest.raises(WeightsError) as caught:
        build_backbone("small", SIZE, weights="imagenet")
    sentence, path = str(caught.value), tmp_path / "keras" / "models" / "small_weights.h5"
    assert sentence.startswith("the ImageNet weights of small cannot be had: ")
    assert reason in sentence
    assert sentence.endswith(
        f". Put the file {server.url} at {path}, or give --weights FILE or --weights random"
    )
    assert ".." not in sentence
    assert "\n" not in sentence
    assert socket.getdefaulttimeout() == before
    if trouble != "down":
        server.content, server.manner = content, "well"
        assert fetch_weights("small", "imagenet") == path
        assert path.read_bytes() == content


def test_who_waits_for_a_download_uses_it(server, tmp_path):
    path, found = tmp_path / "keras" / "models" / "small_weights.h5", []
    waiting = threading.Thread(target=lambda: found.append(fetch_weights("small", "imagenet")))
    with locked(path.with_name(".small_weights.h5.lock")):
        waiting.start()
        time.sleep(0.2)
        assert (server.requests, found) == (0, [])
        path.write_bytes(server.content)
    waiting.join()
    assert (server.requests, found) == (0, [path])


def test_the_folder_is_that_of_keras(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert weights_folder() == tmp_path / "models"
    for unset in (True, False):
        monkeypatch.setenv("KERAS_HOME", "")
        if unset:
            monkeypatch.delenv("KERAS_HOME")
        monkeypatch.setenv("HOME", str(tmp_path / "me"))
        assert weights_folder() == tmp_path / "me" / ".keras" / "models"


def test_alexnets_imagenet_weights_are_looked_for_where_they_belong(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / "models" / "alexnet_imagenet.npz"
    for get in (weights_key, fetch_weights):
        with pytest.raises(WeightsError) as caught:
            get("alexnet", "imagenet")
        assert str(caught.value).startswith("Keras has no ImageNet weights for alexnet; convert ")
        assert str(caught.value).endswith(f"put them at {path} or give --weights FILE")
    path.parent.mkdir()
    path.write_bytes(b"converted")
    assert fetch_weights("alexnet", "imagenet") == path
    expected = hashlib.sha256(b"converted").hexdigest()
    assert weights_key("alexnet", "imagenet") == f"sha256:{expected}"
