"""Backbones against keras.applications, and AlexNet and the preprocessing against NumPy."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pytest
from weight_files import write_safetensors

from features.networks import backend
from features.networks.backbones import BACKBONES, find_backbone
from features.networks.building import build_backbone

backend.start(threads=1)

import keras  # noqa: E402

STAGES = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
BLOCKS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3)}


@functools.cache
def built(name):
    """A backbone at its smallest size; building one takes a second."""
    return build_backbone(name, find_backbone(name).smallest, weights="random", seed=5)


def images(size, n=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def run(model, x, training=False):
    return np.asarray(keras.ops.convert_to_numpy(model(x, training=training)))


# --- Facts ---------------------------------------------------------------------------------------


def vgg_operations(name, size):
    total, c = 0, 3
    for width, count in zip((64, 128, 256, 512, 512), STAGES[name], strict=True):
        for _ in range(count):
            total += size * size * 9 * c * width
            c = width
        size //= 2
    return 2 * (total + size * size * 512 * 4096 + 4096 * 4096)


def resnet_operations(name, size):
    side = -(-size // 2)
    total, side, c = side * side * 49 * 3 * 64, -(-side // 2), 64
    for stage, (width, count) in enumerate(zip((64, 128, 256, 512), BLOCKS[name], strict=True)):
        side = side if stage == 0 else -(-side // 2)
        for block in range(count):
            shortcut = 4 * c * width if block == 0 else 0
            total += side * side * (c * width + 9 * width * width + 4 * width * width + shortcut)
            c = 4 * width
    return 2 * total


def alexnet_operations(_name, size):
    side = (size + 4 - 11) // 4 + 1
    total = side * side * 121 * 3 * 64
    side = (side - 3) // 2 + 1
    total += side * side * 25 * 64 * 192
    side = (side - 3) // 2 + 1
    total += side * side * 9 * (192 * 384 + 384 * 256 + 256 * 256)
    side = (side - 3) // 2 + 1
    return 2 * (total + side * side * 256 * 4096 + 4096 * 4096)


def small_operations(_name, size):
    total, c = 0, 3
    for width in (16, 32, 48, 64):
        total += size * size * 9 * c * width
        size, c = size // 2, width
    return 2 * (total + size * size * 64 * 128 + 128 * 128)


OPERATIONS = {
    **dict.fromkeys(STAGES, vgg_operations),
    **dict.fromkeys(BLOCKS, resnet_operations),
    "alexnet": alexnet_operations,
    "small": small_operations,
}


def count_operations(model):
    """Two per weight and place where it is used, in convolutions and fully connected layers."""
    return sum(
        2 * math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_facts_are_those_of_the_network(name):
    facts = BACKBONES[name]
    model = built(name)
    assert (facts.name, model.name) == (name, name)
    assert model.input_shape == (None, facts.smallest, facts.smallest, 3)
    assert str(model.inputs[0].dtype) == "uint8"
    assert model.output_shape == (None, facts.width)
    last = [layer for layer in model.layers if not layer.name.startswith("dropout")][-1]
    assert last.name == facts.layer
    assert count_operations(model) == OPERATIONS[name](name, facts.smallest)
    assert facts.gflops == pytest.approx(OPERATIONS[name](name, facts.size) / 1e9, rel=1e-3)


@pytest.mark.parametrize("name", OPERATIONS)
def test_smaller_images_than_the_smallest_are_refused(name):
    smallest = BACKBONES[name].smallest
    sentence = f"{name} needs images of at least {smallest} pixels per side, not {smallest - 1}"
    with pytest.raises(ValueError, match=sentence):
        build_backbone(name, smallest - 1)


# ResNet would take less: its 32 are the least that keras.applications documents.
@pytest.mark.parametrize("name", ["vgg16", "vgg19", "alexnet", "small"])
def test_of_smaller_images_the_layers_would_leave_nothing(name, monkeypatch):
    facts = BACKBONES[name]
    less = facts.smallest - 1
    monkeypatch.setitem(BACKBONES, name, dataclasses.replace(facts, smallest=less))
    with pytest.raises(ValueError, match=r"negative|at least") as caught:
        build_backbone(name, less, weights="random")
    assert f"{name} needs" not in str(caught.value)


def test_an_unknown_backbone_is_refused():
    with pytest.raises(ValueError, match=r"no backbone 'vg16'; did you mean 'vgg16'\?"):
        build_backbone("vg16")


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_a_meaningless_dropout_is_refused(dropout):
    with pytest.raises(ValueError, match=f"at least 0 and below 1, not {dropout}"):
        build_backbone("small", dropout=dropout)


# --- The same numbers as others ------------------------------------------------------------------


def randomised(ours, theirs):
    """Give both networks the same arrays, none of them 0 or 1 throughout."""
    rng = np.random.default_rng(2)
    for layer in theirs.layers:
        arrays = []
        for variable in layer.weights:
            shape = tuple(variable.shape)
            if len(shape) > 1:
                values = rng.standard_normal(shape, np.float32)
                arrays.append(values * np.float32(np.sqrt(2 / np.prod(shape[:-1]))))
            elif variable.name in ("gamma", "moving_variance"):
                arrays.append(rng.uniform(0.5, 1.5, shape))
            else:
                arrays.append(rng.normal(0, 0.1, shape))
        layer.set_weights(arrays)
        if arrays:
            ours.get_layer(layer.name).set_weights(arrays)


def keras_vgg16():
    whole = keras.applications.VGG16(weights=None, input_shape=(32, 32, 3))
    return keras.Model(whole.input, whole.get_layer("fc2").output), keras.applications.vgg16


def keras_resnet50():
    model = keras.applications.ResNet50(
        weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3)
    )
    return model, keras.applications.resnet


# Of vgg19 and resnet101 the operations counted above show that they have the layers.
@pytest.mark.slow
@pytest.mark.parametrize(("name", "make"), [("vgg16", keras_vgg16), ("resnet50", keras_resnet50)])
def test_the_last_but_one_layer_equals_that_of_keras_applications(name, make):
    theirs, module = make()
    ours = build_backbone(name, 32, weights="random")
    randomised(ours, theirs)
    x = images(32)
    expected = run(theirs, module.preprocess_input(x.astype(np.float32)))
    assert expected.std() > 0.01
    np.testing.assert_allclose(run(ours, x), expected, rtol=1e-4, atol=1e-5 * expected.max())


def windows(x, size, stride, pad):
    """(n, h, w, c) to (n, h', w', c, size, size)."""
    x = np.pad(x, [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    every = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return every[:, ::stride, ::stride]


def torchvisions_alexnet(state, x):
    """Written from the layers of torchvision.models.AlexNet, in its own order of axes."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = ((x / 255 - mean) / deviation).astype(np.float32)
    for place, stride, pad, pooled in (
        (0, 4, 2, True), (3, 1, 2, True), (6, 1, 1, False), (8, 1, 1, False), (10, 1, 1, True),
    ):  # fmt: skip
        kernel, bias = state[f"features.{place}.weight"], state[f"features.{place}.bias"]
        seen = windows(x, kernel.shape[2], stride, pad)
        x = np.maximum(np.tensordot(seen, kernel, axes=([3, 4, 5], [1, 2, 3])) + bias, 0)
        if pooled:
            x = windows(x, 3, 2, 0).max(axis=(4, 5))
    x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)  # channels before places
    for place in (1, 4):
        weight, bias = state[f"classifier.{place}.weight"], state[f"classifier.{place}.bias"]
        x = np.maximum(x @ weight.T + bias, 0)
    return x


def torchvisions_state():
    rng = np.random.default_rng(6)
    shapes = {
        "features.0": (64, 3, 11, 11), "features.3": (192, 64, 5, 5),
        "features.6": (384, 192, 3, 3), "features.8": (256, 384, 3, 3),
        "features.10": (256, 256, 3, 3), "classifier.1": (4096, 256 * 6 * 6),
        "classifier.4": (4096, 4096), "classifier.6": (10, 4096),
    }  # fmt: skip
    state = {}
    for name, shape in shapes.items():
        scale = np.float32(np.sqrt(2 / np.prod(shape[1:])))
        state[f"{name}.weight"] = scale * rng.standard_normal(shape, np.float32)
        state[f"{name}.bias"] = 0.1 * rng.standard_normal(shape[0], np.float32)
    return state


@pytest.mark.slow
def test_alexnet_with_the_arrays_of_torchvision_equals_numpys(tmp_path):
    state = torchvisions_state()
    path = write_safetensors(tmp_path / "x.safetensors", state)
    model = build_backbone("alexnet", weights=str(path))
    x = images(224, n=1)
    expected = torchvisions_alexnet(state, x)
    assert (expected > 0).mean() > 0.2
    np.testing.assert_allclose(run(model, x), expected, rtol=1e-3, atol=1e-4 * expected.max())


def first_input(name):
    """What the first layer with weights sees of images."""
    model = built(name)
    first = next(layer for layer in model.layers if layer.weights)
    source = first.input
    if "pad" in model.layers[model.layers.index(first) - 1].name:
        source = model.layers[model.layers.index(first) - 1].input
    return lambda x: run(keras.Model(model.input, source), x)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_preprocessing(name):
    size = BACKBONES[name].smallest
    x = images(size)
    pixels = x.astype(np.float32)
    expected = {
        "vgg16": keras.applications.vgg16.preprocess_input,
        "vgg19": keras.applications.vgg19.preprocess_input,
        "resnet50": keras.applications.resnet.preprocess_input,
        "resnet101": keras.applications.resnet.preprocess_input,
        "alexnet": lambda p: keras.applications.imagenet_utils.preprocess_input(p, mode="torch"),
        "small": lambda p: keras.applications.imagenet_utils.preprocess_input(p, mode="tf"),
    }[name](pixels.copy())
    np.testing.assert_allclose(first_input(name)(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_pixels_are_not_rounded_to_bfloat16():
    """Rounded to 8 bits before the mean is taken off, 255 would be 256."""
    with backend.precision("bfloat16"):
        model = build_backbone("vgg16", 32, weights="random")
    conv = model.get_layer("block1_conv1")
    assert str(conv.compute_dtype) == "bfloat16"
    assert str(conv.input.dtype) == "float32"
    assert str(model.output.dtype) == "bfloat16"
    assert {str(variable.dtype) for variable in model.variables} == {"float32"}


# --- In training ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_batch_normalisation_uses_its_stored_statistics_in_training_too():
    model = built("resnet50")
    x = images(32, n=3)
    before = [np.array(v) for v in model.get_weights()]
    at_rest, training = run(model, x), run(model, x, training=True)
    np.testing.assert_allclose(training, at_rest, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(model, x[:1], training=True), at_rest[:1], rtol=1e-4, atol=1e-6)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_all_is_trainable_but_the_statistics(name):
    model = built(name)
    fixed = [variable.name for variable in model.non_trainable_variables]
    normalising = [layer for layer in model.layers if layer.name.endswith("_bn")]
    assert sorted(fixed) == sorted(["moving_mean", "moving_variance"] * len(normalising))
    assert len(normalising) == {"resnet50": 53, "resnet101": 104}.get(name, 0)
    held = sum(len(layer.weights) for layer in model.layers)
    assert len(model.trainable_variables) == held - len(fixed)


def in_training(model, x):
    """Outputs of fc1 and fc2, and what dropout leaves of them."""
    outputs = [model.get_layer(f"{kind}{i}").output for i in (1, 2) for kind in ("fc", "dropout")]
    found = keras.Model(model.input, outputs)(x, training=True)
    return [np.asarray(keras.ops.convert_to_numpy(tensor)) for tensor in found]


def test_dropout_acts_in_training_only_and_every_layer_has_masks_of_its_own():
    x = images(16, n=20)
    plain = build_backbone("small", 16, weights="random")
    model = build_backbone("small", 16, dropout=0.5, weights="random")
    np.testing.assert_allclose(run(model, x), run(plain, x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(plain, x, training=True), run(plain, x), rtol=1e-5, atol=1e-6)
    fc1, left1, fc2, left2 = in_training(model, x)
    for fc, left in ((fc1, left1), (fc2, left2)):
        assert 0.4 < (left[fc != 0] == 0).mean() < 0.6
        np.testing.assert_allclose(left[left != 0], 2 * fc[left != 0], rtol=1e-5)
    both = (fc1 != 0) & (fc2 != 0)
    assert 0.4 < ((left1 == 0) == (left2 == 0))[both].mean() < 0.6
    again = in_training(model, x)[1]
    assert 0.4 < ((left1 == 0) == (again == 0))[fc1 != 0].mean() < 0.6


def test_dropout_is_drawn_from_the_seed():
    x = images(16, n=20)
    found = []
    for seed in (1, 1, 2):
        model = build_backbone("small", 16, dropout=0.5, weights="random", seed=seed)
        model.set_weights(built("small").get_weights())
        found.append(run(model, x, training=True))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.mean((found[0] == 0) == (found[2] == 0)) < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg16", "resnet50", "alexnet"])
def test_where_dropout_is(name):
    size = BACKBONES[name].smallest
    model = build_backbone(name, size, dropout=0.25, weights="random")
    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in found] == [0.25] * (1 if name == "resnet50" else 2)
    assert model.layers[-1] is found[-1]
    if name != "resnet50":
        above = model.layers[model.layers.index(found[0]) + 1]
        assert above.name == BACKBONES[name].layer
