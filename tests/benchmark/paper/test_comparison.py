"""A whole comparison with the paper, of a real run and of made-up networks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_paper import HOSTILE, NETWORK, claim_of, plan_of, truth

from benchmark.analysis.evidence import Evidence, gather
from benchmark.paper.claims import Ours, judge
from benchmark.paper.comparison import NotComparable, compare
from benchmark.paper.grids import grids
from benchmark.paper.side_by_side import rank_correlation
from benchmark.paper.writing import write
from benchmark.planning.folds import Folds
from benchmark.planning.plan import Plan, Result
from benchmark.store.run_folder import RunFolder


def test_a_whole_comparison(run, published):
    with gather(run) as evidence:
        comparison = compare(evidence)
        paths = write(evidence.target, comparison)
        summary = evidence.summary.set_index("model")
        pairs = evidence.pairs
    assert [path.name for path in paths] == [
        "compare.csv", "compare.md", "compare.tex", "claims.csv",
    ]  # fmt: skip
    assert comparison.stand_ins == {}
    table = pd.read_csv(run / "compare.csv").set_index(["model", "measure"])
    assert set(table["dataset"]) == {"EMOTION6"}
    row = table.loc[("SA-BFGS", "clark")]
    assert row["ours"] == pytest.approx(summary.loc["SA-BFGS", "clark"])
    assert row["difference"] == pytest.approx(1.8111 - summary.loc["SA-BFGS", "clark"])
    assert (row["our_rank"], row["published_rank"]) == (summary.loc["SA-BFGS", "clark_rank"], 6)
    assert row["published_beats_mean"] in (False, "False")
    # It is the mean distribution, so it does not beat it.
    assert table.loc[(HOSTILE, "clark"), "ours_beats_mean"] in (False, "False")
    tau = comparison.agreement.set_index("measure")["tau"]
    both = table.xs("kl_divergence", level="measure").dropna(subset=["ours", "published"])
    assert len(both) == 3
    signs = [
        np.sign((both["ours"].iloc[i] - both["ours"].iloc[j])
                * (both["published"].iloc[i] - both["published"].iloc[j]))
        for i in range(3) for j in range(i)
    ]  # fmt: skip
    assert tau["kl_divergence"] == pytest.approx(sum(signs) / 3)
    claims = pd.read_csv(run / "claims.csv")
    assert list(claims["claim"]) == [claim.id for claim in published.claims]
    assert set(claims["verdict"]) == {"cannot be judged"}
    assert "EMOTION6 has no results of EW-MTCNN" in claims["obstacles"].iloc[0]
    # The same run, were AA-kNN the paper's hero: turned as the run's own tests say.
    claim = claim_of(("SA-BFGS", "AA-kNN"), ("AA-kNN", "SA-BFGS"), measure="chebyshev")
    names = {name: name for name in ("AA-kNN", "SA-BFGS")}
    verdict = judge(claim, published, {"Emotion6": Ours("EMOTION6", names, pairs)})
    gain = summary.loc["AA-kNN", "chebyshev"] - summary.loc["SA-BFGS", "chebyshev"]
    assert verdict.pairs["difference"].tolist() == pytest.approx([gain, -gain])


def test_a_run_on_other_data_has_to_say_what_stands_for_the_papers():
    plan = plan_of(truth("my data"), truth("ArtPhotographs"))
    found = compare(SimpleNamespace(plan=plan))
    assert isinstance(found, NotComparable)
    assert found.reason.startswith("this run has neither Emotion6 nor ArtPhoto")
    assert found.reason.endswith("for example: --dataset 'my data'")


def test_the_command_says_so_in_one_sentence(command, small, tmp_path):
    assert command("run", "PT-Bayes", "--dataset", small, "--out", "here").returncode == 0
    done = command("compare", "--out", "here")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: this run has neither Emotion6 nor ArtPhoto")
    assert done.stderr.count("\n") == 1


def made_up_evidence(folder, skills, sigmas):
    """Predictions of networks that mix the truth with noise, so that more skill is better."""
    rng = np.random.default_rng(0)
    params = {**NETWORK, "sigma": "data"}
    described = {"model": "EW-MTCNN", "target": "t", "source": "", "result_version": 1}
    models = {name: {**described, "params": params} for name in [*skills, "EW-MTCNN"]}
    folds = Folds((np.arange(200) % 10)[:, None])
    art = [truth(f"ArtPhoto-sigma{s:g}", s, 8, 200, folds) for s in sigmas]
    truths = {t.name: t for t in (truth("Emotion6", rows=200, folds=folds), *art)}
    inputs = {name: dict.fromkeys(models, "") for name in truths}
    plan = Plan("table4", 0, truths, models, inputs)
    results = {}
    for task in plan.tasks:
        here = truths[task.dataset]
        skill = skills.get(task.model, sigmas.get(here.sigma, 0.5))
        D = here.D[here.folds.test(task.repeat, task.fold)]
        noise = rng.dirichlet(np.ones(D.shape[1]), size=len(D))
        results[task] = Result(skill * D + (1 - skill) * noise, {"versions": {}})
    return Evidence(plan, results, 0, (), (), RunFolder(folder))


@pytest.mark.slow
def test_table_4_and_figure_5(published, tmp_path):
    """The networks are as good as in the paper, but for the fine-tuned ones, which are worst."""
    order = published.values("4", "Emotion6", "accuracy").sort_values().index
    skills = {name: 0.1 + 0.05 * i for i, name in enumerate(order)}
    for name in skills:
        if name.startswith("Fine-tuned"):
            skills[name] = 0.0
    sigmas = {i / 10: 0.6 - abs(i / 10 - 0.6) for i in range(11)}
    evidence = made_up_evidence(tmp_path, skills, sigmas)
    comparison = compare(evidence)
    assert comparison.matches == {"Emotion6": "Emotion6", "ArtPhoto": "ArtPhoto-sigma0.6"}
    verdicts = {v.claim.id: v for v in comparison.verdicts}
    assert verdicts["fine-tuning"].outcome == "does not hold"
    assert verdicts["both-tasks"].outcome == "holds"
    assert verdicts["leads-accuracy"].outcome == "cannot be judged"
    for claim in ("sigma-accuracy", "sigma-kl_divergence"):
        assert verdicts[claim].count("absent") == 0
        # By 0.1 less sigma or more the curve falls by too little to be seen in every pair.
        untested = verdicts[claim].count("not tested")
        judged = ("cannot be judged",) if untested else ("holds", "not significant")
        assert verdicts[claim].outcome in judged
        difference = verdicts[claim].pairs.set_index("worse")["difference"]
        assert (difference[["sigma 0", "sigma 0.1", "sigma 1"]] > 0).all()
    assert verdicts["distributions-beat-single-labels"].outcome == "holds"
    assert any("momentum" in text for text in verdicts["sigma-accuracy"].reasons)
    assert not any("Emotion6" in text for text in verdicts["sigma-accuracy"].reasons)
    assert any("Emotion6 has 200" in text for text in verdicts["best-emotion6"].reasons)
    assert verdicts["leads-accuracy"].reasons == ()
    three, four, claims = grids(comparison)
    assert "Table 3" in three.caption  # EW-MTCNN is there too
    assert four.headers == [
        "Model", "Emotion6, ours", "Emotion6, published", "ours better by",
        "ArtPhoto-sigma0.6, ours", "ArtPhoto, published", "ours better by",
    ]  # fmt: skip
    accuracy = evidence.summary.set_index(["dataset", "model"])["accuracy"]
    rows = {row[0]: row for row in four.rows}
    ours = accuracy["Emotion6", "VGGNet"]
    assert rows["VGGNet"][2] == "43.62(7)"
    assert rows["VGGNet"][3] == f"{100 * (ours - 0.4362):+.2f}"
    assert rows["EW-MTCNN (VGGNet)"][5] == "42.19(1)"
    tau, n = rank_correlation(
        [accuracy["Emotion6", name] for name in order],
        published.values("4", "Emotion6", "accuracy")[order],
    )
    assert n == 9
    assert rows["Kendall's tau-b"][3] == f"{tau:+.2f}"
    assert len(claims.rows) == len(published.claims)
    for row in claims.rows:
        assert bool(row[-1]) == (row[3] in ("does not hold", "not significant")), row
    evidence.target.make_for_outputs()
    assert all(path.is_file() for path in write(evidence.target, comparison))
