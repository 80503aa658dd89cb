"""Critical-difference diagrams: mean ranks over datasets; bars join models that may be equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.analysis.comparisons import NoTest, Ranking, rank_across, rankings_frame
from benchmark.analysis.statistics import ALPHA
from benchmark.figures.base import (
    Drawing,
    colours,
    name_limit,
    shortened,
    small_type,
    styled,
)
from benchmark.figures.choice import Choice, NotShown, chosen_measure
from benchmark.figures.look import look
from benchmark.wording import listed, p_equals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmark.analysis.evidence import Evidence


def too_few(evidence: Evidence, choice: Choice) -> NotShown | None:
    """Return the reason if there are too few datasets, or models that ran on all of them."""
    ranking = _rank(evidence, choice)
    return NotShown(ranking.reason) if isinstance(ranking, NoTest) else None


def make(evidence: Evidence, choice: Choice) -> Drawing:
    """Draw the diagrams of one measure, by Nemenyi's test and by Wilcoxon's."""
    measure = chosen_measure(choice, evidence)
    ranking = _rank(evidence, choice)
    assert isinstance(ranking, Ranking)  # noqa: S101 - `too_few` returned None
    friedman = ranking.friedman
    caption = " ".join(
        [
            f"Mean ranks in {measure.title} over {len(ranking.datasets)} datasets, best on the "
            f"left (Friedman: {p_equals(friedman.p_value)}, Kendall's W "
            f"{friedman.concordance:.2f}). A bar joins models, marked by dots on it, no two of "
            f"which differ significantly at {ALPHA:g}: above by Nemenyi's test (critical "
            f"difference {ranking.critical_difference:.2f}), below by Wilcoxon's signed-rank test "
            f"with Holm's adjustment, which looks at the sizes of differences too.",
            *([f"Only {listed(ranking.models)} are ranked."] if choice.models else []),
            *ranking.remarks,
        ]
    )
    data = rankings_frame(_rows(evidence.summary, choice), [measure])
    name = f"critical-{measure.name.replace('_', '-')}"
    return Drawing(name, draw(ranking), data, caption)


def _rank(evidence: Evidence, choice: Choice) -> Ranking | NoTest:
    return rank_across(_rows(evidence.summary, choice), chosen_measure(choice, evidence))


def _rows(summary: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Take the rows of the chosen models, so that they alone are ranked."""
    return summary[summary["model"].isin(choice.models)] if choice.models else summary


@styled
def draw(ranking: Ranking, wilcoxon: bool = True) -> Figure:
    """Draw both diagrams, one above the other; of many models only that of Nemenyi's test."""
    from matplotlib.figure import Figure
    from scikit_posthocs import critical_difference_diagram

    names = shortened(ranking.models, name_limit())
    ranks = pd.Series(ranking.friedman.mean_ranks, index=names)
    distance = ranking.critical_difference
    narrow = look().narrow
    nemenyi = (
        f"Nemenyi, critical difference {distance:.2f}"
        if narrow
        else f"Nemenyi: mean ranks that differ by {distance:.2f} differ significantly"
    )
    tests = {nemenyi: ranking.nemenyi}
    if wilcoxon:
        adjusted = "Holm's adjustment" if narrow else "adjusted by Holm's method"
        tests[f"Wilcoxon, {adjusted}"] = ranking.wilcoxon
    height = 0.9 + 0.1 * len(names) if narrow else 1.0 + 0.22 * len(names)
    # Many models stand closer, as far as their names have room, to fit on a page.
    height = min(height, max(0.9 + 0.065 * len(names), look().tallest / len(tests)))
    figure = Figure(figsize=(look().width, len(tests) * height), layout="constrained")
    panels = figure.subplots(len(tests), 1, squeeze=False)[:, 0]
    bars = {"color": colours()[0], "marker": "o", "markersize": 4, "linewidth": 2.5}
    for panel, (title, found) in zip(panels, tests.items(), strict=True):
        p_values = np.nan_to_num(found, nan=1.0)  # models that are tied everywhere are joined
        critical_difference_diagram(
            ranks,
            pd.DataFrame(p_values, index=names, columns=names),
            alpha=ALPHA,
            ax=panel,
            label_fmt_left="{label}  {rank:.2f} ",
            label_fmt_right=" {rank:.2f}  {label}",
            label_props={"size": small_type()},
            marker_props={"s": 12},
            elbow_props={"color": "black", "linewidth": 0.6},
            crossbar_props=bars,
        )
        for line in panel.get_lines():  # the library has bars go along as a set of Python's does
            if line.get_marker() == "o":
                line.set_xdata(np.sort(line.get_xdata()))
        panel.set_title(title, loc="center" if narrow else "left")
        panel.tick_params(labelsize=small_type())
    return figure
