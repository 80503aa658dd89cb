"""The columns of every CSV file of a run folder: names in their order, and what they mean.

Who writes a file takes its columns from here, and its text from `as_csv`. Accuracies are shares in
[0, 1]. A missing value is an empty cell.

A spreadsheet takes text that begins with one of ``= + - @``, a tab or a carriage return for a
formula, and would compute what a stranger's file names, identifiers or labels say. Such text, if it
is not a number, gets an apostrophe before it; so does text that begins with apostrophes before one
of these, so that taking one apostrophe away (`as_written`) always gives back the text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from benchmark.metrics import MEASURES, TOLERANCE, Measure, counted

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

_DATASET = {"dataset": "name of the dataset"}
_MODEL = {"model": "name of the model"}
_MEASURE = {"measure": "name of the measure"}
_FOLD = {"repeat": "number of the repeat, from 0", "fold": "number of the test fold, from 0"}
_FOLDS = {
    "folds": "number of folds that have a result",
    "expected_folds": "number of folds that there should be",
}
_PAIR = {"model_a": "one model", "model_b": "the other"}

#: Which fold tests which row: a file per dataset.
FOLDS = {
    "row": "number of the row, from 0",
    "id": "identifier of the row",
    "group": "what the row belongs to, where the data have groups",
    "version": "of the rule by which the rows were split; results of different ones are not mixed",
    "repeat<number>": "number of the fold that tests the row, in this repeat; train: none does",
}

#: Every value.
SCORES = {
    **_DATASET,
    **_MODEL,
    **_FOLD,
    **_MEASURE,
    "value": "mean over the rows of the test fold",
}

#: Time and convergence of every fold.
TIMINGS = {
    **_DATASET,
    **_MODEL,
    **_FOLD,
    "fit_seconds": "seconds to learn",
    "predict_seconds": "seconds to predict",
    "n_iter": "iterations of the training",
    "converged": "whether the training met its tolerance",
    "objective": "what the training minimises, at its end",
}


def gaps_of(measures: Iterable[Measure]) -> dict[str, str]:
    """Return the columns of how far a model is from the oracle, where there is one."""
    meaning = "as oracle_gap, in this measure; missing if the oracle is no better"
    return {
        **{f"{measure.name}_gap": meaning for measure in counted(measures)},
        "oracle_gap": "share of the mean distribution's distance to the oracle, median over "
        "measures",
    }


def table3_of(measures: Iterable[Measure]) -> dict[str, str]:
    """Return the columns of ``table3.csv`` with these measures: means over folds, and ranks."""
    shown = tuple(measures)
    of_measures = {
        name: meaning
        for measure in shown
        for name, meaning in (
            (measure.name, "mean over folds; missing where a fold is"),
            (f"{measure.name}_std", "sample deviation over folds; missing for a single fold"),
            (
                f"{measure.name}_rank",
                f"rank among the models, 1 is best; those within {TOLERANCE:g} share the smaller",
            ),
        )
    }
    return {**_NAMES_3, **of_measures, **_MEAN_RANK, **gaps_of(shown), **_ABOUT_3}


_NAMES_3 = {**_DATASET, "model": "name of the model, or of the trivial predictor"}

_MEAN_RANK = {"mean_rank": "mean of the ranks in the paper's seven measures, or the chosen ones"}

_ABOUT_3 = {
    "kind": "model or trivial",
    "group": "paper, extended (baselines), newer (methods), peer (python-ldl), own or trivial",
    **_FOLDS,
    "not_better_than_mean": "measures in which the mean training distribution is not beaten",
}

#: Means over folds, and ranks, with the default measures.
TABLE3 = table3_of(MEASURES)

#: All pairs of models in every measure; ``tests.csv`` has those of the best model. There is no test
#: of fewer than 3 folds, or where the differences of all folds are the same; no effect size where
#: those of all instances are. Differences of at most `TOLERANCE` are ties.
PAIRS = {
    **_DATASET,
    **_MEASURE,
    **_PAIR,
    "difference": "mean over folds, positive where model_a is better",
    "low": "lower end of the difference's 95 % interval",
    "high": "upper end of it",
    "statistic": "t of the corrected resampled t-test; missing where there is no test",
    "p_value": "its p-value",
    "p_holm": "that adjusted for all pairs of the dataset and measure",
    "p_a_better": "probability that model_a is better",
    "p_equivalent": "probability that they are practically equivalent",
    "p_b_better": "probability that model_b is better",
    "effect_size": "mean difference over instances, in deviations of the differences",
    "share_won": "share of instances on which model_a is better; ties count half",
    "folds": "number of folds that both have",
    "expected_folds": _FOLDS["expected_folds"],
}

#: Bootstrap intervals of the means.
INTERVALS = {
    **_DATASET,
    "model": TABLE3["model"],
    **_MEASURE,
    "low": "lower end of the mean's 95 % interval; missing for a single instance",
    "high": "upper end of it",
}

#: Tests across datasets.
RANKINGS = {
    **_MEASURE,
    **_PAIR,
    "mean_rank_a": "mean rank of model_a over the datasets",
    "mean_rank_b": "mean rank of model_b",
    "p_nemenyi": "p-value of the pair in Nemenyi's test",
    "p_wilcoxon_holm": "p-value in Wilcoxon's signed-rank test, adjusted by Holm's method",
    "effect_size": "rank-biserial correlation, positive where model_a is better",
    "friedman_statistic": "chi square of Friedman's test of all models",
    "friedman_p": "its p-value",
    "kendall_w": "Kendall's W, how well the datasets agree on the order: 0 to 1",
    "critical_difference": "mean ranks that differ by as much are significant by Nemenyi's test",
    "datasets": "number of datasets",
}

#: Every configuration that tuning tried, in every fold.
TUNING = {
    **_DATASET,
    "model": "name of the tuned row",
    **_FOLD,
    "configuration": "number of the configuration, from 0",
    "settings": "what it changes of the row's own settings",
    **_MEASURE,
    "inner_score": "mean over the inner folds; missing where the configuration failed",
    "inner_scores": "those of the inner folds, parted by spaces",
    "chosen": "whether the fold chose it",
    "times_chosen": "in how many folds of the dataset it was chosen",
    "failed": "why it failed in an inner fold, where it did",
}

#: Every tuned row beside the row that it tunes.
TUNED = {
    **_DATASET,
    **_MODEL,
    **_MEASURE,
    "untuned": "mean over folds with the settings as they were",
    "tuned": "mean over folds with the settings that each fold chose",
    "gain": "by how much the tuned row is better, mean over folds",
    "relative_gain": "that as a share of the value with the settings as they were",
    "low": "lower end of the gain's 95 % interval",
    "high": "upper end of it",
    "p_value": "p-value of the gain, corrected resampled t-test",
    "p_holm": "that adjusted for all tuned rows of the dataset",
    "chosen_most": "the settings chosen most often",
    "times_chosen": "number of folds that chose them",
    "different_choices": "how many different settings the folds chose",
    **_FOLDS,
}

#: Images per class.
TABLE1 = {
    **_DATASET,
    "counted_by": "category (the folder of an image) or dominant label (its largest share)",
    "class": "name of the category or label",
    "images": "number of images",
    "expected": "number in Table 1 of the paper, where it tells one",
}

#: Accuracy of models (rows) on datasets.
TABLE4 = {
    "model": TABLE3["model"],
    "<dataset>": "mean accuracy over folds",
    "<dataset>_std": "sample deviation over folds",
    "<dataset>_rank": "rank among the models, 1 is best",
}

#: The measures of the wheel ablation.
WHEEL_MEASURES = ("accuracy", "kl_divergence")

#: Networks with different matrices in the wheel's place.
WHEEL = {
    **_DATASET,
    **_MODEL,
    "wheel": "the matrix",
    "trained": "whether it is trained",
    "reading": "how predictions are read off the network",
    **{
        name: meaning
        for measure in WHEEL_MEASURES
        for name, meaning in (
            (measure, "mean over folds"),
            (f"{measure}_gain", "by how much it is better than without a wheel, mean over folds"),
            (f"{measure}_without", "mean over folds of the network without a wheel"),
            (f"{measure}_low", "lower end of the gain's 95 % interval"),
            (f"{measure}_high", "upper end of it"),
            (f"{measure}_p", "p-value of the corrected resampled t-test; missing without a test"),
            (f"{measure}_p_holm", "that adjusted for all variants of the dataset and measure"),
            (f"{measure}_folds_won", "number of folds in which it is better"),
        )
    },
    "folds": _FOLDS["folds"],
}

#: Ours beside the published values, a row per cell of the paper's Tables 3 and 4.
COMPARE = {
    "table": "3 or 4",
    "published_dataset": "dataset of the paper",
    "dataset": "dataset of the run that stands for it",
    "model": "row of the table, or a model that only the run has",
    **_MEASURE,
    "ours": "our mean over folds",
    "published": "the published value",
    "difference": "positive where ours is better, whatever the measure's direction",
    "our_rank": "rank among the models of the run",
    "published_rank": "as printed in Table 3, computed in Table 4",
    "ours_beats_mean": "whether ours beats the mean training distribution of the run",
    "published_beats_mean": "whether the published value beats that of the real labels",
}

#: The paper's claims, checked on our results.
CLAIMS = {
    "claim": "its short name",
    "text": "the claim",
    "where": "where the paper makes it",
    "datasets": "datasets of the run that it is held against",
    "verdict": "holds, does not hold, not significant, or cannot be judged",
    "agrees": "number of comparisons that agree, significantly",
    "opposes": "number that are significantly the other way round",
    "not_significant": "number that are not significant",
    "not_tested": "number of too few folds, or of the same difference in all folds",
    "absent": "number that the run lacks",
    "numbers": "our differences and the published ones, in words",
    "obstacles": "what the run lacks, in words",
    "reasons": "why our numbers may differ from the paper's, in words",
}

#: The full table of the reference results with a run's rows in it.
AGAINST = {**TABLE3, "origin": "own or reference"}

#: A run's rows, as model_a, against all of that table.
AGAINST_PAIRS = {
    **PAIRS,
    "p_holm_own": "that adjusted for the comparisons of model_a on the dataset in the measure",
}

#: File to columns. A name in angle brackets stands for several: one per dataset or repeat.
FILES = {
    "folds/<dataset>.csv": FOLDS,
    "scores.csv": SCORES,
    "timings.csv": TIMINGS,
    "table3.csv": TABLE3,
    "pairs.csv": PAIRS,
    "tests.csv": PAIRS,
    "intervals.csv": INTERVALS,
    "rankings.csv": RANKINGS,
    "tuning.csv": TUNING,
    "tuned.csv": TUNED,
    "table1.csv": TABLE1,
    "table4.csv": TABLE4,
    "wheel.csv": WHEEL,
    "compare.csv": COMPARE,
    "claims.csv": CLAIMS,
    "against.csv": AGAINST,
    "against-pairs.csv": AGAINST_PAIRS,
}


def as_csv(frame: pd.DataFrame, index_label: str | None = None) -> str:
    """Write a table as the text of a CSV file, for programs and for spreadsheets.

    Parameters
    ----------
    frame : DataFrame
    index_label : str, optional
        Header of the index; without it, the index is left out.
    """
    shown = frame.copy()
    for place, column in enumerate(shown.dtypes):
        values = shown.iloc[:, place]
        if column.kind == "f":
            shown.isetitem(place, (values + 0.0).to_numpy())  # no negative zero
        elif column.kind not in "biu":
            texts = values.map(_as_text, na_action="ignore")
            shown.isetitem(place, texts.to_numpy())
    shown.columns = shown.columns.map(_as_text)
    text: str = shown.to_csv(index=index_label is not None, index_label=index_label)
    if "\r" in text:  # which is a line break to a reader, unless it stands in quotes
        text = shown.to_csv(
            index=index_label is not None, index_label=index_label, quoting=csv.QUOTE_NONNUMERIC
        )
    return text


def as_written(text: str) -> str:
    """Give back the text that a cell of `as_csv` stands for."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _as_text(value: Any) -> Any:
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
