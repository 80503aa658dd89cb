"""A trainer is compiled once, and starts every fold anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from features.networks import backend

backend.start(threads=1)

from small_training import NETWORK, SETTINGS, fit, same  # noqa: E402

from ewmtcnn import trainer  # noqa: E402
from ewmtcnn.trainer import get_trainer  # noqa: E402


@pytest.mark.slow
def test_a_second_fold_repeats_the_first_and_compiles_nothing(monkeypatch):
    first = fit()
    assert len(first[0]) == 4
    # What is traced where there is no compiled step for these shapes.
    monkeypatch.setattr(trainer, "cross_entropy", lambda *_: pytest.fail("compiled again"))
    again = fit()
    assert same(first, again)
    assert get_trainer(NETWORK, replace(SETTINGS, epochs=9)) is get_trainer(NETWORK, SETTINGS)


def test_each_variable_has_the_rate_and_the_decay_of_its_kind():
    settings = replace(SETTINGS, backbone_rate=0.25, head_rate=0.5, weight_decay=0.125)
    made = get_trainer(replace(NETWORK, wheel_trainable=True), settings)
    body = {variable.path for variable in made.network.backbone.trainable_variables}
    variables = made.model.trainable_variables
    assert len(body) == len(variables) - 3 == 12  # the new layer's two, and the wheel's
    found = zip(variables, made.optimizer.rates, made.optimizer.decays, strict=True)
    for variable, rate, decay in found:
        assert rate == (0.25 if variable.path in body else 0.5)
        assert decay == (0.125 if variable.path.endswith("/kernel") else 0.0)
