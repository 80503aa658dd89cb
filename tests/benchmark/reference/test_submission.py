"""Submissions: what is made of a run is taken, and each thing that is wrong has a sentence.

Also tests `benchmark.reference.checking`, `benchmark.reference.submitted` and
`benchmark.commands.submission`.
"""

from __future__ import annotations

import copy
import json
import sys

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from made_reference import only, stored
from scipy.io import savemat

from benchmark.metrics import ALL_MEASURES, BY_NAME
from benchmark.plugins.fingerprint import code_fingerprint
from benchmark.reference.checking import wrong_with
from benchmark.reference.collecting import collect
from benchmark.reference.contents import reference_results, write_reference
from benchmark.reference.leaderboard import rank_all
from benchmark.reference.submission import fingerprint_of, submission_of

MODELS = {"good": 0.1, "mine": 0.3}


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return make_evidence(tmp_path_factory.mktemp("run"), MODELS, {"a": 30, "b": 40}, folds=3)


@pytest.fixture(scope="module")
def reference(everything, tmp_path_factory):
    path = stored(only(everything, "good"), tmp_path_factory.mktemp("runs") / "x")
    return collect([[path]], ALL_MEASURES, print)


@pytest.fixture(scope="module")
def made(everything):
    return submission_of(only(everything, "mine"), ALL_MEASURES)


def check(content, reference, **more):
    as_file = json.loads(json.dumps(content))
    return wrong_with(as_file, reference, ALL_MEASURES, **more)


def test_what_is_made_of_a_run_is_taken(everything, reference, made):
    content, predictions = made
    truths = list(everything.plan.truths.values())
    assert check(content, reference, predictions=predictions, truths=truths) == []
    assert check(content, reference) == []


def first(content, model="mine"):
    return next(row for row in content["scores"] if row["model"] == model)


CHANGES = {
    "form": (lambda c: c.update(form=2), "it has form 2"),
    "other data": (
        lambda c: c["datasets"][0].update(fingerprint="0" * 60 + "ffff"),
        "a: the reference has no data with the fingerprint",
    ),
    "seed": (lambda c: c["datasets"][1].update(seed=3), "b: seed is 3, in the reference 0"),
    "splits": (lambda c: c["datasets"][1].update(splits="x"), "b: its folds have other rows"),
    "no fold": (lambda c: c["scores"].remove(first(c)), "mine on a: 1 fold of 3 missing (0)"),
    "twice": (lambda c: c["scores"].append(first(c)), "mine on a: fold 0 is there twice"),
    "another fold": (lambda c: c["scores"].append({**first(c), "fold": 9}), "belongs to no fold"),
    "range": (
        lambda c: first(c)["values"].update(cosine=1.2),
        "mine on a, fold 0: cosine is 1.2, outside of its range 0 to 1",
    ),
    "infinite": (lambda c: first(c)["values"].update(kl_divergence=1e999), "kl_divergence is inf"),
    "lacking value": (lambda c: first(c)["values"].pop("cosine"), "of other measures"),
    "lacking measure": (lambda c: c["measures"].pop(0), "it lacks the measures chebyshev"),
    "probe": (lambda c: c["measures"][1].update(probe=0.5), "clark is another measure"),
    "direction": (
        lambda c: c["measures"][0].update(higher_is_better=True), "chebyshev has the other"
    ),
    "name taken": (lambda c: c["models"][0].update(model="good"), "give yours another name"),
    "no name": (lambda c: c["models"][0].update(model=" "), "name"),
    "no model": (lambda c: c["models"].clear(), "it has no model"),
    "no source": (
        lambda c: c["models"][0]["described"].update(source="sha256:1"),
        "mine: the source of its plugin is missing",
    ),
    "other source": (
        lambda c: (
            c["models"][0]["described"].update(source="sha256:1"),
            c["models"][0].update(sources=[{"path": "", "text": "x = 1"}]),
        ),
        "is not the one that was run",
    ),
    "no Python": (
        lambda c: c["models"][0].update(sources=[{"path": "", "text": "x ="}]), "is no Python"
    ),
    "notebook": (
        lambda c: c["models"][0]["described"].update(source="unknown:1"), "from a notebook"
    ),
    "trivial": (
        lambda c: first(c, "uniform")["values"].update(cosine=0.5),
        "uniform on a, fold 0: cosine is 0.5, in the reference",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_thing_that_is_wrong_has_a_sentence(reference, made, name):
    change, sentence = CHANGES[name]
    content = copy.deepcopy(made[0])
    change(content)
    assert any(sentence in said for said in check(content, reference))


def test_predictions_are_those_that_were_scored(everything, reference, made):
    content, predictions = copy.deepcopy(made)
    truths = list(everything.plan.truths.values())
    key = first(content)["prediction"]
    given = {"predictions": predictions, "truths": truths}
    first(content)["values"]["cosine"] -= 1e-6
    assert "cosine of its prediction is" in check(content, reference, **given)[0]
    predictions[key] = predictions[key][::-1]
    assert "another one than was scored" in check(content, reference, **given)[0]
    del predictions[key]
    assert "its prediction is missing" in check(content, reference, **given)[0]


def test_the_hash_of_sources_is_that_of_their_files(tmp_path):
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "mine.py").write_text("import helper\n# é\n", encoding="utf-8")
    texts = [
        {"path": "", "text": "import helper\n# é\n"}, {"path": "helper.py", "text": "x = 1\n"}
    ]  # fmt: skip
    assert fingerprint_of(texts) == code_fingerprint(tmp_path / "mine.py")


PLUGIN = """
import numpy as np
from baselines.base import LDLEstimator
from benchmark import register


@register("Halfway")
class Halfway(LDLEstimator):
    def _fit(self, X, D):
        self.mean_ = 0.5 * D.mean(axis=0) + 0.5 / D.shape[1]

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))
"""


@pytest.mark.slow
def test_a_plugin_is_submitted_and_checked_by_command(command, tmp_path):
    rng = np.random.default_rng(3)
    D = rng.dirichlet(np.ones(3), size=30)
    savemat("d.mat", {"features": rng.normal(size=(30, 2)), "labels": D})
    on = ("--dataset", "d.mat", "--protocol", "paper", "--folds", 3)
    (tmp_path / "halfway.py").write_text(PLUGIN)
    assert command("run", "AA-kNN", *on, "--out", "runs").returncode == 0
    write_reference(collect([[tmp_path / "runs"]], ALL_MEASURES, print), tmp_path / "ref")
    to = ("--against", "ref")
    run = command("run", "halfway.py", *on, *to, "--out", "mine")
    assert run.returncode == 0, run.stderr
    refused = command("submission", "mine", *to)
    assert (refused.returncode, "--plugin" in refused.stderr) == (2, True)
    made = command("submission", "mine", "--plugin", "halfway.py", "--with-predictions", *to)
    assert made.returncode == 0, made.stdout + made.stderr
    file = "mine/submission.json"
    for more, said in ((), "give the data with --dataset"), (("--dataset", "d.mat"), "are those"):
        done = command("submission", file, *more, *to)
        assert done.returncode == 0, done.stdout
        assert said in done.stdout
    assert "sys" not in json.loads((tmp_path / file).read_text())["models"][0]["sources"][0]
    assert "halfway" not in sys.modules

    board = rank_all(reference_results("ref"), [file], ALL_MEASURES, BY_NAME["kl_divergence"])
    of_run = rank_all(reference_results("ref"), ["mine"], ALL_MEASURES, BY_NAME["kl_divergence"])
    pd.testing.assert_frame_equal(board.table, of_run.table)
    assert board.table["own"].sum() == 1

    content = json.loads((tmp_path / file).read_text())
    content["scores"].pop(0)
    (tmp_path / "edited.json").write_text(json.dumps(content))
    edited = command("submission", "edited.json", *to)
    assert (edited.returncode, "differs from its checksum" in edited.stderr) == (1, True)
    from features.storage.files import write_json

    del content["sha256"]
    write_json(tmp_path / "edited.json", content)
    edited = command("submission", "edited.json", *to)
    assert edited.returncode == 1
    assert edited.stdout == "- Halfway on d: 1 fold of 3 missing (0)\n"
    assert command("leaderboard", "edited.json", *to).returncode == 2
    assert command("submission", "nothing.json", *to).returncode == 2
    (tmp_path / "halfway.py").write_text(PLUGIN + "# changed\n")
    changed = command("submission", "mine", "--plugin", "halfway.py", *to)
    assert (changed.returncode, "as it is now" in changed.stderr) == (2, True)
