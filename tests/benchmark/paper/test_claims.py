"""Verdicts on made-up tests of significance, and over sigma against the t-test by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_paper import FOLDS, NETWORK, claim_of, plan_of, truth

from benchmark.paper.claims import Ours, judge, over_sigma
from benchmark.paper.sentences import numbers_of
from benchmark.planning.folds import Folds


def ours_of(rows, names=("EW-MTCNN", "DLDL", "AA-kNN"), measure="kl_divergence"):
    """Rows: model_a, model_b, difference, p_holm, folds."""
    columns = ["model_a", "model_b", "difference", "p_holm", "folds"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.assign(
        dataset="mine", measure=measure, low=frame["difference"] - 1, high=frame["difference"] + 2,
        expected_folds=10,
    )  # fmt: skip
    noise = frame.assign(dataset="other", difference=-frame["difference"])
    return {"Emotion6": Ours("mine", {n: n for n in names}, pd.concat([noise, frame, noise]))}


TWO = (("EW-MTCNN", "DLDL"), ("EW-MTCNN", "AA-kNN"))


@pytest.mark.parametrize("measure", ["kl_divergence", "accuracy"])
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.2, 0.01), (0.1, 0.049), "holds"),
        ((0.2, 0.01), (0.1, 0.05), "not significant"),
        ((0.2, 0.01), (-0.1, 0.3), "not significant"),
        ((0.2, 0.01), (-0.1, 0.01), "does not hold"),
        ((np.nan, np.nan), (-0.1, 0.01), "does not hold"),
        ((np.nan, np.nan), (0.1, 0.01), "cannot be judged"),
        ((np.nan, np.nan), (0.1, 0.9), "cannot be judged"),
    ],
)
def test_verdicts(published, measure, first, second, expected):
    """Differences come signed, positive is better, whatever the measure's direction."""
    # The first pair stands the other way round in the table of tests.
    rows = [
        ("DLDL", "EW-MTCNN", -first[0], first[1], 9 if np.isnan(first[0]) else 10),
        ("EW-MTCNN", "AA-kNN", *second, 10),
    ]
    verdict = judge(claim_of(*TWO, measure=measure), published, ours_of(rows, measure=measure))
    assert verdict.outcome == expected
    found = verdict.pairs.set_index("worse")
    assert found.loc["AA-kNN", "difference"] == second[0]
    if np.isnan(first[0]):
        assert verdict.obstacles == ("EW-MTCNN and DLDL share 9 of 10 folds of mine",)
    else:
        assert verdict.obstacles == ()
        pair = found.loc["DLDL"]
        assert pair["difference"] == first[0]
        # Turned round, the interval [-d - 1, -d + 2] is [d - 2, d + 1].
        assert pair["low"] == pytest.approx(first[0] - 2)
        assert pair["high"] == pytest.approx(first[0] + 1)
    expected_lead = {"kl_divergence": 0.4696 - 0.4562, "accuracy": 0.5312 - 0.4896}[measure]
    assert found.loc["DLDL", "published_difference"] == pytest.approx(expected_lead)


def test_a_pair_without_a_test_is_no_verdict(published):
    """The same difference in all ten folds has no p-value, whatever it is."""
    rows = [("DLDL", "EW-MTCNN", 0.1, np.nan, 10), ("EW-MTCNN", "AA-kNN", 0.0, np.nan, 10)]
    verdict = judge(claim_of(*TWO), published, ours_of(rows))
    assert verdict.outcome == "cannot be judged"
    assert list(verdict.pairs["outcome"]) == ["not tested", "not tested"]
    assert verdict.obstacles == (
        "no test of EW-MTCNN and DLDL in KLdiv on mine (the same difference in all folds)",
        "no test of EW-MTCNN and AA-kNN in KLdiv on mine (tied in all folds)",
    )
    assert numbers_of(verdict) == (
        "mine, KLdiv, EW-MTCNN against DLDL -0.1000 (published +0.0134, no test), "
        "AA-kNN 0.0000 (published +0.4078, no test)"
    )


def test_what_is_absent_is_told(published):
    rows = [("EW-MTCNN", "AA-kNN", 0.1, 0.01, 10)]
    verdict = judge(claim_of(*TWO), published, ours_of(rows, names=("EW-MTCNN", "AA-kNN")))
    assert verdict.outcome == "cannot be judged"
    assert verdict.obstacles == ("mine has no results of DLDL",)
    assert list(verdict.pairs["outcome"]) == ["absent", "agrees"]
    verdict = judge(claim_of(*TWO), published, {})
    assert verdict.outcome == "cannot be judged"
    assert verdict.obstacles == ("no dataset that stands for Emotion6",)


def sigma_evidence(values, other_folds=()):
    """Values: sigma -> accuracy of every fold; the KL divergence is one minus it."""
    rng = np.random.default_rng(1)
    truths, rows = [], []
    for sigma, folds in values.items():
        name = f"ArtPhoto-sigma{sigma:g}"
        split = Folds(rng.permutation(FOLDS.assignment)) if sigma in other_folds else FOLDS
        truths.append(truth(name, sigma, 8, 20, split))
        for fold, value in enumerate(folds):
            rows.append((name, "ew-mtcnn", 0, fold, "accuracy", value))
            rows.append((name, "ew-mtcnn", 0, fold, "kl_divergence", 1 - value))
    columns = ["dataset", "model", "repeat", "fold", "measure", "value"]
    plan = plan_of(*truths, models={"ew-mtcnn": {"params": {**NETWORK, "sigma": "data"}}})
    return SimpleNamespace(plan=plan, scores=pd.DataFrame(rows, columns=columns))


def test_sigma_is_compared_fold_by_fold(published):
    from scipy import stats

    rng = np.random.default_rng(0)
    best = 0.5 + 0.05 * rng.normal(size=10)
    values = {0.5: best - 0.001 * rng.normal(size=10), 0.6: best, 0.0: best - 0.2}
    values[0.0] = values[0.0] + 0.01 * rng.normal(size=10)
    evidence = sigma_evidence(values)
    ours = over_sigma(evidence, evidence.plan.truths, "ew-mtcnn", 0.6)
    p_values = {}
    for sigma in (0.0, 0.5):
        d = values[0.6] - values[sigma]
        t = d.mean() / np.sqrt((1 / 10 + 1 / 9) * d.var(ddof=1))
        p_values[sigma] = 2 * stats.t.sf(abs(t), 9)
        for measure in ("accuracy", "kl_divergence"):
            pair = ours.pair(measure, "sigma 0.6", f"sigma {sigma:g}")
            assert pair["difference"] == pytest.approx(d.mean())
    # Holm: the smaller of two p-values counts twice.
    small, large = sorted(p_values, key=p_values.get)
    pair = ours.pair("accuracy", "sigma 0.6", f"sigma {small:g}")
    assert pair["p_holm"] == pytest.approx(2 * p_values[small])
    pair = ours.pair("accuracy", "sigma 0.6", f"sigma {large:g}")
    assert pair["p_holm"] == pytest.approx(max(p_values[large], 2 * p_values[small]))
    claims = {claim.id: claim for claim in published.claims}
    verdict = judge(claims["distributions-beat-single-labels"], published, {"ArtPhoto": ours})
    assert verdict.outcome == "holds"
    verdict = judge(claims["sigma-accuracy"], published, {"ArtPhoto": ours})
    assert verdict.outcome == "cannot be judged"
    assert "has no results of sigma 0.1, sigma 0.2" in verdict.obstacles[0]


def test_other_folds_are_not_paired(published):
    values = {0.6: np.linspace(0.5, 0.6, 10), 0.0: np.linspace(0.1, 0.3, 10)}
    evidence = sigma_evidence(values, other_folds=(0.0,))
    ours = over_sigma(evidence, evidence.plan.truths, "ew-mtcnn", 0.6)
    claim = next(c for c in published.claims if c.id == "distributions-beat-single-labels")
    verdict = judge(claim, published, {"ArtPhoto": ours})
    assert verdict.outcome == "cannot be judged"
    assert "share 0 of 10 folds" in verdict.obstacles[0]


def test_one_sigma_alone_or_none_is_no_comparison():
    evidence = sigma_evidence({0.6: np.full(10, 0.5)})
    ours = over_sigma(evidence, evidence.plan.truths, "ew-mtcnn", 0.6)
    assert ours.pair("accuracy", "sigma 0.6", "sigma 0") == {}
    assert over_sigma(evidence, evidence.plan.truths, "", 0.6) is None
