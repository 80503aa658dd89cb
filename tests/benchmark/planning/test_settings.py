"""Settings: what the command line changes in a protocol."""

from __future__ import annotations

import pytest

from benchmark.errors import UsageError
from benchmark.planning.models import choose_models
from benchmark.planning.protocol import FeatureSettings, load_protocol
from benchmark.planning.settings import Overrides, make_settings


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


def test_a_default_that_is_spelt_out_changes_no_key():
    named = make_settings("paper", ["x"], False, Overrides(backbone="VGG16"))
    bare = make_settings("paper", ["x"], False, Overrides())
    described = [choose_models(p, ["EW-MTCNN"])[0].describe() for p in (named, bare)]
    assert described[0] == described[1]


def test_a_row_with_its_own_backbone_does_not_inherit_weights_of_another():
    protocol = make_settings("table4", [], False, Overrides(backbone="small", weights="random"))
    rows = {model.name: model.params for model in choose_models(protocol)}
    assert rows["VGGNet"]["weights"] == "imagenet"
    assert rows["VGGNet"]["backbone"] == "vgg16"


def test_the_paper_protocol_is_the_default_of_its_name():
    assert load_protocol("paper").features == FeatureSettings()
