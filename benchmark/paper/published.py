"""The published tables and what the paper claims of them, read from ``results/published``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import BenchmarkError
from benchmark.metrics import MEASURES, Measure

#: Where the data lies.
FOLDER = Path(__file__).with_name("data")

#: The measures that the paper has, by name.
PAPER_MEASURES: dict[str, Measure] = {m.name: m for m in MEASURES if m.in_mean_rank}

#: The dataset of Table 3, and the one with single labels.
EMOTION6, ARTPHOTO = "Emotion6", "ArtPhoto"

#: Names of the tables in the data.
TABLE3, TABLE4, FIGURE5 = "3", "4", "figure 5"

# Stands for every other row of a table.
_ALL = "*"

# Leads are printed in percent with two digits.
_PRINTED = 0.00005


@dataclass(frozen=True)
class Claim:
    """A statement of the paper as comparisons of two rows each.

    Attributes
    ----------
    id : str
        Name in files.
    text : str
        The statement, for people.
    where : str
        Where the paper makes it.
    table : str
        Whose rows it compares: `TABLE3`, `TABLE4` or `FIGURE5`.
    datasets, measures : tuple of str
        It is about all of them.
    pairs : tuple of (str, str)
        Rows; the first is claimed to be better than the second.
    printed_lead : float, optional
        By how much, as printed in the text.
    """

    id: str
    text: str
    where: str
    table: str
    datasets: tuple[str, ...]
    measures: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    printed_lead: float | None = None


@dataclass(frozen=True)
class Published:
    """What the paper says.

    Attributes
    ----------
    cells : DataFrame
        One row per number: columns table, dataset, model, measure, value (accuracies as shares),
        printed_rank (missing in Table 4), rank (computed, 1 is best), and beats_mean, whether the
        value beats the mean distribution of the real labels (missing where that is not known).
    mean_distribution : dict
        Measure to what the mean training distribution scores on the real Emotion6 labels.
    claims : tuple of Claim
        In the order of the paper.
    noted_errata : tuple of (str, str)
        Where and what; those that no computation finds.
    settings : mapping
        What else ``paper.toml`` tells: the source, and the settings that the paper states.
    """

    cells: pd.DataFrame
    mean_distribution: dict[str, float]
    claims: tuple[Claim, ...]
    noted_errata: tuple[tuple[str, str], ...]
    settings: Mapping[str, Any]

    @property
    def short(self) -> str:
        """Authors and year."""
        return str(self.settings["source"]["short"])

    @property
    def reference(self) -> str:
        """The bibliographic reference."""
        s = self.settings["source"]
        return f"{s['authors']}: {s['title']}. {s['journal']}, {s['year']}."

    def rows(self, table: str) -> list[str]:
        """List the rows of a table, in its order."""
        if table == FIGURE5:
            return [f"sigma {sigma:g}" for sigma in self.settings["figure5"]["sigmas"]]
        return list(self.cells.loc[self.cells["table"] == table, "model"].unique())

    def values(self, table: str, dataset: str, measure: str) -> pd.Series[float]:
        """Return the published values of a column, by model; empty where there is none."""
        c = self.cells
        mine = (c["table"] == table) & (c["dataset"] == dataset) & (c["measure"] == measure)
        return c[mine].set_index("model")["value"]


def load_published(folder: Path = FOLDER) -> Published:
    """Read the published tables.

    Parameters
    ----------
    folder : Path
        Where ``table3.csv``, ``table4.csv``, ``mean_distribution.csv`` and ``paper.toml`` are.

    Raises
    ------
    BenchmarkError
        They are not there.

    References
    ----------
    Lai, Wan and Zeng (2022), Tables 3 and 4.
    """
    try:
        settings = tomllib.loads((folder / "paper.toml").read_text(encoding="utf-8"))
        table3, table4, mean = (
            pd.read_csv(folder / f"{name}.csv")
            for name in ("table3", "table4", "mean_distribution")
        )
    except OSError as error:
        raise BenchmarkError(
            f"the published tables cannot be read ({error.filename}: {error.strerror}); they lie "
            f"in the project's source, so work in a checkout of it"
        ) from error
    mean_distribution = dict(zip(mean["measure"], mean["value"].astype(float), strict=True))
    cells = pd.concat(
        [
            pd.DataFrame(
                {
                    "table": TABLE3,
                    "dataset": EMOTION6,
                    "model": table3["model"],
                    "measure": measure,
                    "value": table3[measure],
                    "printed_rank": table3[f"{measure}_rank"].astype(float),
                }
            )
            for measure in PAPER_MEASURES
        ]
        + [table4.rename(columns={"accuracy": "value"}).assign(table=TABLE4, measure="accuracy")],
        ignore_index=True,
    )
    cells["rank"] = np.nan
    cells["beats_mean"] = pd.array([pd.NA] * len(cells), dtype="boolean")
    for (_, dataset, measure), part in cells.groupby(["table", "dataset", "measure"]):
        higher = PAPER_MEASURES[str(measure)].higher_is_better
        cells.loc[part.index, "rank"] = part["value"].rank(method="min", ascending=not higher)
        if dataset == EMOTION6:
            gain = part["value"] - mean_distribution[str(measure)]
            cells.loc[part.index, "beats_mean"] = (gain if higher else -gain) > 0
    published = Published(
        cells,
        mean_distribution,
        (),
        tuple((erratum["where"], erratum["text"]) for erratum in settings["erratum"]),
        {key: value for key, value in settings.items() if key not in ("claim", "erratum")},
    )
    claims = tuple(_claim(published, entry) for entry in settings["claim"])
    return Published(cells, mean_distribution, claims, published.noted_errata, published.settings)


def _claim(published: Published, entry: Mapping[str, Any]) -> Claim:
    rows = published.rows(entry["table"])
    pairs = [
        (better, other)
        for better, worse in entry["pairs"]
        for other in ([row for row in rows if row != better] if worse == _ALL else [worse])
    ]
    return Claim(
        entry["id"], entry["text"], entry["where"], entry["table"], tuple(entry["datasets"]),
        tuple(entry["measures"]), tuple(pairs), entry.get("printed_lead"),
    )  # fmt: skip


def lead(published: Published, claim: Claim, dataset: str, measure: str, better: str,
         worse: str) -> float:  # fmt: skip
    """Return by how much the paper's tables have one row better than another, NaN if they lack one.

    Positive where `better` is, whatever the measure's direction.
    """
    values = published.values(claim.table, dataset, measure)
    if better not in values or worse not in values:
        return float("nan")
    difference = float(values[better] - values[worse])
    return difference if PAPER_MEASURES[measure].higher_is_better else -difference


def wrong_ranks(published: Published) -> pd.DataFrame:
    """Find the printed ranks that the printed values contradict: rows of `Published.cells`."""
    cells = published.cells
    return cells[cells["printed_rank"].notna() & (cells["printed_rank"] != cells["rank"])]


def errata(published: Published) -> list[str]:
    """Say what is wrong in the paper, in sentences: what can be computed is."""
    found = [
        f"Table {row.table}, {PAPER_MEASURES[str(row.measure)].title}: {row.model} "
        f"({row.value:.4f}) is printed with rank {row.printed_rank:.0f}; by the values it has "
        f"rank {row.rank:.0f}."
        for row in wrong_ranks(published).itertuples()
    ]
    for claim in published.claims:
        if claim.printed_lead is None:
            continue
        (dataset,), (measure,), ((better, second),) = claim.datasets, claim.measures, claim.pairs
        computed = lead(published, claim, dataset, measure, better, second)
        if abs(computed - claim.printed_lead) <= _PRINTED:
            continue
        over = [
            row
            for row in published.rows(claim.table)
            if abs(lead(published, claim, dataset, measure, better, row) - claim.printed_lead)
            <= _PRINTED
        ]
        found.append(
            f"{claim.where[0].upper()}{claim.where[1:]}: the text has {better} "
            f"{100 * claim.printed_lead:.2f} % ahead of the second on {dataset}; by Table "
            f"{claim.table} it is {100 * computed:.2f} % ahead of the second, {second}"
            + (f", and {100 * claim.printed_lead:.2f} % ahead of {over[0]}." if over else ".")
        )
    return found + [f"{where[0].upper()}{where[1:]}: {text}" for where, text in
                    published.noted_errata]  # fmt: skip
