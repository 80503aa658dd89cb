import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewmtcnn.wheel import (
    CENTRE_DISTANCE,
    MIKELS,
    OFF_WHEEL,
    prior_distributions,
    wheel_distances,
)

EMOTION6 = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
# Written out here rather than taken from the module, so that a changed order is noticed.
CIRCLE = ["amusement", "contentment", "awe", "excitement", "fear", "sadness", "disgust", "anger"]

emotions = st.lists(st.sampled_from([*CIRCLE, "neutral"]), min_size=1, max_size=9, unique=True)
widths = st.floats(min_value=0, allow_nan=False) | st.floats(0, 5)


def walk(start, goal):
    """Steps to the goal when walking both ways round at once."""
    clockwise = counter = CIRCLE.index(start)
    steps = 0
    while goal not in (CIRCLE[clockwise % 8], CIRCLE[counter % 8]):
        clockwise, counter, steps = clockwise + 1, counter - 1, steps + 1
    return steps


def test_the_order_is_the_papers():
    assert list(MIKELS) == CIRCLE


def test_distances_by_walking():
    expected = [[walk(a, b) for b in CIRCLE] for a in CIRCLE]
    distances = wheel_distances(MIKELS)
    assert distances.tolist() == expected
    assert distances.dtype.kind == "i"


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [("excitement", "awe", 1), ("amusement", "fear", 4), ("anger", "amusement", 1)],
)
def test_distances_the_paper_names(a, b, steps):
    assert wheel_distances([a, b])[0, 1] == steps


def test_emotion6_on_the_full_wheel():
    expected = {
        ("anger", "disgust"): 1,
        ("anger", "fear"): 3,
        ("anger", "joy"): 1,
        ("anger", "surprise"): 3,
        ("joy", "surprise"): 2,
        ("joy", "fear"): 4,
        ("sadness", "surprise"): 3,
        ("fear", "sadness"): 1,
        ("anger", "neutral"): OFF_WHEEL,
    }
    distances = wheel_distances(EMOTION6)
    for (a, b), steps in expected.items():
        assert distances[EMOTION6.index(a), EMOTION6.index(b)] == steps
    assert distances[6].tolist() == [OFF_WHEEL] * 6 + [0]


def test_names_of_the_image_sets():
    abstract = ["Amusement", "Anger", "Awe", " Content", "Disgust", "EXCITEMENT", "Fear", "Sad"]
    plain = ["joy", "anger", "surprise", "contentment", "disgust", "excitement", "fear", "sadness"]
    np.testing.assert_array_equal(wheel_distances(abstract), wheel_distances(plain))


def test_prior_printed_in_the_paper():
    fear = prior_distributions(MIKELS, 0.6)[MIKELS.index("fear")]
    printed = "1.48e-10 2.47e-06 2.57e-03 1.66e-01 6.64e-01 1.66e-01 2.57e-03 2.47e-06"
    assert [f"{value:.2e}" for value in fear] == printed.split()


@pytest.mark.parametrize("sigma", [0, 1e-10, 1e-300])
def test_no_width_is_one_hot(sigma):
    for neutral in ("isolated", "centre"):
        np.testing.assert_array_equal(prior_distributions(EMOTION6, sigma, neutral), np.eye(7))


@pytest.mark.parametrize("sigma", [1e200, np.inf])
def test_boundless_width_is_uniform(sigma):
    np.testing.assert_allclose(prior_distributions(MIKELS, sigma), 1 / 8)
    isolated = prior_distributions(EMOTION6, sigma)
    np.testing.assert_allclose(isolated[:6, :6], 1 / 6)
    assert isolated[6, 6] == 1


def test_neutral_isolated():
    prior = prior_distributions(EMOTION6, 0.6)
    assert prior[6].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert not prior[:6, 6].any()
    np.testing.assert_allclose(prior[:6, :6], prior_distributions(EMOTION6[:6], 0.6))


def test_neutral_in_the_centre():
    sigma = 0.9
    row = prior_distributions(EMOTION6, sigma, neutral="centre")[6]
    far = np.exp(-(CENTRE_DISTANCE**2) / (2 * sigma**2))
    np.testing.assert_allclose(row, [far / (1 + 6 * far)] * 6 + [1 / (1 + 6 * far)])


@given(emotions, widths, st.sampled_from(["isolated", "centre"]))
def test_rows_are_distributions_that_peak_at_their_emotion(labels, sigma, neutral):
    prior = prior_distributions(labels, sigma, neutral)
    assert (prior >= 0).all()
    np.testing.assert_allclose(prior.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (prior.diagonal() >= prior.max(axis=1)).all()


@given(st.floats(0.15, 20))
def test_the_full_wheel_is_symmetric_and_falls_with_distance(sigma):
    prior, distances = prior_distributions(MIKELS, sigma), wheel_distances(MIKELS)
    np.testing.assert_allclose(prior, prior.T)
    by_distance = [prior[distances == steps] for steps in range(5)]
    for nearer, farther in itertools.pairwise(by_distance):
        assert nearer.min() > farther.max()


@given(emotions, st.randoms())
def test_the_order_of_the_labels_is_the_order_of_the_rows(labels, random):
    shuffled = random.sample(range(len(labels)), len(labels))
    distances = wheel_distances(labels)
    np.testing.assert_array_equal(distances, distances.T)
    np.testing.assert_array_equal(
        wheel_distances([labels[i] for i in shuffled]), distances[np.ix_(shuffled, shuffled)]
    )


@pytest.mark.parametrize("sigma", [-0.1, float("nan"), -np.inf, "wide", None])
def test_sigma_without_meaning(sigma):
    with pytest.raises(ValueError, match=r"sigma must be .* 0 or larger, not"):
        prior_distributions(MIKELS, sigma)


def test_labels_without_meaning():
    with pytest.raises(ValueError, match=r"no place for 'boredom', 'rage'; accepted.*amusement"):
        wheel_distances(["fear", "boredom", "rage"])
    with pytest.raises(ValueError, match="'joy' and 'Amusement' name the same emotion, amusement"):
        wheel_distances(["joy", "Amusement", "fear"])
    with pytest.raises(ValueError, match="no labels given"):
        wheel_distances([])
    with pytest.raises(ValueError, match="neutral must be 'isolated' or 'centre', not 'far'"):
        prior_distributions(MIKELS, 0.6, neutral="far")
