"""What the numbers of a run say, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.analysis.statistics import ALPHA
from benchmark.metrics import BY_NAME, Measure, counted
from benchmark.tables.significance import ranking_sentences, seen_from, untested_sentences
from benchmark.wording import count, duration, listed, percent

if TYPE_CHECKING:
    from benchmark.analysis.evidence import Evidence
    from benchmark.planning.plan import Truth

_KL, _ACCURACY = BY_NAME["kl_divergence"], BY_NAME["accuracy"]

# With more datasets than this the summary is about all of them together.
_MOST_DATASETS = 3


def summary_sentences(evidence: Evidence) -> list[str]:
    """Sum up a run: who leads, which differences are significant, how far the oracle is.

    Returns
    -------
    list of str
        Plain text.
    """
    found = missing_sentences(evidence)
    parts = list(evidence.summary.groupby("dataset", sort=False))
    if len(parts) <= _MOST_DATASETS:
        for name, part in parts:
            found += dataset_sentences(evidence, str(name), part.set_index("model"))
    else:
        found += _overall(evidence.summary)
    if len(parts) > 1:
        for measure in _told(evidence):
            found += [s for s in ranking_sentences(evidence.summary, measure) if s not in found]
    return found


def _told(evidence: Evidence) -> tuple[Measure, ...]:
    """Return the measures whose tests are told in sentences: KLdiv and accuracy, if chosen."""
    usual = tuple(measure for measure in (_KL, _ACCURACY) if measure in evidence.measures)
    return usual or evidence.measures[:2]


def missing_sentences(evidence: Evidence) -> list[str]:
    """Say what has no result."""
    if not evidence.missing:
        return []
    total = len(evidence.results) + evidence.missing
    so_far = "The same run command computes what is missing."
    if evidence.at_work:
        so_far = "A run is at work."
    return [
        f"{evidence.missing} of {total} results are missing: a model that lacks a fold has no "
        f"mean and no rank. {so_far}"
    ]


def dataset_sentences(evidence: Evidence, dataset: str, part: pd.DataFrame) -> list[str]:
    """Sum up one dataset.

    Parameters
    ----------
    evidence : Evidence
    dataset : str
        Its name.
    part : DataFrame
        The dataset's rows of the summary, by model.
    """
    truth = evidence.plan.truths[dataset]
    models = part[(part["kind"] == "model") & part["mean_rank"].notna()].sort_values(
        "mean_rank", kind="stable"
    )
    about = size_of(truth)
    if models.empty:
        return [f"On {dataset} ({about}) no model has all of its folds."]
    found = [_leaders(dataset, about, models, counted(evidence.measures))]
    if len(models) > 1:
        pairs = evidence.pairs[evidence.pairs["dataset"] == dataset]
        found += [_significance(models, pairs, measure) for measure in _told(evidence)]
    lost = _lost(models, counted(evidence.measures))
    if lost:
        found.append(lost)
    if models["oracle_gap"].notna().any():
        found.append(_oracle(models))
    if len(models) > 1:
        found.append(_times(evidence, dataset))
    return found


def size_of(truth: Truth) -> str:
    """Say how large a dataset is: its instances, labels and test folds."""
    rows, labels = truth.D.shape
    folds = truth.folds.n_folds * truth.folds.n_repeats
    return f"{count(rows, 'instance')}, {count(labels, 'label')}, {count(folds, 'test fold')}"


def _leaders(dataset: str, about: str, models: pd.DataFrame, measures: Sequence[Measure]) -> str:
    first = models["mean_rank"] == models["mean_rank"].iloc[0]
    best = list(models.index[first])
    start = f"On {dataset} ({about}) "
    if len(models) == 1:
        return f"{start}there is one model, {best[0]}."
    leads: dict[str, list[str]] = {}
    for measure in measures:
        for model in models.index[models[f"{measure.name}_rank"] == 1]:
            leads.setdefault(str(model), []).append(measure.title.removesuffix(" %"))
    rank = models["mean_rank"].iloc[0]
    has = "has" if len(best) == 1 else "share"
    sentence = f"{start}{listed(best)} {has} the best mean rank of {len(models)} models, {rank:.2f}"
    others = models[~first]
    if len(others):
        sentence += f", before {others.index[0]} with {others['mean_rank'].iloc[0]:.2f}"
    counts = [
        f"{model} leads in {len(names)} of the {len(measures)} measures ({listed(names)})"
        for model, names in leads.items()
    ]
    return f"{sentence}. {'; '.join(counts)}."


def _significance(models: pd.DataFrame, pairs: pd.DataFrame, measure: Measure) -> str:
    best = str(models.index[models[f"{measure.name}_rank"] == 1][0])
    seen = seen_from(pairs[pairs["measure"] == measure.name], best)
    seen = seen[seen["model_b"].isin(models.index)]
    tested = seen[seen["p_holm"].notna()]
    title = measure.title.removesuffix(" %")
    untested = " ".join(untested_sentences(seen))
    if tested.empty:
        return f"In {title}, {best} is first. {untested}"
    worse = tested[tested["p_holm"] < ALPHA]
    close = list(tested["model_b"][tested["p_holm"] >= ALPHA])
    if worse.empty:
        found = (
            f"In {title}, {best} is first, but no difference from another model is significant "
            f"(corrected resampled t-test, Holm)."
        )
    elif not close:
        others = f"all {len(tested)} others" if len(tested) > 1 else str(tested["model_b"].iloc[0])
        if untested:
            others = listed(tested["model_b"])
        found = (
            f"In {title}, {best} is significantly better than {others} "
            f"(corrected resampled t-test, Holm)."
        )
    else:
        found = (
            f"In {title}, {best} is significantly better than {len(worse)} of {len(tested)} others "
            f"(corrected resampled t-test, Holm), but cannot be told from {listed(close)}."
        )
    return f"{found} {untested}".rstrip()


def _lost(models: pd.DataFrame, measures: Sequence[Measure]) -> str:
    names_of = {measure.name for measure in measures}
    found = []
    for model, names in models["not_better_than_mean"].items():
        lost = [name for name in str(names).split() if name in names_of]
        if lost:
            found.append(f"{model} in {len(lost)}")
    if not found:
        return "Every model beats the mean training distribution in every measure."
    return (
        f"Not better than the mean training distribution, which looks at no instance: "
        f"{listed(found)} of the {len(measures)} measures."
    )


def _oracle(models: pd.DataFrame) -> str:
    ordered = models.sort_values("oracle_gap", kind="stable")
    best, gap = ordered.index[0], percent(ordered["oracle_gap"].iloc[0])
    return (
        f"Nearest to the oracle, which knows the distributions that the raters drew from, is "
        f"{best}: in the median of the measures its distance is {gap} of that of the mean training "
        f"distribution."
    )


def _times(evidence: Evidence, dataset: str) -> str:
    seconds: dict[str, list[float]] = {}
    for task, result in evidence.results.items():
        if task.dataset == dataset:
            seconds.setdefault(task.model, []).append(result.record["fit_seconds"])
    means = {model: sum(values) / len(values) for model, values in seconds.items()}
    quick, slow = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return (
        f"Learning from a fold took {duration(means[quick])} ({quick}) to "
        f"{duration(means[slow])} ({slow})."
    )


def _overall(summary: pd.DataFrame) -> list[str]:
    """Sum up many datasets: the mean of mean ranks, over the datasets that all models ran on."""
    models = summary[summary["kind"] == "model"]
    table = models.pivot_table(
        index="dataset", columns="model", values="mean_rank", aggfunc="first", dropna=False
    )
    complete = table.dropna(axis=1)
    if complete.empty:
        return [f"No model has complete results on all {len(table)} datasets."]
    means = complete.mean().sort_values(kind="stable")
    names = [f"{model} ({rank:.2f})" for model, rank in means.head(3).items()]
    first = complete.eq(complete.min(axis=1), axis=0).sum()
    found = [
        f"Over {len(table)} datasets the best mean ranks, over datasets and measures, have "
        f"{listed(names)}; {means.index[0]} is first on {first[means.index[0]]} of them."
    ]
    left = [str(model) for model in table if model not in complete]
    if left:
        found.append(f"{listed(left)} did not run, or not completely, on every dataset.")
    return found
