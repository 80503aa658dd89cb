"""What each model gets of a dataset (find_needs), with what key, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from images_in_memory import ImagesInMemory

from benchmark.datasets import make_dataset
from benchmark.errors import UsageError
from benchmark.planning.find_needs import find_need, find_needs
from benchmark.planning.models import choose_models
from benchmark.planning.needs import (
    BackboneActivations,
    BackboneFeatures,
    NetworkImages,
    OwnFeatures,
)
from benchmark.planning.protocol import FeatureSettings
from benchmark.planning.settings import Overrides, make_settings

RNG = np.random.default_rng(0)
D = RNG.dirichlet(np.ones(3), size=6)
IMAGES = ImagesInMemory(RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
SMALL = FeatureSettings(backbone="small", weights="random", size=16)


@pytest.fixture
def models():
    protocol = make_settings("paper", ["x.mat"], False, Overrides(backbone="small"))
    return {m.name: m for m in choose_models(protocol, ["AA-kNN", "CNN-frozen", "EW-MTCNN"])}


def test_what_each_model_gets(models):
    table = make_dataset("table", RNG.normal(size=(6, 2)), D)
    both = make_dataset("both", RNG.normal(size=(6, 2)), D, images=IMAGES)
    pictures = make_dataset("pictures", None, D, images=IMAGES)

    def kinds(data, settings):
        needs = {name: find_need(data, model, settings) for name, model in models.items()}
        return {name: type(need) if need else None for name, need in needs.items()}

    own = FeatureSettings()
    assert kinds(table, SMALL) == {"AA-kNN": OwnFeatures, "CNN-frozen": None, "EW-MTCNN": None}
    trained = {"CNN-frozen": BackboneActivations, "EW-MTCNN": NetworkImages}
    assert kinds(both, own) == {"AA-kNN": OwnFeatures, **trained}
    assert kinds(both, SMALL) == {"AA-kNN": BackboneFeatures, **trained}
    assert kinds(pictures, SMALL) == {"AA-kNN": BackboneFeatures, **trained}
    assert find_need(pictures, models["AA-kNN"], own).extraction.backbone == "vgg16"


def test_each_setting_of_the_features_changes_their_key(models):
    pictures = make_dataset("pictures", None, D, images=IMAGES)
    variants = [
        SMALL,
        FeatureSettings(backbone="vgg16", weights="random", size=16),
        FeatureSettings(backbone="small", weights="bundled", size=16),
        FeatureSettings(backbone="small", weights="random", size=32),
        FeatureSettings(backbone="small", weights="random", size=16, precision="bfloat16"),
        FeatureSettings(backbone="small", weights="random", size=16, components=3),
        FeatureSettings(backbone="small", weights="random", size=16, scope="dataset"),
    ]
    keys = [find_need(pictures, models["AA-kNN"], settings).key for settings in variants]
    assert len(set(keys)) == len(keys)
    assert "LEAKS" in find_need(pictures, models["AA-kNN"], variants[-1]).description
    assert "LEAKS" not in find_need(pictures, models["AA-kNN"], SMALL).description


def test_settings_of_networks_are_refused_before_anything_is_computed():
    pictures = make_dataset("pictures", None, D, images=IMAGES)  # its labels are on no wheel
    emotions = make_dataset("emotions", None, D, ["joy", "fear", "sad"], images=IMAGES)

    def needs(data, name, every=False, told=lambda _: None, **network):
        protocol = make_settings("paper", ["x"], False, Overrides(backbone="small"))
        protocol = replace(protocol, network={**protocol.network, **network})
        rows = choose_models(protocol, [name])
        return find_needs({data.name: data}, rows, protocol.features, every, told)

    assert needs(emotions, "EW-MTCNN")["emotions"]
    with pytest.raises(UsageError, match="'EW-MTCNN' on pictures: the emotion wheel has no place"):
        needs(pictures, "EW-MTCNN")
    told = []
    assert needs(pictures, "EW-MTCNN", True, told.append) == {"pictures": {}}
    assert told[0].endswith("; left out.")
    assert needs(pictures, "DLDL")["pictures"]
    for setting, message in (
        ({"epochs": "many"}, "epochs must be a whole number"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"size": 8}, "size must be a whole number of at least 16"),
        ({"size": "big"}, "size must be"),
        ({"backbone": 5}, "no backbone '5'"),
        ({"weight_decay": -1}, "weight_decay must be"),
    ):
        with pytest.raises(UsageError, match=message):
            needs(emotions, "DLDL", **setting)


def test_other_images_have_another_key(models):
    """Also where the features beside them are the same: a stored result must not be reused."""
    X = RNG.normal(size=(6, 2))
    others = ImagesInMemory(RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
    for name in ("EW-MTCNN", "CNN-frozen"):
        keys = {find_need(make_dataset("d", X, D, images=images), models[name], SMALL).key
                for images in (IMAGES, others)}  # fmt: skip
        assert len(keys) == 2


def test_networks_are_left_out_where_there_are_no_images(models):
    table = make_dataset("table", RNG.normal(size=(6, 2)), D)
    pictures = make_dataset("pictures", None, D, ["joy", "fear", "sad"], images=IMAGES)
    settings = make_settings("paper", ["x"], False, Overrides(backbone="small")).features
    rows, told = list(models.values()), []
    needs = find_needs({"table": table, "pictures": pictures}, rows, settings, False, told.append)
    assert list(needs["table"]) == ["AA-kNN"]
    assert list(needs["pictures"]) == list(models)
    assert told == [
        "table has no images: CNN-frozen and EW-MTCNN left out, which learn from images."
    ]
    with pytest.raises(UsageError, match="'CNN-frozen' learns from images, but table has none"):
        find_needs({"table": table}, rows, settings, False, told.append)
    assert list(find_needs({"table": table}, rows, settings, True, told.append)["table"]) == [
        "AA-kNN"
    ]


def test_unknown_weights_are_a_usage_error(models):
    pictures = make_dataset("pictures", None, D, images=IMAGES)
    with pytest.raises(UsageError, match=r"none\.h5"):
        find_need(pictures, models["AA-kNN"], FeatureSettings(backbone="small", weights="none.h5"))
