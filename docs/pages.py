"""Pages of the documentation site that the code and the results write: ``docs/reference``.

Sphinx calls `write_pages` before it reads anything, so that no such page can be stale.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pandas as pd
from numpydoc.docscrape import NumpyDocString

from benchmark.figures.catalogue import FIGURES
from benchmark.planning.protocol import Tuning
from benchmark.plugins.built_in import group_of
from benchmark.plugins.parameters import default_params
from benchmark.plugins.registry import Entry, models
from benchmark.plugins.spaces import configurations, search_space, value_text
from benchmark.reference.contents import INCLUDED

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
OUT = DOCS / "reference"

GROUPS = {
    "paper": "method of the paper",
    "extended": "baseline that the paper does not have",
    "newer": "newer method",
}

#: Pages of other folders that the site shows: file -> page.
ELSEWHERE = {
    "results/leaderboard/leaderboard.md": "leaderboard",
    "results/fairness/fairness.md": "fairness",
    "results/reference/README.md": "reference_results",
    "results/README.md": "results",
    "results/wheel/wheel.md": "wheel",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
}


def write_pages() -> None:
    """Write every page anew; what stays the same keeps its time, so that it is not built again."""
    pages = dict(_pages())
    for name, content in pages.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
    kept = {OUT / name for name in pages}
    for path in OUT.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def slug(name: str) -> str:
    """Return the name of a method's page, that of its heading on GitHub."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def links_of_site(text: str, folder: Path) -> str:
    """Turn links to files outside `docs` that the site shows into links to its pages.

    Parameters
    ----------
    text : str
        A page in Markdown.
    folder : Path
        Where the page lies on the site.
    """

    def turned(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        inside = (folder / target).resolve()
        if not inside.is_relative_to(ROOT):
            return match[0]
        page = ELSEWHERE.get(inside.relative_to(ROOT).as_posix())
        return f"](/reference/{page}.md{anchor})" if page else match[0]

    return re.sub(r"\]\(([^)#:\s]+)(#[^)]*)?\)", turned, text)


def _pages() -> Iterator[tuple[str, str | bytes]]:
    entries = [entry for entry in models().values() if not entry.source]
    yield "methods/index.md", _methods_index(entries)
    for entry in entries:
        yield f"methods/{slug(entry.name)}.md", method_page(entry)
        if entry.name in _ratios().columns:
            yield f"methods/{slug(entry.name)}.svg", _picture(entry.name)
    yield "cli.md", cli_page()
    picture, caption = _critical()
    yield "critical.svg", picture
    yield "gallery.md", gallery_page(caption)
    yield from _api()
    for source, name in ELSEWHERE.items():
        yield f"{name}.md", _moved(ROOT / source)


# Methods


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
        rows.append(f"| `{name}` | `{value_text(value)}` | {_markdown(told.get(name, ''))} |")
    return "\n".join(rows) if len(rows) > 2 else "It has no settings."


def _markdown(text: str) -> str:
    """Turn the little reStructuredText of a docstring's sentence into Markdown."""
    parts = re.split(r"`{1,2}([^`]+)`{1,2}", text)  # code at odd places, where a star is a star
    parts[1::2] = [f"`{code}`" for code in parts[1::2]]
    parts[::2] = [words.replace("*", r"\*") for words in parts[::2]]
    return "".join(parts).replace("|", r"\|")


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
def _ratios() -> pd.DataFrame:
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


def _picture(name: str) -> bytes:
    """Draw the KL divergence of a method, as a share of the mean distribution's, beside all."""
    import io

    import matplotlib as mpl
    from matplotlib.figure import Figure

    ratios = _ratios()
    own = [row for row in (name, f"{name} (tuned)") if row in ratios.columns]
    others = ratios.drop(columns=[*own, "mean distribution"])
    with mpl.rc_context({"svg.hashsalt": "ldl-benchmark", "font.size": 9}):
        figure = Figure(figsize=(7, 0.24 * len(ratios) + 0.9), layout="constrained")
        axes = figure.subplots()
        places = range(len(ratios))
        for column in others.columns:
            axes.plot(others[column].clip(0, 2), places, "|", color="#b8b8b8", zorder=1)
        for row, marker, face in zip(own, "oD", ("#0b5fa5", "white"), strict=False):
            axes.plot(ratios[row].clip(0, 2), places, marker, color="#0b5fa5", markersize=6,
                      markerfacecolor=face, label=row, zorder=3)  # fmt: skip
        axes.axvline(1, color="#444", linewidth=1, linestyle="--")
        axes.set_yticks(list(places), list(ratios.index))
        axes.invert_yaxis()
        axes.set_xlabel("KL divergence / that of the mean distribution (beyond 2: at the edge)")
        axes.legend(loc="best")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _methods_index(entries: list[Entry]) -> str:
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
            f"| [{entry.name}]({slug(entry.name)}.md) | {_markdown(summary)} | "
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


# The command line, the gallery, Python


def cli_page() -> str:
    """Write what ``--help`` says of every command."""
    from benchmark.cli import main

    parts = [
        "# Command line",
        "What `--help` says, command by command. `python -m benchmark` is the same as "
        "`ldl-benchmark`. Exit codes: 0 fine, 1 something failed, 2 the command cannot be used as "
        "given.",
        f"```text\n{_help(main, 'ldl-benchmark')}\n```",
    ]
    context = click.Context(main, info_name="ldl-benchmark")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is None or command.hidden:
            continue
        parts += [f"## {name}", f"```text\n{_help(command, name, context)}\n```"]
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=context)
            for sub in command.list_commands(inner):
                found = command.get_command(inner, sub)
                if found is not None:
                    parts += [f"### {name} {sub}", f"```text\n{_help(found, sub, inner)}\n```"]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str, parent: click.Context | None = None) -> str:
    settings: dict[str, Any] = {"info_name": name, "parent": parent}
    with click.Context(command, **settings, terminal_width=88, max_content_width=88) as context:
        return command.get_help(context).rstrip()


def _critical() -> tuple[bytes, str]:
    """Draw critical differences over five small sets, which the default run does not have."""
    import tempfile

    import numpy as np

    import benchmark

    sets = {}
    for number in range(5):
        rng = np.random.default_rng(number)
        X = rng.normal(size=(120, 5))
        D = np.exp(X @ rng.normal(size=(5, 4)) + rng.normal(size=(120, 4)))
        sets[f"drawn {number}"] = X, D / D.sum(axis=1, keepdims=True)
    rows = ["PT-Bayes", "PT-SVM", "AA-kNN", "SA-IIS", "SA-BFGS", "Ridge", "Forest"]
    with tempfile.TemporaryDirectory() as folder:
        study = benchmark.run(rows, datasets=sets, folds=3, jobs=1, out=folder, report=False,
                              progress=False)  # fmt: skip
        figure = study.figure("critical")
        path = Path(folder) / "picture.svg"
        figure.save(path)
        return path.read_bytes(), figure.caption


def gallery_page(critical: str) -> str:
    """Write the gallery: every figure, with its command and its caption.

    Parameters
    ----------
    critical : str
        The caption of ``critical.svg``.
    """
    folder = ROOT / "results" / "demo" / "figures"
    parts = [
        "# Gallery",
        "Every figure, drawn of the default run (`ldl-benchmark run --all`) where that has what it "
        "shows. Each comes as PDF, SVG and PNG with its numbers as CSV and its caption as text; "
        "`--dataset`, `--measure` and `--model` choose what is shown.",
    ]
    for name, kind in FIGURES.items():
        stem = f"figure{name}" if name.isdigit() else name
        parts += [f"## {kind.title}"]
        pictures = sorted(folder.glob(f"{stem}-*.svg")) + sorted(folder.glob(f"{stem}.svg"))
        command = f"ldl-benchmark figure {name} --out results/demo"
        if not pictures:
            needs = {
                "5": "ldl-benchmark run --protocol figure5 --data-dir data\nldl-benchmark figure 5",
                "critical": "ldl-benchmark run --all --dataset SJAFFE --dataset Painting "
                "--dataset Yeast_cold --data-dir data\nldl-benchmark figure critical",
            }
            why = {
                "5": "It needs a run over the width of the wheel's prior, on single-label images.",
                "critical": "It needs a run on three datasets or more.",
            }
            parts += [why[name], f"```sh\n{needs[name]}\n```"]
            if name == "critical":
                caption = f"Of five small sets that are drawn at random. {_markdown(critical)}"
                parts += [f"![{kind.title}](critical.svg){{.on-white}}", caption]
            continue
        parts += [f"```sh\n{command}\n```"]
        for picture in pictures:
            caption = picture.with_suffix(".txt").read_text(encoding="utf-8").strip()
            source = f"../../results/demo/figures/{picture.name}"
            parts += [f"![{kind.title}]({source}){{.on-white}}", _markdown(caption)]
    return "\n\n".join(parts) + "\n"


#: What the pages of Python show beside the packages' own public names.
_FURTHER = {
    "ewmtcnn": ["ewmtcnn.wheel.wheel_distances", "ewmtcnn.wheel.prior_distributions"],
    "features": [],
}


def _api() -> Iterator[tuple[str, str]]:
    import baselines
    import benchmark
    import ewmtcnn
    from benchmark import metrics

    packages = {
        "benchmark": [n for n in benchmark.__all__ if not n.startswith("__")],
        "baselines": list(baselines.__all__),
        "ewmtcnn": list(ewmtcnn.__all__),
    }
    about = {
        "benchmark": "The harness: the commands as functions, and their answers.",
        "baselines": "The learners; each works without the harness, as a scikit-learn estimator.",
        "ewmtcnn": "The emotion wheel and the networks.",
    }
    for package, names in packages.items():
        listed = [f"{package}.{name}" for name in names] + _FURTHER.get(package, [])
        if package == "benchmark":
            listed += [f"benchmark.metrics.{name}" for name in metrics.__dict__
                       if _is_own_function(metrics, name)]  # fmt: skip
        yield from _autosummary(package, about[package], listed)
    features = [
        f"features.{module}.{name}"
        for module in ("extract", "pca")
        for name in _own_public(f"features.{module}")
    ]
    yield from _autosummary(
        "features", "From images to feature matrices, and their principal components.", features
    )
    yield (
        "api/index.rst",
        (
            "Python\n======\n\nEvery public name, from its docstring.\n\n.. toctree::\n"
            "   :maxdepth: 1\n\n   benchmark\n   baselines\n   ewmtcnn\n   features\n"
        ),
    )


def _is_own_function(module: Any, name: str) -> bool:
    value = getattr(module, name)
    return (
        not name.startswith("_")
        and getattr(value, "__module__", "").startswith(module.__name__)
        and callable(value)
    )


def _own_public(module: str) -> list[str]:
    from importlib import import_module

    loaded = import_module(module)
    return [
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == module
        and callable(value)
        and value.__doc__
    ]


def _autosummary(title: str, about: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield a package's list of names, and a page for each."""
    from importlib import import_module

    listed = "\n".join(f"   {name}" for name in names)
    yield (
        f"api/{title}.rst",
        (
            f"{title}\n{'=' * len(title)}\n\n{about}\n\n.. autosummary::\n   :toctree: generated\n"
            f"   :nosignatures:\n\n{listed}\n"
        ),
    )
    for name in names:
        module, _, short = name.rpartition(".")
        value = getattr(import_module(module), short)
        kind = "autofunction"
        if isinstance(value, type):
            kind = "autoexception" if issubclass(value, Exception) else "autoclass"
        members = "   :members:\n" if kind == "autoclass" else ""
        yield (
            f"api/generated/{name}.rst",
            (f"{name}\n{'=' * len(name)}\n\n.. {kind}:: {name}\n{members}"),
        )


def _moved(path: Path) -> str:
    """Return a page of another folder, its links relative to the site."""
    text = path.read_text(encoding="utf-8")

    def turned(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        inside = (path.parent / target).resolve()
        if not inside.is_relative_to(ROOT) or not inside.exists():
            return match[0]
        relative = inside.relative_to(ROOT).as_posix()
        if relative in ELSEWHERE:
            return f"](/reference/{ELSEWHERE[relative]}.md{anchor})"
        if inside.is_relative_to(DOCS):
            return f"](/{inside.relative_to(DOCS).as_posix()}{anchor})"
        if inside.is_dir():
            return "]()"
        return f"](../../{relative}{anchor})"

    text = re.sub(r"\]\(([^)#:\s]+)(#[^)]*)?\)", turned, text)
    return re.sub(r"\[([^\]]*)\]\(\)", r"\1", text)


def clean() -> None:
    """Remove all that was written."""
    shutil.rmtree(OUT, ignore_errors=True)
