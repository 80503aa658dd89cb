"""The wheel and the prior matrix of a dataset's labels."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from made import make_evidence
from matplotlib.text import Text

from benchmark.figures.choice import Choice
from benchmark.figures.look import drawn_with, read_look
from benchmark.figures.wheel import make, off_the_wheel
from ewmtcnn.wheel import MIKELS

NET = {"wheel": "prior", "sigma": 0.8, "neutral": "isolated"}


def brute_prior(labels, sigma):
    """The discrete Gaussian over steps round the wheel."""
    found = np.empty((len(labels), len(labels)))
    for i, one in enumerate(labels):
        for j, other in enumerate(labels):
            steps = abs(MIKELS.index(one) - MIKELS.index(other))
            found[i, j] = np.exp(-(min(steps, 8 - steps) ** 2) / (2 * sigma**2))
        found[i] /= found[i].sum()
    return found


@pytest.mark.parametrize(
    ("params", "sigma", "whose"),
    [({}, 0.6, "that of the paper"), ({"net": NET}, 0.8, "that of net"),
     ({"net": {**NET, "sigma": "data"}}, 0.3, "that of net"),
     ({"net": {**NET, "wheel": "random"}}, 0.6, "that of the paper")],
)  # fmt: skip
def test_the_prior_is_that_of_the_run(tmp_path, params, sigma, whose):
    evidence = make_evidence(tmp_path, {"A": 0.5, "net": 0.5}, {"d": 20}, labels=MIKELS,
                             params=params)  # fmt: skip
    truths = {"d": replace(evidence.plan.truths["d"], sigma=0.3)}
    drawing = make(replace(evidence, plan=replace(evidence.plan, truths=truths)), Choice())
    expected = brute_prior(MIKELS, sigma)
    np.testing.assert_allclose(drawing.data[list(MIKELS)], expected, atol=1e-12)
    assert list(drawing.data["label"]) == list(MIKELS)
    assert f"at sigma {sigma:g}, {whose}:" in drawing.caption
    right = drawing.figure.axes[1]
    texts = np.array([text.get_text() for text in right.texts], dtype=float).reshape(8, 8)
    np.testing.assert_allclose(texts, expected, atol=0.00051)
    assert right.images[0].norm.vmax == 1


def test_the_caption_knows_where_the_parts_stand(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.5}, {"d": 20}, labels=MIKELS)
    for width, words in {"column": ("Above:", "Below:"), "page": ("Left:", "Right:")}.items():
        with drawn_with(read_look(width)):
            drawing = make(evidence, Choice())
        wheel, prior = (panel.get_position() for panel in drawing.figure.axes)
        assert all(word in drawing.caption for word in words)
        assert (wheel.y0 > prior.y1) == (width == "column")


def test_a_narrow_prior_is_written_in_whole_numbers(tmp_path):
    evidence = make_evidence(tmp_path, {"net": 0.5}, {"d": 20}, params={"net": {**NET, "sigma": 0}})
    figure = make(evidence, Choice()).figure
    assert {text.get_text() for text in figure.axes[1].texts} == {"0", "1"}
    nearly = make_evidence(tmp_path, {"net": 0.5}, {"d": 20}, labels=("fear", "sadness"),
                           params={"net": {**NET, "sigma": 0.25}})  # fmt: skip
    figure = make(nearly, Choice()).figure
    assert {text.get_text() for text in figure.axes[1].texts} == {"0", "1"}


def test_neighbours_on_the_wheel_are_neighbours_in_the_picture(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.5}, {"d": 20}, labels=MIKELS)
    left = make(evidence, Choice()).figure.axes[0]
    places = {text.get_text(): np.array(text.get_position()) for text in left.findobj(Text)
              if text.get_text() in MIKELS}  # fmt: skip
    assert set(places) == set(MIKELS)
    steps = [np.linalg.norm(places[a] - places[b])
             for a, b in zip(MIKELS, (*MIKELS[1:], MIKELS[0]), strict=True)]  # fmt: skip
    np.testing.assert_allclose(steps, steps[0])


@pytest.mark.parametrize(("neutral", "own"), [("isolated", 1.0), ("centre", None)])
def test_neutral_lies_where_the_network_puts_it(tmp_path, neutral, own):
    evidence = make_evidence(tmp_path, {"net": 0.5}, {"d": 20}, labels=("Neutral", "joy", "anger"),
                             params={"net": {**NET, "neutral": neutral}})  # fmt: skip
    drawing = make(evidence, Choice())
    away = np.exp(-(2**2) / (2 * 0.8**2))
    assert drawing.data["Neutral"][0] == pytest.approx(own or 1 / (1 + 2 * away))
    assert ("keeps to itself" in drawing.caption) == (neutral == "isolated")


def test_labels_that_are_no_emotions_are_told(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.5}, {"d": 20}, labels=("anger", "green"))
    reason = off_the_wheel(evidence, Choice()).reason
    assert re.match(r"its labels are not emotions of the wheel: .*'green'", reason)
    assert ". " not in reason
    assert off_the_wheel(make_evidence(tmp_path, {}, {"d": 20}, labels=MIKELS), Choice()) is None
