"""torchvision's networks against NumPy, and where PyTorch is installed against its layers."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from weight_files import write_safetensors

from features.networks import backend, torchvision, weights
from features.networks.backbones import find_backbone
from features.networks.building import build_backbone
from features.networks.torchvision import Place, arrays_of_layer, network_of, places
from features.networks.weights import WeightsError, backbone_with

backend.start(threads=1)

import keras  # noqa: E402

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def images(size, n=2):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def run(model, x):
    return np.asarray(keras.ops.convert_to_numpy(model(x, training=False)))


# --- ResNet --------------------------------------------------------------------------------------


def resnet_shapes(blocks, bottleneck):
    """Names and shapes of torchvision's ResNet of `blocks`, written from its layers."""
    shapes = {"conv1.weight": (64, 3, 7, 7)}
    normalised, c = [("bn1", 64)], 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        out = 4 * width if bottleneck else width
        for block in range(count):
            here = f"layer{stage + 1}.{block}"
            sizes = [(width, c, 1), (width, width, 3), (out, width, 1)]
            for i, (a, b, side) in enumerate(
                sizes if bottleneck else [(width, c, 3), (out, width, 3)], 1
            ):
                shapes[f"{here}.conv{i}.weight"] = (a, b, side, side)
                normalised.append((f"{here}.bn{i}", a))
            if block == 0 and (stage or bottleneck):
                shapes[f"{here}.downsample.0.weight"] = (out, c, 1, 1)
                normalised.append((f"{here}.downsample.1", out))
            c = out
    for name, width in normalised:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (width,)
    return {**shapes, "fc.weight": (10, c), "fc.bias": (10,)}


def drawn(shapes):
    rng = np.random.default_rng(6)
    state = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            scale = np.float32(np.sqrt(2 / np.prod(shape[1:])))
            state[name] = scale * rng.standard_normal(shape, np.float32)
        elif name.endswith(("running_var", "weight")):
            state[name] = rng.uniform(0.5, 1.5, shape).astype("f4")
        else:
            state[name] = rng.normal(0, 0.1, shape).astype("f4")
    return state


def convolve(x, kernel, stride=1):
    """As ``torch.nn.Conv2d`` with half a kernel of zeros on all sides."""
    size = kernel.shape[2]
    x = np.pad(x, [(0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)])
    seen = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return np.tensordot(seen[:, ::stride, ::stride], kernel, axes=([3, 4, 5], [1, 2, 3]))


def numpys_resnet(state, x, blocks, bottleneck):
    """The stride of a bottleneck is in its second convolution; variances get 1e-5."""

    def normal(x, name):
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        scaled = (x - mean) / np.sqrt(variance + 1e-5)
        return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]

    x = convolve((x / 255 - MEAN) / DEVIATION, state["conv1.weight"], 2)
    x = np.maximum(normal(x, "bn1"), 0)
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    x = seen[:, ::2, ::2].max(axis=(4, 5))
    for stage, count in enumerate(blocks):
        for block in range(count):
            here, step = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            strides = (1, step, 1) if bottleneck else (step, 1)
            y = x
            for i, stride in enumerate(strides, 1):
                y = convolve(y, state[f"{here}.conv{i}.weight"], stride)
                y = normal(y, f"{here}.bn{i}")
                y = np.maximum(y, 0) if i < len(strides) else y
            if f"{here}.downsample.0.weight" in state:
                x = convolve(x, state[f"{here}.downsample.0.weight"], step)
                x = normal(x, f"{here}.downsample.1")
            x = np.maximum(x + y, 0)
    return x.mean(axis=(1, 2))


@pytest.mark.parametrize(("name", "bottleneck"), [("resnet18", False), ("resnet50", True)])
def test_a_resnet_equals_numpys(tmp_path, monkeypatch, name, bottleneck):
    blocks = (1, 2, 1, 1)  # few, to be quick; the real ones are counted below
    monkeypatch.setitem(torchvision.BLOCKS, name, (blocks, bottleneck))
    state = drawn(resnet_shapes(blocks, bottleneck))
    model = build_backbone(
        name, 39, weights=str(write_safetensors(tmp_path / "x.safetensors", state))
    )
    x = images(39)
    expected = numpys_resnet(state, x, blocks, bottleneck)
    assert (expected > 0).mean() > 0.2
    np.testing.assert_allclose(run(model, x), expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_the_arrays_are_those_of_torchvision():
    """Names and numbers of arrays as torchvision 0.28 has them."""
    features = {"vgg16": [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28],
                "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]}  # fmt: skip
    for name, numbers in features.items():
        there = [place.prefix for place in places(name).values()]
        assert there == [f"features.{k}" for k in numbers] + ["classifier.0", "classifier.3"]
    counts = {"resnet18": 40, "resnet34": 72, "resnet50": 106, "resnet101": 208, "resnet152": 310}
    for name, count in counts.items():
        expected = resnet_shapes(*torchvision.BLOCKS[name])
        prefixes = {key.rpartition(".")[0] for key in expected} - {"fc"}
        assert {place.prefix for place in places(name).values()} == prefixes
        assert len(prefixes) == count
    assert places("efficientnetb0") == {}


def test_operations_are_counted_from_the_shapes():
    for name in ("resnet18", "resnet34"):
        total = 0
        for key, shape in resnet_shapes(*torchvision.BLOCKS[name]).items():
            if len(shape) == 4:
                side = 56 >> (int(key[5]) - 1) if key.startswith("layer") else 112
                total += 2 * side * side * np.prod(shape)
        assert find_backbone(name).gflops == pytest.approx(total / 1e9, rel=1e-3)


def test_a_layer_after_images_in_a_row_sees_channels_first():
    seen = np.random.default_rng(0).standard_normal((5, 2, 2, 3))  # places, then channels
    weight = np.random.default_rng(1).standard_normal((4, 12))
    state = {"c.weight": weight, "c.bias": np.zeros(4)}
    kernel = arrays_of_layer(Place("c", (3, 2, 2)), state.__contains__, state.get)["kernel"]
    expected = seen.transpose(0, 3, 1, 2).reshape(5, -1) @ weight.T
    np.testing.assert_allclose(seen.reshape(5, -1) @ kernel, expected, rtol=1e-12)


# --- Which weights go with what ------------------------------------------------------------------


def test_preprocessing_is_that_of_the_weights(tmp_path):
    path = write_safetensors(tmp_path / "x.safetensors", {"a": np.ones(1)})
    for name in ("vgg16", "resnet50"):
        assert backbone_with(name, "imagenet").preprocessing == "caffe"
        assert backbone_with(name, "random").preprocessing == "caffe"
        assert backbone_with(name, "torchvision").preprocessing == "torch"
        assert backbone_with(name, str(path)).preprocessing == "torch"
    assert backbone_with("resnet18", "random").preprocessing == "torch"


def vgg_state(convolutions, normalised=False):
    state, number = {}, 0
    for _ in range(convolutions):
        state[f"features.{number}.weight"] = np.zeros((1, 1, 3, 3))
        if normalised:
            state[f"features.{number + 1}.running_mean"] = np.zeros(1)
        number += 2
    return state


def test_a_file_of_another_network_is_named(tmp_path):
    small = {"layer4.2.conv1.weight": np.zeros((1, 1, 3, 3))}
    assert network_of({name: np.shape(v) for name, v in small.items()}) is None
    shapes = {name: np.ones(shape, "f4")[:1] for name, shape in
              resnet_shapes(*torchvision.BLOCKS["resnet34"]).items()}  # fmt: skip
    for state, held in (
        (shapes, "resnet34"),
        (vgg_state(13, normalised=True), "vgg16_bn"),
        (vgg_state(8), "vgg11"),
    ):
        path = write_safetensors(tmp_path / "x.safetensors", state)
        with pytest.raises(WeightsError) as caught:
            build_backbone("resnet18", 32, weights=str(path))
        assert str(caught.value).endswith(
            f"x.safetensors does not fit: it holds torchvision's {held}, not resnet18"
        )


def test_networks_that_torchvisions_weights_are_not_for(tmp_path):
    path = write_safetensors(tmp_path / "x.safetensors", {"a": np.ones(1)})
    with pytest.raises(WeightsError, match=r"efficientnetb0 takes no weights of PyTorch, such as"):
        weights.weights_key("efficientnetb0", str(path))
    with pytest.raises(WeightsError, match="efficientnetb0 has no weights 'torchvision': give ima"):
        weights.weights_key("efficientnetb0", "torchvision")


# --- Against PyTorch -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("name", ["vgg16", "resnet50"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_pytorch_wrote_gives_what_pytorch_computes(tmp_path, name, zipped):
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    if name == "vgg16":
        layers, c = [], 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                layers += [nn.Conv2d(c, width, 3, padding=1), nn.ReLU()]
                c = width
            layers.append(nn.MaxPool2d(2))
        fc = [nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()]
        features, classifier = nn.Sequential(*layers), nn.Sequential(*fc).eval()
        state = {f"features.{k}": v for k, v in features.state_dict().items()}
        state |= {f"classifier.{k}": v for k, v in classifier.state_dict().items()}
        size = 224

        def compute(x):
            return classifier(features(x).flatten(1))
    else:
        drawn_state = drawn(resnet_shapes(*torchvision.BLOCKS[name]))
        state, size = {k: torch.tensor(v) for k, v in drawn_state.items()}, 64

        def unit(x, conv, norm, stride=1):
            kernel = state[f"{conv}.weight"]
            x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
            parts = ("running_mean", "running_var", "weight", "bias")
            return functional.batch_norm(x, *(state[f"{norm}.{part}"] for part in parts))

        def compute(x):
            x = functional.relu(unit(x, "conv1", "bn1", 2))
            x = functional.max_pool2d(x, 3, 2, 1)
            for stage, count in enumerate((3, 4, 6, 3), 1):
                for block in range(count):
                    here, step = f"layer{stage}.{block}", 2 if stage > 1 and not block else 1
                    y = functional.relu(unit(x, f"{here}.conv1", f"{here}.bn1"))
                    y = functional.relu(unit(y, f"{here}.conv2", f"{here}.bn2", step))
                    y = unit(y, f"{here}.conv3", f"{here}.bn3")
                    if not block:
                        x = unit(x, f"{here}.downsample.0", f"{here}.downsample.1", step)
                    x = functional.relu(x + y)
            return x.mean((2, 3))

    path = tmp_path / "x.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    x = images(size, 1)
    with torch.no_grad():
        scaled = torch.tensor(((x / 255 - MEAN) / DEVIATION).astype("f4")).permute(0, 3, 1, 2)
        expected = compute(scaled).numpy()
    assert expected.std() > 0.01 * expected.max()
    found = run(build_backbone(name, size, weights=str(path)), x)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())
