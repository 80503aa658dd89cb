"""The page of each method: equations, settings, scores, departures; and their index."""

from __future__ import annotations

from functools import cache

import pandas as pd
from numpydoc.docscrape import NumpyDocString
from parts import DOCS, ROOT, markdown, slug

from benchmark.planning.protocol import Tuning
from benchmark.plugins.built_in import group_of
from benchmark.plugins.parameters import default_params
from benchmark.plugins.registry import Entry
from benchmark.plugins.spaces import configurations, search_space, value_text
from benchmark.reference.contents import INCLUDED

GROUPS = {
    "paper": "method of the paper",
    "extended": "baseline that the paper does not have",
    "newer": "newer method",
}


def method_page(entry: Entry) -> str:
    """Write the page of a method.

    Parameters
    ----------
    entry : Entry
        A built-in model.
    """
    cls = entry.load()
    doc = NumpyDocString(_docstring(cls))
    year = getattr(cls, "year", None)
    citation = getattr(cls, "citation", "")
    equations = DOCS / "equations" / f"{slug(entry.name)}.md"
    kind = GROUPS[group_of(entry.name)]
    parts = [
        f"# {entry.name}",
        " ".join(doc["Summary"]),
        f"*{kind[0].upper()}{kind[1:]}{f', {year}' if year else ''}.* "
        + (f"{citation}. " if citation else "")
        + f"Class {{py:obj}}`{_public(cls)}`.",
        f"```sh\nldl-benchmark run {entry.name} --dataset data.mat\n```",
        "## Equations",
        equations.read_text(encoding="utf-8").strip(),
        "## Settings",
        _settings(cls, doc),
        "## What tuning chooses from",
        _space(cls),
        "## Scores",
        _scores(entry.name),
        "## How it is written here, and departures from the original",
        _said(doc),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _docstring(cls: type) -> str:
    """Return a class's docstring, of constants of the text replaced as on the command line."""
    import inspect

    return inspect.getdoc(cls) or ""


def _public(cls: type) -> str:
    package = cls.__module__.partition(".")[0]
    return f"{package}.{cls.__name__}"


def _settings(cls: type, doc: NumpyDocString) -> str:
    told: dict[str, str] = {}
    for parameter in doc["Parameters"]:
        meaning = " ".join(parameter.desc)
        for name in parameter.name.split(","):
            told[name.strip()] = meaning
        if not parameter.name and parameter.type:  # names alone on the line
            for name in parameter.type.split(","):
                told[name.strip()] = meaning
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, value in default_params(cls).items():
        rows.append(f"| `{name}` | `{value_text(value)}` | {markdown(told.get(name, ''))} |")
    return "\n".join(rows) if len(rows) > 2 else "It has no settings."


def _space(cls: type) -> str:
    spaces = search_space(cls)
    if not spaces:
        return "It declares no search space: `--tune` leaves it as it is."
    tuning = Tuning()
    network = getattr(cls, "consumes", "features") != "features"
    own = default_params(cls)
    number = len(configurations(cls, own, tuning.network_budget if network else tuning.budget, 0))
    lines = [f"{number} configurations, of these values, the simplest first; see "
             "[tuning](/tuning.md).", ""]  # fmt: skip
    for space in spaces:
        words = "; ".join(
            f"`{name}`: {', '.join(map(value_text, values))}" for name, values in space.items()
        )
        lines.append(f"* {words}")
    return "\n".join(lines)


def _said(doc: NumpyDocString) -> str:
    text = "\n".join([*doc["Extended Summary"], "", *doc["Notes"]]).strip()
    if not text:
        return "Nothing departs from it that is known."
    return f"````{{eval-rst}}\n{text}\n````"


@cache
def _means() -> pd.DataFrame:
    """KL divergence of the reference results: mean over folds, set by row; complete rows only."""
    scores = pd.read_parquet(INCLUDED / "scores.parquet")
    cells = pd.read_csv(INCLUDED / "cells.csv")
    complete = cells[cells["state"] == "complete"][["dataset", "model"]]
    scores = scores.merge(complete, on=["dataset", "model"])
    return scores.pivot_table(index="dataset", columns="model", values="kl_divergence")


@cache
def ratios() -> pd.DataFrame:
    """Return KL divergence by set and row, as a share of the mean distribution's."""
    means = _means()
    return means.div(means["mean distribution"], axis=0)


@cache
def _ranks() -> pd.DataFrame:
    trivial = ["mean distribution", "uniform"]
    return _means().drop(columns=trivial, errors="ignore").rank(axis=1, method="min")


@cache
def _mean_ranks() -> dict[str, float]:
    """Return the mean rank of each row that is complete on all sets, among these."""
    everywhere = _means().dropna(axis=1).drop(columns=["mean distribution", "uniform"])
    return dict(everywhere.rank(axis=1, method="min").mean())


def _scores(name: str) -> str:
    means, ranks = _means(), _ranks()
    rows = [row for row in (name, f"{name} (tuned)") if row in means.columns]
    if not rows:
        return _demo_scores(name)
    header = " | ".join(f"{row} | rank" for row in rows)
    lines = [
        f"| data set | {header} | mean distribution |",
        "|---|" + "--:|" * (2 * len(rows) + 1),
    ]
    for dataset in means.index:
        cells = []
        for row in rows:
            value, rank = means.loc[dataset, row], ranks.loc[dataset, row]
            cells += ["", ""] if pd.isna(value) else [f"{value:.3g}", f"{rank:.0f}"]
        many = int(ranks.loc[dataset].notna().sum())
        trivial = means.loc[dataset, "mean distribution"]
        lines.append(f"| {dataset} ({many} rows) | {' | '.join(cells)} | {trivial:.3g} |")
    return "\n".join([
        "KL divergence on the public sets, mean over the folds, lower is better; the rank is among "
        "all rows of the [reference results](/reference/reference_results.md) that are complete on "
        "the set. All measures are in the [leaderboard](/reference/leaderboard.md).",
        "",
        f"![KL divergence of {name} beside all other methods, set by set]({slug(name)}.svg)"
        "{.on-white}",
        "",
        *lines,
    ])  # fmt: skip


def _demo_scores(name: str) -> str:
    table = pd.read_csv(ROOT / "results" / "demo" / "table3.csv")
    row = table[table["model"] == name]
    if row.empty:
        return (
            "It is trained on images, which the reference results do not have, and is no part of "
            "the default run: see [the paper's study](/guides/paper.md)."
        )
    value = row.iloc[0]
    trivial = table[table["model"] == "mean distribution"].iloc[0]
    return (
        "It is trained on images, which the reference results do not have. On the built-in images "
        f"(`results/demo`) its KL divergence is {value['kl_divergence']:.4f}, rank "
        f"{value['kl_divergence_rank']:.0f} of {int(table['kl_divergence_rank'].notna().sum())} "
        f"rows; that of the mean distribution is {trivial['kl_divergence']:.4f}."
    )


def picture(name: str) -> bytes:
    """Draw the KL divergence of a method, as a share of the mean distribution's, beside all."""
    import io

    import matplotlib as mpl
    from matplotlib.figure import Figure

    shares = ratios()
    own = [row for row in (name, f"{name} (tuned)") if row in shares.columns]
    others = shares.drop(columns=[*own, "mean distribution"])
    with mpl.rc_context({"svg.hashsalt": "ldl-benchmark", "font.size": 9}):
        figure = Figure(figsize=(7, 0.24 * len(shares) + 0.9), layout="constrained")
        axes = figure.subplots()
        places = range(len(shares))
        for column in others.columns:
            axes.plot(others[column].clip(0, 2), places, "|", color="#b8b8b8", zorder=1)
        for row, marker, face in zip(own, "oD", ("#0b5fa5", "white"), strict=False):
            axes.plot(shares[row].clip(0, 2), places, marker, color="#0b5fa5", markersize=6,
                      markerfacecolor=face, label=row, zorder=3)  # fmt: skip
        axes.axvline(1, color="#444", linewidth=1, linestyle="--")
        axes.set_yticks(list(places), list(shares.index))
        axes.invert_yaxis()
        axes.set_xlabel("KL divergence / that of the mean distribution (beyond 2: at the edge)")
        axes.legend(loc="best")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def methods_index(entries: list[Entry]) -> str:
    """Write the list of all methods."""
    ranks = _ranks()
    lines = [
        "# Methods",
        "",
        "A page for every method: equations, settings, what `--tune` chooses from, scores on the "
        "public sets, source and departures. The mean rank is that in KL divergence over all sets "
        "of the [reference results](reference_results.md), among the rows that are complete on "
        "all; the [leaderboard](/reference/leaderboard.md) has all measures.",
        "",
        "| method | what it does | group | year | mean rank | tuned | sets |",
        "|---|---|---|---|--:|--:|--:|",
    ]
    for entry in entries:
        cls = entry.load()
        summary = " ".join(NumpyDocString(_docstring(cls))["Summary"])
        cells = []
        for row in (entry.name, f"{entry.name} (tuned)"):
            cells.append(f"{_mean_ranks()[row]:.1f}" if row in _mean_ranks() else "")
        sets = int(ranks[entry.name].notna().sum()) if entry.name in ranks.columns else ""
        year = getattr(cls, "year", None) or ""
        lines.append(
            f"| [{entry.name}]({slug(entry.name)}.md) | {markdown(summary)} | "
            f"{group_of(entry.name)} | {year} | {' | '.join(cells)} | {sets} |"
        )
    toctree = "\n".join(slug(entry.name) for entry in entries)
    rest = "\n".join(
        f"/{name}"
        for name in ("extended", "methods", "peer_library", "search_spaces",
                     "reference/leaderboard", "reference/fairness")
    )  # fmt: skip
    lines += ["", f"```{{toctree}}\n:hidden:\n\n{toctree}\n{rest}\n```", ""]
    return "\n".join(lines).replace("](reference_results.md)", "](/reference/reference_results.md)")
