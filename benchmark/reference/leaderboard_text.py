"""The leaderboard for people: a table for the terminal, Markdown, and sentences."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.comparisons import NoTest
from benchmark.analysis.statistics import ALPHA
from benchmark.reference.contents import Reference
from benchmark.reference.leaderboard import Leaderboard
from benchmark.tables.grid import Cell, Grid, markdown_text, text_cells
from benchmark.wording import GAP, count, duration, listed, p_equals, percent

#: The page that says what each method is, where this is a checkout of the project.
PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods.md"

#: What stands before one's own rows.
MARK = "→ "

_SUFFIX = " (tuned)"


def method_of(row: str) -> str:
    """Return the method that a row is of: tuned rows are of their method."""
    return row.removesuffix(_SUFFIX)


def anchor(method: str) -> str:
    """Return the anchor that Markdown pages give to the heading of a method.

    Examples
    --------
    >>> anchor("PyLDL:SA BFGS")
    'pyldlsa-bfgs'
    """
    return re.sub(r"[^\w\- ]", "", method.lower()).replace(" ", "-")


def page_of(method: str, known: Iterable[str], folder: Path) -> str:
    """Return the address of a method's page as seen from a folder; empty where there is none."""
    if method not in set(known) or not PAGE.exists():
        return ""
    place = os.path.relpath(PAGE, folder.resolve())
    return f"{Path(place).as_posix()}#{anchor(method)}"


def documented() -> list[str]:
    """Return the methods that have a heading on the page."""
    if not PAGE.exists():
        return []
    found = re.findall(r"(?m)^## (.+)$", PAGE.read_text(encoding="utf-8"))
    return [text.replace("\\", "") for text in found]


def headers(board: Leaderboard) -> list[str]:
    """Return the headings of the table's columns."""
    return [
        "", "Row", *(f"Rank: {title}" for title in board.groups),
        f"{board.tested.title} / mean distr.", "Won %", "95 %", "s per fit", "Sets",
    ]  # fmt: skip


def cells(board: Leaderboard, row: Mapping[Any, Any]) -> list[str]:
    """Write a row of the table, without its name."""
    place = row["place"]
    return [
        GAP if pd.isna(place) else str(place),
        *(_number(row[title], 2) for title in board.groups),
        _number(row["of_mean_distribution"], 3) + ("†" if _above(row) else ""),
        percent(row["win_rate"], ""),
        GAP if np.isnan(row["win_low"])
        else f"{percent(row['win_low'], '')} to {percent(row['win_high'], '')}",
        _seconds(row["fit_seconds"]),
        str(row["datasets"]),
    ]  # fmt: skip


def name_of(row: Mapping[Any, Any]) -> str:
    """Write a row's name, with its marks."""
    name = f"{MARK if row['own'] else ''}{row['model']}"
    return f"{name} ≈" if row["not_told_from_best"] else name


def grids(board: Leaderboard) -> list[Grid]:
    """Lay out both tables for a terminal."""
    found = []
    for caption, table in ((title_of(board), board.table), (apart_of(board), board.apart)):
        if len(table):
            rows = []
            for row in table.to_dict("records"):
                first, *others = text_cells(cells(board, row))
                rows.append([first, Cell(name_of(row)), *others])
            found.append(Grid(caption, headers(board), rows, names=2))
    return found


def title_of(board: Leaderboard) -> str:
    """Say what the table ranks."""
    return (
        f"{count(len(board.table), 'row')} with complete results on "
        f"{count(len(board.datasets), 'set')}"
    )


def apart_of(board: Leaderboard) -> str:
    """Say what the second table has."""
    return (
        "Listed apart, since they lack a set: their ranks are those that each would have among "
        "the rows above, on the sets that it has"
    )


def sentences(board: Leaderboard, reference: Reference) -> list[str]:
    """Say what a reader has to know."""
    tested = board.tested.title
    lines = [
        f"Sets: {listed(board.datasets)}.",
        f"Rows are placed by their mean rank in {board.primary}: over sets, and on each over the "
        f"measures; 1 is best, ties share their mean rank. Ranked are the rows with complete "
        f"results on all of these sets; others are listed apart and take no part in these ranks.",
        *(
            f"{title}: {listed(measure.title for measure in measures)}."
            for title, measures in board.groups.items()
        ),
        f"Won %: share of the comparisons with other rows in {tested} that a row wins, ties count "
        f"half; its 95 % interval is a percentile bootstrap over sets.",
        f"{tested} / mean distr.: divided by that of the mean training distribution, median over "
        f"sets. † above 1: worse than looking at no instance.",
        "s per fit: seconds to learn from a fold on one thread, choosing settings included, median "
        "over sets.",
    ]
    ranking = board.ranking
    if isinstance(ranking, NoTest):
        lines.append(f"No test over sets: {ranking.reason}.")
    else:
        lines.append(
            f"Over {count(len(ranking.datasets), 'set')} the {len(ranking.models)} rows "
            f"{'rank differently' if ranking.friedman.p_value < ALPHA else 'cannot be told apart'} "
            f"in {tested} (Friedman, {p_equals(ranking.friedman.p_value)}); mean ranks in it that "
            f"differ by {ranking.critical_difference:.2f} are significant (Nemenyi). ≈ not told "
            f"from the best by that test."
        )
        families = Counter(name.partition("_")[0] for name in board.datasets)
        same = [f"{n} of {name}" for name, n in families.items() if n > 1]
        lines.append(
            "The tests and intervals assume independent sets"
            + (f", which those of one source ({listed(same)}) are not." if same else ".")
        )
        lines += ranking.remarks
    if board.table["own"].any() or board.apart["own"].any():
        lines.append(f"{MARK}marks your own rows.")
    own = board.models.loc[board.models["own"].astype(bool), "model"]
    ranked = {*board.table["model"], *board.apart["model"]}
    if absent := [str(name) for name in own if name not in ranked]:
        lines.append(f"No row of yours: {listed(absent)}, without complete results on any set.")
    made = reference.collected.iloc[0]
    lines.append(
        f"Reference results of {made['date']}, version {made['version']}"
        + (f" ({made['commit']})" if made["commit"] else "")
        + "."
    )
    return lines


def missing_sentences(board: Leaderboard) -> list[str]:
    """List what has no complete result: a sentence for each reason, sets and the rows it is of."""
    rows: dict[tuple[str, str], list[str]] = {}
    of = board.missing.groupby(["model", "state", "reason"], sort=False)["dataset"]
    for (model, state, reason), sets in of:
        why = str(reason) if str(reason).startswith(str(state)) else f"{state}: {reason}"
        every = len(sets) == len(board.datasets)
        rows.setdefault((why, "all sets" if every else listed(sets)), []).append(str(model))
    return [f"{why}, on {sets}: {', '.join(models)}" for (why, sets), models in rows.items()]


def as_markdown(board: Leaderboard, reference: Reference, folder: Path) -> str:
    """Write the leaderboard as Markdown, each method linked to its page."""
    known = documented()
    blocks = ["# Leaderboard", "Made by `ldl-benchmark leaderboard`."]
    for caption, table in ((title_of(board), board.table), (apart_of(board), board.apart)):
        if not len(table):
            continue
        titles = headers(board)
        lines = [_line(map(markdown_text, titles)), _line("---" for _ in titles)]
        for row in table.to_dict("records"):
            first, *others = cells(board, row)
            name = markdown_text(name_of(row))
            if page := page_of(method_of(str(row["model"])), known, folder):
                name = f"[{name}]({page})"
            lines.append(_line([first, name, *map(markdown_text, others)]))
        blocks += [f"## {markdown_text(caption)}", "\n".join(lines)]
    lost = missing_sentences(board)
    blocks += ["## How to read it", _items(sentences(board, reference))]
    blocks += ["## Without a complete result", _items(lost) if lost else "Nothing."]
    return "\n\n".join(blocks) + "\n"


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {markdown_text(line)}" for line in lines)


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _above(row: Mapping[Any, Any]) -> bool:
    return float(row["of_mean_distribution"]) > 1.0 + 1e-9


def _number(value: float, decimals: int) -> str:
    return GAP if np.isnan(value) else f"{value:.{decimals}f}"


def _seconds(seconds: float) -> str:
    if np.isnan(seconds):
        return GAP
    return duration(seconds) if seconds >= 100 else f"{seconds:.3g}"
