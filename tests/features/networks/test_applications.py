"""Networks of keras.applications: the same numbers as Keras', from files as Keras writes them.

``LDL_ALL_BACKBONES=1`` (`make test-backbones`) tries each of them, which takes ten minutes.
"""

from __future__ import annotations

import inspect
import os
import re

import h5py
import numpy as np
import pytest

from features.networks import backend
from features.networks.backbones import BACKBONES, find_backbone
from features.networks.building import build_backbone
from features.networks.loading import load_weights_into
from features.networks.published import published_weights

backend.start(threads=1)

import keras  # noqa: E402

# One as simple as they come, and one with numbered layers and with preprocessing built in.
TRIED = ("MobileNet", "MobileNetV3Small")
THEIRS = tuple(backbone.title for backbone in BACKBONES.values() if backbone.application)
if os.environ.get("LDL_ALL_BACKBONES"):
    TRIED = THEIRS


def module_of(application):
    return inspect.getmodule(inspect.unwrap(getattr(keras.applications, application)))


def source_of(application):
    """Return the source of a module, with texts over several lines put together."""
    return re.sub(r'"\s*f?"(?!")', "", inspect.getsource(module_of(application)))


def run(model, x):
    return np.asarray(keras.ops.convert_to_numpy(model(x, training=False)))


def randomise(model):
    """Give a network arrays that leave every layer something to say."""
    rng = np.random.default_rng(3)
    for variable in model.weights:
        shape, name = tuple(variable.shape), variable.path.rpartition("/")[2]
        if name in ("mean", "variance", "count"):  # EfficientNet's preprocessing
            continue
        if len(shape) > 1:
            fan = np.prod(shape[:2]) if "depthwise" in variable.path else np.prod(shape[:-1])
            variable.assign(rng.standard_normal(shape, np.float32) * np.sqrt(1.5 / fan))
        elif name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, shape))
        else:
            variable.assign(rng.normal(0, 0.1, shape))


def write_as_keras_did(path, model):
    """The layout of keras.applications' files: layers in order, with the names of their arrays."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            parts = [*layer.trainable_weights, *layer.non_trainable_weights]
            names = [f"{layer.name}_{i}" for i in range(len(parts))]
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = np.array([n.encode() for n in names] or [], "S80")
            for name, part in zip(names, parts, strict=True):
                group[name] = np.asarray(keras.ops.convert_to_numpy(part))


def preprocessed(application, x):
    """What Keras does before its network; EfficientNet's weights bring it along."""
    pixels = x.astype(np.float32)
    return module_of(application).preprocess_input(pixels)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("application", TRIED)
def test_a_published_file_gives_what_keras_computes(tmp_path, application):
    facts = find_backbone(application)
    size = facts.smallest
    for kind in (keras.layers.Conv2D, keras.layers.Activation):
        kind(1, 1) if kind is keras.layers.Conv2D else kind("relu")  # Keras numbers on from these
    theirs = getattr(keras.applications, application)(
        weights=None, include_top=False, pooling="avg", input_shape=(size, size, 3)
    )
    randomise(theirs)
    for layer in theirs.layers:
        if layer.name.startswith("normalization") and layer.weights:
            # The published files have deviations in the place of variances, and Keras divides by
            # the root of the deviations once more where it loads them.
            deviations = np.array([0.229, 0.224, 0.225])
            layer.set_weights([np.array([0.485, 0.456, 0.406]), deviations**2, np.array(0)])
            layer.finalize_state()
    path = tmp_path / "x.h5"
    write_as_keras_did(path, theirs)
    ours = build_backbone(application, size, weights=str(path))
    assert ours.output_shape == (None, facts.width)
    assert ours.layers[-1].name == facts.layer
    x = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    expected = run(theirs, preprocessed(application, x))
    assert expected.std() > 0.001 * np.abs(expected).max() > 0
    found = run(ours, x)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    training = np.asarray(keras.ops.convert_to_numpy(ours(x, training=True)))
    np.testing.assert_allclose(training, found, rtol=1e-4, atol=1e-4 * np.abs(found).max())
    for kind in ("conv2d", "batch_normalization", "activation"):
        numbers = [layer.name for layer in ours.layers
                   if re.fullmatch(rf"{kind}(_\d+)?", layer.name)]  # fmt: skip
        assert set(numbers) == {f"{kind}_{k}" if k else kind for k in range(len(numbers))}
    load_weights_into(ours, facts.name, "random", 4)
    drawn = run(ours, x)
    assert np.isfinite(drawn).all()
    assert np.ptp(drawn) > 0


def test_every_network_of_keras_is_there():
    functions = {
        name for name, value in vars(keras.applications).items()
        if callable(value) and "include_top" in inspect.signature(value).parameters
    }  # fmt: skip
    own = {BACKBONES[f"vgg{n}"].title for n in (16, 19)}
    own |= {BACKBONES[f"resnet{n}"].title for n in (50, 101, 152)}
    assert functions == set(THEIRS) | own


def test_published_files_are_those_of_keras():
    """Checksums and sizes stand in the source of keras.applications."""
    for name in ("vgg16", "vgg19", "resnet50", "resnet101", "resnet152"):
        (file,) = published_weights(name)["imagenet"]
        source = source_of(BACKBONES[name].title)
        assert file.digits in source
        assert file.url.rpartition("/")[0] in source
    for application in THEIRS:
        (file,) = published_weights(application.lower())["imagenet"]
        source = source_of(application)
        base = file.url.rpartition("/")[0]
        assert file.url.startswith("https://storage.googleapis.com/")
        where = source_of("ResNet50") if application.startswith("ResNet") else source
        assert base in where
        if file.digits:
            assert file.digits in where
        else:
            assert application.startswith("MobileNet")
        found = re.search(r"min_size=(\d+)|Input size must be at least (\d+)x", where)
        assert found
        assert BACKBONES[application.lower()].smallest == int(found[1] or found[2])
