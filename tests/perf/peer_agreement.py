"""How our methods agree with those of python-ldl: ``results/peer_agreement.csv`` and its page.

Both libraries learn from the same training rows (fold 0 of ten) with the same settings, those of
python-ldl unless said otherwise, and the same first weights where it lets them be told.

usage: python tests/perf/peer_agreement.py [FOLDER OF .mat FILES]   (needs the extra pyldl)
       python tests/perf/peer_agreement.py --page                   (the page's table again)
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "peer_agreement.csv"
PAGE = ROOT / "docs" / "peer_library.md"
COLUMNS = ("method", "theirs", "setting", "dataset", "kl_ours", "kl_theirs", "largest_difference",
           "objective_ours", "objective_theirs")  # fmt: skip
SMALL, LARGE = "SJAFFE", "Yeast_cold"

Data = dict[str, np.ndarray]
Fit = Callable[[Data], Any]


@dataclass(frozen=True)
class Pair:
    """A method that both libraries have: how each fits it, and why they differ."""

    name: str
    theirs: str
    setting: str
    our_fit: Fit
    their_fit: Fit
    why: str
    datasets: tuple[str, ...] = (SMALL, LARGE)


def start(d: Data) -> np.ndarray:
    """The weights from which python-ldl starts after numpy.random.seed(0)."""
    return np.random.RandomState(0).random_sample((d["X"].shape[1], d["D"].shape[1]))


def pairs() -> list[Pair]:
    """Every method of both libraries."""
    import baselines as b
    from benchmark.plugins.registry import find_model

    def ours(learner: Callable[..., Any], **settings: Any) -> Fit:
        return lambda d: learner(**settings).fit(d["X"], d["D"])

    def from_start(learner: Callable[..., Any], **settings: Any) -> Fit:
        return lambda d: learner(start=start(d), fit_intercept=False, **settings).fit(
            d["X"], d["D"]
        )

    def theirs(name: str, **settings: Any) -> Fit:
        cls: Any = find_model(f"PyLDL:{name}").load()
        return lambda d: cls(random_state=0, **settings).fit(d["X"], d["D"])

    return [
        Pair(
            "AA-kNN", "AA_KNN", "k = 5", ours(b.AAKNN, k=5), theirs("AA_KNN"),
            "The same neighbours, the same mean.",
        ),
        Pair(
            "BD-LDL", "BD_LDL", "alpha = 0.001, beta = 0.01",
            ours(b.BDLDL, alpha=1e-3, beta=1e-2), theirs("BD_LDL"),
            "One Sylvester equation, solved in eigenvectors here and by Schur's form there.",
        ),
        Pair(
            "SA-BFGS", "SA_BFGS", "500 iterations, the same start, no intercept",
            from_start(b.SABFGS, max_iter=500), theirs("SA_BFGS"),
            "The same objective, both by L-BFGS with a memory of their own: where the optimum is "
            "reached the shares agree, on the way to it they need not.",
        ),
        Pair(
            "SA-IIS", "SA_IIS", "5 iterations, the same start, no intercept",
            from_start(b.SAIIS, max_iter=5, tol=0.0),
            theirs("SA_IIS", max_iterations=5, convergence_criterion=-np.inf),
            "The same iteration, whose equation python-ldl solves cell by cell with a general "
            "solver.",
            (SMALL,),
        ),
        Pair(
            "PT-Bayes", "PT_Bayes", "each its own defaults", ours(b.PTBayes), theirs("PT_Bayes"),
            "Another model: theirs draws single labels and takes a diagonal covariance with a "
            "tenth of the largest variance added (naive Bayes); ours weighs the examples exactly "
            "and takes a full covariance, as published, shrunk towards the labels' common one.",
        ),
        Pair(
            "PT-SVM", "PT_SVM", "each its own defaults", ours(b.PTSVM), theirs("PT_SVM"),
            "Another model: theirs draws single labels for a linear machine, one label against the "
            "rest; ours is the published pairwise coupling with an RBF kernel.",
            (SMALL,),
        ),
        Pair(
            "AA-BP", "AA_BP", "64 hidden units, 200 epochs",
            ours(b.AABP, n_hidden=64, epochs=200, random_state=0), theirs("AA_BP", epochs=200),
            "How the error is minimised is not published. Theirs takes plain gradient steps of a "
            "mean (rate 0.001), which hardly leave the first weights; ours uses momentum and "
            "standardised features.",
            (SMALL,),
        ),
        Pair(
            "SA-CPNN", "CPNN", "64 hidden units, 200 epochs",
            ours(b.SACPNN, n_hidden=64, epochs=200, random_state=0), theirs("CPNN", epochs=200),
            "The same network and RProp in another variant, from other first weights.",
            (SMALL,),
        ),
        Pair(
            "LDSVR", "LDSVR", "each its own defaults", ours(b.LDSVR), theirs("LDSVR"),
            "Another objective: theirs is one machine per label with a zone per share, ours the "
            "published one with a single zone for the whole row.",
            (SMALL,),
        ),
        Pair(
            "LDLLC", "LDLLC", "alpha = 0.001, beta = 0.1 (theirs 0.2, which is halved)",
            ours(b.LDLLC, alpha=1e-3, beta=0.1),
            theirs("LDLLC", alpha=1e-3, beta=0.2, max_iterations=500),
            "The same objective. Its signs jump, where a line search may stop; ours holds them "
            "for a round. Theirs computes in single precision.",
        ),
        Pair(
            "LDL-LRR", "LDL_LRR", "alpha = 0.001, beta = 0.01, 500 iterations",
            ours(b.LDLLRR, alpha=1e-3, beta=0.01),
            theirs("LDL_LRR", alpha=1e-3, beta=0.01, max_iterations=500),
            "The same objective, which is not convex, from other first weights. Theirs computes in "
            "single precision.",
            (SMALL,),
        ),
        Pair(
            "DF-LDL", "DF_LDL", "k = 5", ours(b.DFLDL, k=5), theirs("DF_LDL"),
            "The same parts and the same fusion. Our learner of a part has intercepts and starts "
            "at the mean distribution, theirs starts at random weights; both stop on the way.",
            (SMALL,),
        ),
        Pair(
            "LDL4C", "LDL4C", "each its own defaults", ours(b.LDL4C), theirs("LDL4C"),
            "Theirs takes the mean over labels where the paper has the sum, has no intercepts, and "
            "stops after 50 iterations.",
            (SMALL,),
        ),
        Pair(
            "LDL-HR", "LDL_HR", "each its own defaults", ours(b.LDLHR), theirs("LDL_HR"),
            "As LDL4C; the nearer the minimum, the nearer to one label a row.",
            (SMALL,),
        ),
        Pair(
            "LDLM", "LDLM", "each its own defaults", ours(b.LDLM), theirs("LDLM"),
            "Theirs makes 1,000 steps of gradient descent, far from the minimum; ours goes there, "
            "to nearly one label a row: the objective is made for accuracy.",
            (SMALL,),
        ),
        Pair(
            "LDLSF", "LDLSF", "each its own defaults", ours(b.LDLSF), theirs("LDLSF"),
            "Ours is at the minimum of the objective; theirs is 100 iterations of multipliers that "
            "demand sums of exactly 1, and does not get there.",
            (SMALL,),
        ),
        Pair(
            "LDL-LCLR", "LDL_LCLR", "each its own defaults", ours(b.LDLLCLR), theirs("LDL_LCLR"),
            "Theirs gives the last term the opposite sign and searches by multipliers; with "
            "weights this small the cross entropy decides.",
            (SMALL,),
        ),
        Pair(
            "TLRLDL", "TLRLDL", "each its own defaults", ours(b.TLRLDL), theirs("TLRLDL"),
            "The same updates; the matrix that leads from shares to labels begins at zero here and "
            "at random numbers there, and the problem is not convex.",
            (SMALL,),
        ),
        Pair(
            "TKLRLDL", "TKLRLDL", "each its own defaults", ours(b.TKLRLDL), theirs("TKLRLDL"),
            "As TLRLDL.",
            (SMALL,),
        ),
        Pair(
            "Delta-LDL", "Delta_LDL", "standardised, 64 hidden units, 1,000 epochs",
            ours(b.DeltaLDL, random_state=0), theirs("Delta_LDL", scaling="standard"),
            "The same network and training from other first weights.",
            (SMALL,),
        ),
        Pair(
            "LDL-SCL", "LDL_SCL", "each its own defaults",
            ours(b.LDLSCL, random_state=0), theirs("LDL_SCL"),
            "Ours is at a minimum of the paper's objective; theirs makes 1,000 steps of Adam and "
            "keeps the barrier that the paper lets go to 0.",
            (SMALL,),
        ),
        Pair(
            "LDLF", "LDLF", "each its own defaults",
            ours(b.LDLF, random_state=0), theirs("LDLF"),
            "Theirs puts a softmax over the leaves after each update, which keeps them near the "
            "uniform distribution.",
            (SMALL,),
        ),
    ]  # fmt: skip


def load(folder: Path, name: str) -> Data:
    """Fold 0 of ten, as the harness draws it."""
    from benchmark.planning.folds import stratified_folds

    content = loadmat(folder / f"{name}.mat")
    X, D = content["features"].astype(float), content["labels"].astype(float)
    folds = stratified_folds(D, 10, 1, 0)
    train, test = folds.train(0, 0), folds.test(0, 0)
    return {"X": X[train], "D": D[train], "X_test": X[test], "D_test": D[test]}


def objective(model: Any, d: Data) -> float | None:
    """-sum d ln p on the training rows, of a maximum entropy model; else nothing."""
    P = np.clip(model.predict(d["X"]), 1e-300, None)
    return float(-(d["D"] * np.log(P)).sum())


def compare(pair: Pair, name: str, d: Data) -> dict[str, Any]:
    """One row of the file."""
    from benchmark.metrics import kl_divergence

    models = [fit(d) for fit in (pair.our_fit, pair.their_fit)]
    ours, theirs = (np.asarray(model.predict(d["X_test"])) for model in models)
    row: dict[str, Any] = {
        "method": pair.name, "theirs": pair.theirs, "setting": pair.setting, "dataset": name,
        "kl_ours": f"{kl_divergence(d['D_test'], ours).mean():.5f}",
        "kl_theirs": f"{kl_divergence(d['D_test'], theirs).mean():.5f}",
        "largest_difference": f"{np.abs(ours - theirs).max():.2g}",
        "objective_ours": "", "objective_theirs": "",
    }  # fmt: skip
    if pair.name in ("SA-BFGS", "SA-IIS"):
        for who, model in zip(("ours", "theirs"), models, strict=True):
            row[f"objective_{who}"] = f"{objective(model, d):.4f}"
    return row


def stored() -> list[dict[str, str]]:
    """The rows of the file."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table() -> str:
    """The table of the page, in Markdown."""
    why = {pair.name: pair.why for pair in pairs()}
    lines = [
        "| Method | PyLDL: | Settings | Set | KL, ours | KL, theirs | Largest difference |",
        "|---|---|---|---|---|---|---|",
    ]
    reasons = dict[str, str]()
    for row in stored():
        lines.append(
            f"| {row['method']} | {row['theirs']} | {row['setting']} | {row['dataset']} | "
            f"{row['kl_ours']} | {row['kl_theirs']} | {row['largest_difference']} |"
        )
        reasons[row["method"]] = why[row["method"]]
    return "\n".join([*lines, "", *(f"* **{name}.** {text}" for name, text in reasons.items())])


def write_page() -> None:
    """Put the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    marks = r"(<!-- agreement -->\n).*?(<!-- end -->)"
    new = re.sub(marks, lambda m: f"{m[1]}\n{table()}\n\n{m[2]}", text, flags=re.DOTALL)
    PAGE.write_text(new, encoding="utf-8")


def main() -> None:
    """Compare, pair by pair; what is in the file is not computed again."""
    if sys.argv[1:] == ["--page"]:
        write_page()
        return
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT.parent / "shared" / "datasets"
    loaded = {name: load(folder, name) for name in (SMALL, LARGE)}
    done = {(row["method"], row["setting"], row["dataset"]): row for row in stored()}
    rows = []
    for pair in pairs():
        for name in pair.datasets:
            known = done.get((pair.name, pair.setting, name))
            rows.append(known or compare(pair, name, loaded[name]))
            print(*rows[-1].values(), sep="  ", flush=True)
            with RESULTS.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    write_page()


if __name__ == "__main__":
    main()
