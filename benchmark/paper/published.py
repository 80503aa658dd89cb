"""The published tables and what the paper claims of them, read from the folder ``data``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.ties import beats, ranks
from benchmark.errors import BenchmarkError
from benchmark.metrics import MEASURES, Measure
from benchmark.wording import value

#: Where the data lies: part of the package.
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
            f"the published tables cannot be read ({error.filename}: {error.strerror}); they are "
            f"part of this package, so install it again"
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
        of = PAPER_MEASURES[str(measure)]
        cells.loc[part.index, "rank"] = ranks(part["value"], of)
        if dataset == EMOTION6:
            mean_value = mean_distribution[of.name]
            cells.loc[part.index, "beats_mean"] = [
                beats(printed, mean_value, of) for printed in part["value"]
            ]
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
    noted = [f"{_capital(where)}: {text}" for where, text in published.noted_errata]
    return [*_rank_errata(published), *_lead_errata(published), *noted]


def _rank_errata(published: Published) -> list[str]:
    found = []
    for row in wrong_ranks(published).to_dict("records"):
        measure = PAPER_MEASURES[row["measure"]]
        found.append(
            f"Table {row['table']}, {measure.title}: {row['model']} "
            f"({value(row['value'], measure)}) is printed with rank {row['printed_rank']:.0f}; "
            f"by the values it has rank {row['rank']:.0f}."
        )
    return found


def _lead_errata(published: Published) -> list[str]:
    found = []
    for claim in published.claims:
        printed = claim.printed_lead
        if printed is None:
            continue
        (dataset,), (measure,), ((better, second),) = claim.datasets, claim.measures, claim.pairs
        leads = {
            row: lead(published, claim, dataset, measure, better, row)
            for row in published.rows(claim.table)
        }
        if abs(leads[second] - printed) <= _PRINTED:
            continue
        over = [row for row in leads if abs(leads[row] - printed) <= _PRINTED]
        said, right = (
            f"{value(share, PAPER_MEASURES[measure])} %" for share in (printed, leads[second])
        )
        found.append(
            f"{_capital(claim.where)}: the text has {better} {said} ahead of the second on "
            f"{dataset}; by Table {claim.table} it is {right} ahead of the second, {second}"
            + (f", and {said} ahead of {over[0]}." if over else ".")
        )
    return found


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
