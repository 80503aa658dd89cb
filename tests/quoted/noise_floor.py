"""Measures how right the estimated noise floor is, where the truth is known: ``make quoted``.

Writes results/quoted/noise_floor.csv, and its table into docs/noise_floor.md.

usage: python tests/quoted/noise_floor.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from benchmark.analysis.noise_floor import FRESH, HIDDEN, draw, fit_mixture
from benchmark.columns import as_csv
from benchmark.datasets.synthetic.dataset import load_synthetic
from benchmark.metrics import MEASURES, scores
from features.arrays import FloatArray

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "results" / "quoted" / "noise_floor.csv"
PAGE = ROOT / "docs" / "noise_floor.md"
MARK = "<!-- table: results/quoted/noise_floor.csv -->\n"

#: Sets whose hidden distributions are known: rows, labels, raters, and how they are drawn.
SETS = (
    "drawn images", "one Dirichlet", "clusters", "five raters", "unequal panels", "two labels",
    "softmax of features", "thirty rows",
)  # fmt: skip
OBSERVATIONS, REPEATS = 10, 10


def hidden_of(name: str, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return the hidden distributions of a set and the number of raters of each row."""
    if name == "drawn images":
        latent = load_synthetic(600).latent
        assert latent is not None
        return latent, np.full(600, 15)
    if name == "one Dirichlet":
        return rng.dirichlet([2.0, 1.0, 0.5, 0.5, 0.2, 0.1], 500), np.full(500, 10)
    if name == "clusters":
        peaks = 0.3 + 6 * np.eye(8)[rng.integers(8, size=1000)]
        return np.array([rng.dirichlet(peak) for peak in peaks]), np.full(1000, 11)
    if name == "five raters":
        return rng.dirichlet(np.full(6, 0.8), 800), np.full(800, 5)
    if name == "unequal panels":
        return rng.dirichlet([1.0, 2.0, 3.0, 0.5], 600), rng.integers(3, 40, size=600)
    if name == "softmax of features":  # no mixture of Dirichlet distributions
        scores_of_labels = rng.normal(size=(600, 4)) @ rng.normal(size=(4, 8))
        return softmax(scores_of_labels, axis=1), np.full(600, 11)
    if name == "thirty rows":
        return rng.dirichlet(np.full(6, 0.5), 30), np.full(30, 10)
    return rng.dirichlet([0.7, 1.5], 400), np.full(400, 20)


def measured(name: str, seed: int) -> list[tuple[str, str, str, float, float, float]]:
    """Return the estimated and the true score of both rows in every measure.

    Means over several observations of one set, and the standard deviation of their difference.
    """
    rng = np.random.default_rng([seed, SETS.index(name)])
    theta, raters = hidden_of(name, rng)

    def panel() -> FloatArray:
        return rng.multinomial(raters, theta) / raters[:, None]

    def mean(pairs: list[tuple[FloatArray, FloatArray]]) -> dict[str, float]:
        return dict(pd.DataFrame([scores(D, P) for D, P in pairs]).mean())

    rows = []
    estimates, truths = [], []
    for repeat in range(OBSERVATIONS):  # each observes the set anew
        D = panel()
        votes = np.rint(D * raters[:, None])
        mixture = fit_mixture(votes, repeat)
        drawn = [draw(mixture, votes, rng) for _ in range(REPEATS)]
        estimates.append([mean([(D, one[which]) for one in drawn]) for which in (0, 1)])
        truths.append([mean([(D, theta)]), mean([(D, panel()) for _ in range(REPEATS)])])
    for which, row in enumerate((HIDDEN, FRESH)):
        for measure in MEASURES:
            estimated, true = (
                np.array([values[which][measure.name] for values in found])
                for found in (estimates, truths)
            )
            spread = float((estimated - true).std(ddof=1))
            rows.append((name, row, measure.name, estimated.mean(), true.mean(), spread))
    return rows


def table_of(frame: pd.DataFrame) -> str:
    """Write the table of the page: KL, Chebyshev, cosine and accuracy, estimated and true."""
    shown = ["kl_divergence", "chebyshev", "cosine", "accuracy"]
    head = "| Set | Row | " + " | ".join(shown) + " |\n"
    lines = [head, "|:---" * 2 + "|---:" * len(shown) + "|\n"]
    for (name, row), part in frame.groupby(["set", "row"], sort=False):
        values = part.set_index("measure")
        cells = [
            f"{values.estimated[m]:.3f} ± {values.spread[m]:.3f} ({values.true[m]:.3f})"
            for m in shown
        ]
        lines.append(f"| {name} | {row} | " + " | ".join(cells) + " |\n")
    return "".join(lines)


def main() -> None:
    """Measure, and write file and page."""
    rows = [row for name in SETS for row in measured(name, 0)]
    frame = pd.DataFrame(rows, columns=["set", "row", "measure", "estimated", "true", "spread"])
    FILE.write_text(as_csv(frame), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, _, after = text.partition(MARK)
    rest = after.partition("\n\n")[2]
    PAGE.write_text(f"{before}{MARK}{table_of(frame)}\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    main()
