"""Planning: what the command line changes, what each model gets, what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.datasets import make_dataset
from benchmark.errors import UsageError
from benchmark.planning.protocol import FeatureSettings, choose_models, load_protocol
from benchmark.planning.settings import Overrides, find_needs, make_settings
from benchmark.running.inputs import describe_need, find_need
from features.images.sources import ArrayImages

RNG = np.random.default_rng(0)
D = RNG.dirichlet(np.ones(3), size=6)
IMAGES = ArrayImages(RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
SMALL = FeatureSettings(backbone="small", weights="random", size=16)


@pytest.fixture
def models():
    protocol = make_settings("paper", ["x.mat"], False, Overrides(backbone="small"))
    return {m.name: m for m in choose_models(protocol, ["AA-kNN", "CNN-frozen", "EW-MTCNN"])}


def test_the_built_in_images_have_the_demo_protocol_and_files_the_papers():
    assert make_settings(None, [], False, Overrides()).name == "demo"
    assert make_settings(None, ["synthetic:30"], False, Overrides()).name == "demo"
    assert make_settings(None, ["synthetic", "x.mat"], False, Overrides()).name == "paper"
    assert make_settings(None, [], True, Overrides()).name == "paper"


def test_the_command_line_comes_before_the_protocol():
    changes = Overrides(seed=3, backbone="ResNet50", epochs=2, batch_size=4, pca_scope="dataset")
    settings = make_settings("demo", [], False, changes)
    assert settings.seed == 3
    assert settings.features.backbone == "resnet50"
    assert settings.features.scope == "dataset"
    # The demo's bundled weights are the small backbone's.
    assert settings.features.weights == settings.network["weights"] == "imagenet"
    assert settings.network["backbone"] == "resnet50"
    assert (settings.network["epochs"], settings.network["batch_size"]) == (2, 4)
    given = make_settings("demo", [], False, Overrides(backbone="vgg16", weights="random"))
    assert given.network["weights"] == given.features.weights == "random"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "resnet5"}, "--backbone: no backbone.*did you mean 'resnet50'"),
        ({"precision": "half"}, "precision must be"),
        ({"seed": -1}, "--seed must not be negative"),
        ({"epochs": 1.5}, "epochs must be a whole number"),
    ],
)
def test_bad_overrides(changes, message):
    with pytest.raises(UsageError, match=message):
        make_settings("demo", [], False, Overrides(**changes))


def test_what_each_model_gets(models):
    table = make_dataset("table", RNG.normal(size=(6, 2)), D)
    both = make_dataset("both", RNG.normal(size=(6, 2)), D, images=IMAGES)
    pictures = make_dataset("pictures", None, D, images=IMAGES)

    def kinds(data, settings):
        needs = {name: find_need(data, model, settings) for name, model in models.items()}
        return {name: need.kind if need else None for name, need in needs.items()}

    own = FeatureSettings()
    assert kinds(table, SMALL) == {"AA-kNN": "matrix", "CNN-frozen": None, "EW-MTCNN": None}
    trained = {"CNN-frozen": "activations", "EW-MTCNN": "images"}
    assert kinds(both, own) == {"AA-kNN": "matrix", **trained}
    assert kinds(both, SMALL) == {"AA-kNN": "features", **trained}
    assert kinds(pictures, SMALL) == {"AA-kNN": "features", **trained}
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
    leak = describe_need(find_need(pictures, models["AA-kNN"], variants[-1]))
    assert "LEAKS" in leak
    assert "LEAKS" not in describe_need(find_need(pictures, models["AA-kNN"], SMALL))


def test_settings_of_networks_are_refused_before_anything_is_computed():
    pictures = make_dataset("pictures", None, D, images=IMAGES)  # its labels are on no wheel
    emotions = make_dataset("emotions", None, D, ["joy", "fear", "sad"], images=IMAGES)

    def needs(data, name, every=False, told=lambda _: None, **network):
        protocol = make_settings("paper", ["x"], False, Overrides(backbone="small"))
        protocol = replace(protocol, network={**protocol.network, **network})
        return find_needs({data.name: data}, choose_models(protocol, [name]), protocol, every, told)

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
    others = ArrayImages(RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8))
    for name in ("EW-MTCNN", "CNN-frozen"):
        keys = {find_need(make_dataset("d", X, D, images=images), models[name], SMALL).key
                for images in (IMAGES, others)}  # fmt: skip
        assert len(keys) == 2


def test_a_default_that_is_spelt_out_changes_no_key(models):
    named = make_settings("paper", ["x"], False, Overrides(backbone="VGG16"))
    bare = make_settings("paper", ["x"], False, Overrides())
    described = [choose_models(p, ["EW-MTCNN"])[0].describe() for p in (named, bare)]
    assert described[0] == described[1]


def test_a_row_with_its_own_backbone_does_not_inherit_weights_of_another():
    protocol = make_settings("table4", [], False, Overrides(backbone="small", weights="random"))
    rows = {model.name: model.params for model in choose_models(protocol)}
    assert rows["VGGNet"]["weights"] == "imagenet"
    assert rows["VGGNet"]["backbone"] == "vgg16"


def test_networks_are_left_out_where_there_are_no_images(models):
    table = make_dataset("table", RNG.normal(size=(6, 2)), D)
    pictures = make_dataset("pictures", None, D, ["joy", "fear", "sad"], images=IMAGES)
    settings = make_settings("paper", ["x"], False, Overrides(backbone="small"))
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


def test_the_paper_protocol_is_the_default_of_its_name():
    assert load_protocol("paper").features == FeatureSettings()
