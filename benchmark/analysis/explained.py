"""What the reader of a table has to know of its measures, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.metrics import BY_NAME, EPS, MEASURES, TOLERANCE, Measure, counted
from benchmark.planning.plan import Plan
from benchmark.wording import listed

#: What holds of a measure, in a clause, where it is not plain from its name.
_RULES = {
    "kl_divergence": f"predicted shares below {EPS:g} count as {EPS:g} in KLdiv",
    "accuracy": "accuracy takes the first of tied labels",
    "tie_aware_accuracy": "tie-aware accuracy takes all of tied labels",
    "jensen_shannon": "JS is the divergence, in bits",
    "earth_movers_distance": "EMD takes the labels as ordered, as the columns are, and is a share "
    "of the way from the first to the last",
    "circular_emd": "Circular EMD takes the labels as standing round a circle in the order of the "
    "columns, and is a share of the way to the opposite label",
    "spearman": "Spearman is 0 where one of the rows has no order, and 1 where neither has",
    "kendall": "Kendall is tau-b, 0 where one of the rows has no order, and 1 where neither has",
    "top_2_accuracy": "Top-2 tells nothing of 2 labels",
    "top_3_accuracy": "Top-3 tells nothing of 2 or 3 labels",
    "expected_calibration_error": "ECE compares the share of the largest predicted label with its "
    "true share, in 15 bins",
}


# More measures than these are not listed by name where all of them count.
_MANY = 9


def over_what(measures: Sequence[Measure]) -> str:
    """Say over which measures the mean rank is."""
    titles = [measure.title.removesuffix(" %") for measure in counted(measures)]
    many = len(titles) == len(measures) > _MANY
    return f"all {len(titles)} measures" if many else listed(titles)


def of_ranks(measures: Sequence[Measure]) -> list[str]:
    """Say what values, ranks and the dagger are, and which rules the measures follow."""
    lines = [
        "Mean over all test folds; ranks are among the models, 1 is best; mean rank over "
        f"{over_what(measures)}. Means that differ by at most {TOLERANCE:g} are tied.",
        "† not better than the mean training distribution, which looks at no instance.",
    ]
    if tuple(measures) == MEASURES:
        return [
            *lines,
            f"A label with d = p = 0 counts 0; predicted shares below {EPS:g} count as {EPS:g} in "
            "KLdiv; accuracy takes the first of tied labels, tie-aware accuracy all of them.",
        ]
    rules = [_RULES[m.name] for m in measures if m is BY_NAME.get(m.name) and m.name in _RULES]
    lines.append("; ".join(["A label with d = p = 0 counts 0", *rules]) + ".")
    if of_sets := [measure.title for measure in measures if not measure.per_row]:
        lines.append(
            f"{listed(of_sets)}: of the rows of a fold together; single instances have no value, "
            f"so there are no intervals over instances and no effect sizes in it."
        )
    own = [m for m in measures if m.origin]
    lines += [f"{m.title} is the measure {m.name} of {Path(m.origin).name}." for m in own]
    return lines


def of_zeros(plan: Plan, measures: Sequence[Measure]) -> list[str]:
    """Say what true shares of 0 do to Clark and Canberra, where there are some."""
    if not {"clark", "canberra"} & {measure.name for measure in measures}:
        return []
    shares = np.concatenate([truth.D.ravel() for truth in plan.truths.values()])
    zeros = int((shares == 0).sum())
    if not zeros:
        return []
    return [
        f"{zeros:,} of {len(shares):,} true shares are 0. There Clark and Canber count a label "
        f"whole as soon as its predicted share is not 0 too, however small it is: they reward "
        f"predictions that set small shares to 0, which KLdiv punishes."
    ]


def of_the_oracle(measures: Sequence[Measure]) -> str:
    """Say what the gap to the oracle is."""
    return (
        "Gap to oracle: the distance to the oracle, in percent of that of the mean training "
        f"distribution; the median over those of {over_what(measures)} in which the oracle "
        "is better than that (table3.csv has each). The oracle predicts the distributions "
        "from which simulated raters drew the labels. No prediction has a lower expected "
        "KLdiv; in other measures some may be better, in Clark and Canber far better."
    )


def of_failures(failed: Mapping[str, str]) -> list[str]:
    """Say which measures have no column, and why.

    Parameters
    ----------
    failed : mapping
        Name of a measure to the reason, in a sentence.
    """
    return [
        f"There is no column of the measure {name}: {reason.rstrip('.')}."
        for name, reason in failed.items()
    ]
