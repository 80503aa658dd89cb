"""The table of tuning: every model with its settings as they were beside the tuned ones."""

from __future__ import annotations

import pandas as pd

from benchmark.analysis.assumptions import name_of_test
from benchmark.analysis.statistics import ALPHA
from benchmark.analysis.tuning import tuned_frame
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME, Measure
from benchmark.planning.plan import Plan
from benchmark.tables.grid import Grid, captioned, text_cells
from benchmark.tables.options import TableOptions
from benchmark.wording import GAP, NO_TEST, count, p_value, percent, signed, value


def measure_of_tuning(plan: Plan) -> Measure | None:
    """Return the measure that a run's settings were chosen by; None where nothing is tuned."""
    found = [model["search"]["measure"] for model in plan.models.values() if "search" in model]
    return BY_NAME[found[0]] if found else None


def tuning_table(
    plan: Plan, summary: pd.DataFrame, pairs: pd.DataFrame, tried: pd.DataFrame
) -> pd.DataFrame:
    """Compare tuned rows with those that they tune, in the measure of the tuning.

    Raises
    ------
    UsageError
        The run has no tuned rows.
    """
    measure = measure_of_tuning(plan)
    if measure is None:
        raise UsageError("this run has no tuned rows; make some with: ldl-benchmark run --tune")
    return tuned_frame(plan, summary, pairs, tried, measure)


def notes_of_failures(tried: pd.DataFrame) -> list[str]:
    """Say which tuned rows had configurations that failed, how many, and why one of them did.

    Parameters
    ----------
    tried : DataFrame
        What `benchmark.analysis.tuning.tuning_frame` returned.
    """
    failed = tried[tried["failed"] != ""]
    return [
        f"{dataset}: {part['configuration'].nunique()} of "
        f"{count(_tried_of(tried, dataset, model), 'configuration')} of {model} "
        f"failed in inner folds, where such a one cannot be chosen "
        f"({part['settings'].iloc[0]}: {part['failed'].iloc[0]}); tuning.csv tells all."
        for (dataset, model), part in failed.groupby(["dataset", "model"], sort=False)
    ]


def _tried_of(tried: pd.DataFrame, dataset: object, model: object) -> int:
    here = (tried["dataset"] == dataset) & (tried["model"] == model)
    return int(tried.loc[here, "configuration"].nunique())


def tuning_grid(
    table: pd.DataFrame, plan: Plan, notes: list[str], options: TableOptions | None = None
) -> Grid:
    """Write the cells; a gain is positive where tuning helps."""
    options = options or TableOptions()
    measure = measure_of_tuning(plan)
    assert measure is not None  # noqa: S101 - there is a table
    measure = options.shown(measure)
    rows = []
    for row in table.to_dict("records"):
        names = [str(row["dataset"]), str(row["model"])]
        if row["folds"] != row["expected_folds"]:
            rows.append(text_cells([*names, *[GAP] * 7]))
            continue
        tested = not pd.isna(row["p_holm"])
        mark = " *" if tested and row["p_holm"] < ALPHA else ""
        rows.append(
            text_cells(
                [
                    *names,
                    value(row["untuned"], measure),
                    value(row["tuned"], measure),
                    signed(row["gain"], measure),
                    GAP if pd.isna(row["relative_gain"]) else percent(row["relative_gain"]),
                    f"{signed(row['low'], measure)} to {signed(row['high'], measure)}"
                    if tested
                    else GAP,
                    p_value(row["p_holm"]) + mark if tested else NO_TEST,
                    f"{row['chosen_most']} ({row['times_chosen']} of "
                    f"{count(int(row['folds']), 'fold')})",
                ]
            )
        )
    searches = [model["search"] for model in plan.models.values() if "search" in model]
    budgets = sorted({len(search["configurations"]) for search in searches})
    folds = sorted({search["folds"] for search in searches})
    by = list(dict.fromkeys(BY_NAME[search["measure"]].title for search in searches))
    if len(by) > 1:  # of runs that are put together
        notes = [
            f"Rows were chosen by different measures; all are compared in {measure.title}.",
            *notes,
        ]
    most = [search["rows"] for search in searches if search.get("rows")]
    largest = max(len(truth.D) for truth in plan.truths.values())
    part = []
    if most and min(most) < largest:
        part = [f"Of more than {count(min(most), 'training row')} a stratified part chooses."]
    grid = Grid(
        caption=f"What tuning gains in {measure.title}: each row with its own settings, and with "
        "those chosen on the training rows of each fold",
        headers=["Dataset", "Model", "Untuned", "Tuned", "Gain", "Gain %", "95 % interval",
                 "p (Holm)", "Chosen most often"],
        names=2,
        cells=rows,
        notes=[
            f"Each fold chooses among {' or '.join(map(str, budgets))} configurations, the row's "
            f"own settings (as published, unless the protocol sets others) among them, by "
            f"{' or '.join(by)} in "
            f"{' or '.join(map(str, folds))} inner folds of its training rows; of equally good "
            f"ones the simplest. tuning.csv has every score.",
            "Gain: positive where the tuned row is better, mean over folds. p: "
            f"{name_of_test(plan.truths.values())}, adjusted for the tuned rows of the dataset; "
            f"* significant at {ALPHA:g}.",
            *part,
            *notes,
        ],
        legend=[
            f"Chosen by {' or '.join(by)} in {' or '.join(map(str, folds))} inner folds of the "
            "training rows. Gain: positive where the tuned row is better, mean over the folds. "
            f"p: {name_of_test(plan.truths.values())}, adjusted by Holm's method; * significant "
            f"at {ALPHA:g}.",
        ],
        name="tuned",
    )  # fmt: skip
    return captioned([grid], options)[0]
