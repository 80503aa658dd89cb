"""The report: everything there is to see of a run, in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.analysis.assumptions import assumptions
from benchmark.analysis.evidence import Evidence
from benchmark.errors import apart, merged, raised_last
from benchmark.reporting.browsed import NO_PAIRS, instances_data, pairs_data
from benchmark.reporting.copies import (
    Shown,
    confusion_pattern,
    for_names,
    names_of,
    packed,
    pair_patterns,
    table3_copies,
)
from benchmark.reporting.labels import MOST_LABELS, balance, confusions, error_tables
from benchmark.reporting.paper import paper_section
from benchmark.reporting.pictures import DRAWN_DATASETS, pictures_of
from benchmark.reporting.results import overall_shown, overall_table, result_tables
from benchmark.reporting.run_facts import (
    environment_rows,
    failure_rows,
    settings_rows,
    settings_shown,
    timing_rows,
    timings_shown,
    warning_lines,
)
from benchmark.reporting.summary import summary_sentences
from benchmark.reporting.tuned import tuned_tables
from benchmark.wording import count, listed, seen

_TEMPLATES = Path(__file__).with_name("templates")


def write_report(
    evidence: Evidence, pictures: bool = True, problems: list[str] | None = None
) -> Path:
    """Write ``report.html`` into the evidence's target folder.

    Parameters
    ----------
    evidence : Evidence
    pictures : bool
        Show pictures of instances.
    problems : list of str, optional
        Collects sentences about parts that cannot be made, which the report tells too, instead of
        an error when it has been written.

    Returns
    -------
    Path
        The file.
    """
    with raised_last(problems) as found:
        failed: list[str] = []
        html = render(content(evidence, pictures, failed))
        found += failed
        return evidence.target.write_file("report.html", html)


def content(
    evidence: Evidence, pictures: bool = True, problems: list[str] | None = None
) -> dict[str, Any]:
    """Collect what the report shows, as plain values for the template.

    A part that cannot be made is empty, and `problems` gets a sentence; without that list it is an
    error in the end.
    """
    plan = evidence.plan
    with raised_last(problems) as found:

        def part(what: str, make: Callable[[], Any], otherwise: Any) -> Any:
            made = otherwise
            with apart(what, found):
                made = make()
            return made  # noqa: RET504 - returned from within, mypy takes this for unreachable

        several = len(plan.truths) > 1
        tuning = part("the tuning", lambda: tuned_tables(evidence), [])
        paper = part("the comparison with the paper", lambda: paper_section(evidence), None)
        pairs = part("the differences", lambda: pairs_data(evidence), NO_PAIRS)
        labels = part("the labels", lambda: _labels(evidence), [])
        confused = part("the confusions", lambda: confusions(evidence), [])
        shown = [*tuning, *(paper["tables"] if paper else [])]
        shown += [table for entry in labels for table in entry["tables"]]
        values = {
            "title": f"Label distribution learning on {_few(list(plan.truths))}",
            "summary": part("the summary", lambda: summary_sentences(evidence), []),
            "overall": part("mean ranks", lambda: overall_table(evidence), None)
            if several
            else None,
            "tables": part("the table", lambda: result_tables(evidence, found), []),
            "measures": [(m.name, m.title, m.higher_is_better) for m in evidence.measures],
            "notes": part("the notes of the table", lambda: evidence.notes, []),
            "assumptions": assumptions(evidence.plan),
            "figures": pictures_of(evidence, pictures, found),
            "figures_of": min(DRAWN_DATASETS, len(plan.truths)),
            "figures_left_out": list(plan.truths)[DRAWN_DATASETS:],
            "tuning": tuning,
            "labels": labels,
            "most_labels": MOST_LABELS,
            "paper": paper,
            "settings": part("the settings", lambda: settings_rows(evidence), []),
            "models": {name: model["params"] for name, model in plan.models.items()},
            "environment": part("the environment", lambda: environment_rows(evidence), []),
            "timings": part("the timings", lambda: timing_rows(evidence), []),
            "warnings": part("the warnings", lambda: warning_lines(evidence), []),
            "failures": part("the failures", lambda: failure_rows(evidence), []),
            "missing": evidence.missing,
            "at_work": evidence.at_work,
            "data": {
                "pairs": pairs,
                "confusions": confused,
                "instances": part("instances", lambda: instances_data(evidence, pictures), []),
            },
            "copies": part("what can be copied", lambda: _copies(evidence, shown, pairs), ""),
        }
        return {**values, "problems": merged(found)}


def _labels(evidence: Evidence) -> list[dict[str, Any]]:
    """Make the tables of labels, dataset by dataset."""
    return [
        {
            "dataset": dataset,
            "tables": [
                balance(truth, f"balance-{number}"),
                *error_tables(evidence, dataset, f"labels-{number}"),
            ],
        }
        for number, (dataset, truth) in enumerate(evidence.plan.truths.items())
    ]


def _copies(evidence: Evidence, shown: list[Shown], pairs: Mapping[str, Any]) -> str:
    """Collect what the buttons copy."""
    facts = [*settings_shown(evidence).values(), timings_shown(evidence)]
    if len(evidence.plan.truths) > 1:
        facts.append(overall_shown(evidence))
    tables = {table.name: table.texts for table in [*shown, *facts]}
    names = names_of(evidence)
    return packed(
        {
            "tables": {**tables, **table3_copies(evidence)},
            "names": names,
            "pairs": {size: for_names(text, names) for size, text in pair_patterns(pairs).items()},
            "confusions": {
                seen(name): for_names(confusion_pattern(truth.label_names), names)
                for name, truth in evidence.plan.truths.items()
                if len(truth.label_names) <= MOST_LABELS
            },
        }
    )


def render(values: Mapping[str, Any]) -> str:
    """Fill the template of the report."""
    return fill("report.html.jinja", values, "tables.js", "report.js")


def fill(name: str, values: Mapping[str, Any], *scripts: str) -> str:
    """Fill a template; everything but its own style and script is escaped.

    Parameters
    ----------
    name : str
        The template's file.
    values : mapping
        What it shows.
    *scripts : str
        The files of its script.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: seen(value) if type(value) is str else value,
    )
    environment.globals["count"] = count
    style, *code = (
        (_TEMPLATES / file).read_text(encoding="utf-8") for file in ("report.css", *scripts)
    )
    return environment.get_template(name).render(**values, style=style, script="".join(code))


def _few(names: list[str]) -> str:
    return listed(names) if len(names) <= 3 else count(len(names), "dataset")
