"""The leaderboard as one HTML file that needs nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.comparisons import NoTest, Ranking
from benchmark.columns import as_csv
from benchmark.figures import time_and_rank
from benchmark.figures.critical import draw as draw_critical
from benchmark.reference import leaderboard_text as text
from benchmark.reference.collecting import TRIVIAL
from benchmark.reference.contents import Reference
from benchmark.reference.leaderboard import Leaderboard
from benchmark.reporting.copies import packed
from benchmark.reporting.page import fill
from benchmark.reporting.pictures import Picture, address_of
from benchmark.tables.latex import latex
from benchmark.wording import GAP, count, listed

# Rows in the diagram of critical differences: with more it cannot be read.
_SHOWN = 24


def page(board: Leaderboard, reference: Reference, folder: Path) -> str:
    """Write the page.

    Parameters
    ----------
    board : Leaderboard
    reference : Reference
        What it was made of.
    folder : Path
        Where the page will lie, for links to the project's documentation.
    """
    values = {
        "title": "Label distribution learning: leaderboard",
        "summary": _summary(board),
        "headers": _headers(board),
        "tables": [
            {"caption": text.title_of(board), "rows": _rows(board, board.table), "id": "ranked"},
            {"caption": text.apart_of(board), "rows": _rows(board, board.apart), "id": "apart"},
        ],
        "figures": _figures(board),
        "missing": text.missing_sentences(board),
        "notes": text.sentences(board, reference),
        "methods": _methods(board, folder),
        "copies": _copies(board),
    }
    return fill("leaderboard.html.jinja", values, "tables.js", "leaderboard.js")


def _copies(board: Leaderboard) -> str:
    """Collect what the buttons copy."""
    parts = [(name, t) for name, t in (("ranked", board.table), ("apart", board.apart)) if len(t)]
    grids = text.grids(board)
    return packed(
        {
            "tables": {
                name: (latex(grid), as_csv(table))
                for (name, table), grid in zip(parts, grids, strict=True)
            },
            "names": {},
        }
    )


def _headers(board: Leaderboard) -> list[tuple[str, bool]]:
    """Headings, and whether the first click sorts upwards."""
    _, _, *others = text.headers(board)
    return [(title, not title.startswith("Won")) for title in ("Place", "Row", *others)]


def _rows(board: Leaderboard, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Write rows with the values that they are sorted by."""
    keys = ["place", *board.groups, "of_mean_distribution", "win_rate", "win_low", "fit_seconds",
            "datasets"]  # fmt: skip
    found = []
    for row in table.to_dict("records"):
        cells = [
            {"text": shown, "key": "" if pd.isna(row[key]) else float(row[key])}
            for key, shown in zip(keys, text.cells(board, row), strict=True)
        ]
        found.append(
            {
                "name": text.name_of(row),
                "plain": row["model"],
                "own": row["own"],
                "group": row["group"],
                "about": f"method-{text.anchor(text.method_of(str(row['model'])))}",
                "cells": cells,
            }
        )
    return found


def _summary(board: Leaderboard) -> list[str]:
    """Say the most important in a few sentences."""
    table, primary = board.table, board.primary
    lines = []
    if len(table):
        best = table.iloc[0]
        lines.append(
            f"{best['model']} has the best mean rank in {primary}, {best[primary]:.2f} of "
            f"{len(table)} rows on {len(board.datasets)} sets."
        )
    near = table["model"][table["not_told_from_best"]]
    if isinstance(board.ranking, Ranking):
        lines.append(
            f"In {board.tested.title} {len(near)} of these rows are not told from the best by "
            f"Nemenyi's test (≈), the best included."
        )
    below = table[table["of_mean_distribution"] > 1.0 + 1e-9]
    if len(below):
        lines.append(
            f"Worse than the mean training distribution in {board.tested.title} on the median "
            f"set: {listed(below['model'])}."
        )
    own = pd.concat([table[table["own"]], board.apart[board.apart["own"]]])
    for row in own.to_dict("records"):
        place = f"place {row['place']}" if not pd.isna(row["place"]) else "listed apart"
        lines.append(f"Yours: {row['model']}, mean rank {row[primary]:.2f}, {place}.")
    if len(board.apart):
        lacking = count(len(board.apart), "row lacks", "rows lack")
        lines.append(f"{lacking} a set, listed apart.")
    return lines


def _figures(board: Leaderboard) -> list[Picture]:
    found = []
    ranking = board.ranking
    if not isinstance(ranking, NoTest):
        order = np.argsort(ranking.friedman.mean_ranks, kind="stable")[:_SHOWN]
        shown = replace(
            ranking,
            models=[ranking.models[place] for place in order],
            friedman=replace(ranking.friedman, mean_ranks=ranking.friedman.mean_ranks[order]),
            nemenyi=ranking.nemenyi[np.ix_(order, order)],
            wilcoxon=ranking.wilcoxon[np.ix_(order, order)],
        )
        some = f"The best {len(order)} of the {len(ranking.models)} compared rows are shown; " \
            "ranks and the test are among all of them. " \
            if len(order) < len(ranking.models) else ""  # fmt: skip
        caption = (
            f"Mean rank in {board.tested.title} over {len(ranking.datasets)} sets. {some}Bars join "
            f"rows that do not differ significantly by Nemenyi's test (leaderboard-tests.csv has "
            f"Wilcoxon's too)."
        )
        drawing = draw_critical(shown, wilcoxon=False)
        found.append(Picture("Critical differences", caption, address_of(drawing)))
    rows = pd.concat([board.table, board.apart], ignore_index=True)
    rows = rows.rename(columns={"fit_seconds": "seconds", board.primary: "rank"})
    rows = rows[rows["seconds"].notna() & rows["rank"].notna() & (rows["seconds"] > 0)]
    if len(rows):
        caption = (
            "Time against mean rank: up is better, left is quicker. Rows on the stepped line are "
            "not beaten in both; they have names, and your own rows. Filled: settings chosen on "
            "the training rows, which counts as learning. Rows that are listed apart are drawn "
            "too, with ranks on the sets they have."
        )
        drawing = time_and_rank.draw(rows, f"mean rank, {board.primary}")
        found.append(Picture("Time against quality", caption, address_of(drawing)))
    return found


def _methods(board: Leaderboard, folder: Path) -> list[dict[str, Any]]:
    """Describe every method once, with the settings of its rows."""
    known = text.documented()
    found: dict[str, dict[str, Any]] = {}
    for row in board.models.to_dict("records"):
        if row["group"] == TRIVIAL:
            continue
        name = text.method_of(str(row["model"]))
        entry = found.setdefault(
            name,
            {
                "name": name,
                "id": f"method-{text.anchor(name)}",
                "year": "" if pd.isna(row["year"]) else str(int(row["year"])),
                "citation": row["citation"] if isinstance(row["citation"], str) else "",
                "about": row["about"] if isinstance(row["about"], str) else "",
                "group": row["group"],
                "page": text.page_of(name, known, folder),
                "rows": [],
            },
        )
        entry["rows"].append((row["model"], _settings(row.get("described"))))
    return list(found.values())


def _settings(described: object) -> str:
    """Write the settings of a row."""
    if not isinstance(described, str):
        return GAP
    content = json.loads(described)
    params = ", ".join(f"{key} = {value}" for key, value in content.get("params", {}).items())
    tried = len(content.get("search", {}).get("configurations", []))
    return f"best of {tried} configurations on each fold's training rows" if tried else params
