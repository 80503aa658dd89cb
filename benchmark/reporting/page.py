"""The report: everything there is to see of a run, in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.analysis.assumptions import assumptions
from benchmark.analysis.evidence import Evidence
from benchmark.errors import apart, merged, raised_last
from benchmark.figures.base import written
from benchmark.figures.catalogue import draw_all
from benchmark.figures.choice import Choice, NotShown
from benchmark.paper.comparison import NotComparable, compare
from benchmark.paper.grids import grids
from benchmark.paper.sentences import sentences
from benchmark.reporting.data import (
    NO_PAIRS,
    environment_rows,
    failure_rows,
    instances_data,
    overall_table,
    pairs_data,
    result_tables,
    settings_rows,
    timing_rows,
)
from benchmark.reporting.summary import summary_sentences
from benchmark.tables.grid import Grid
from benchmark.tables.tuning import (
    measure_of_tuning,
    notes_of_failures,
    tuning_grid,
    tuning_table,
)
from benchmark.wording import count, listed, seen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEMPLATES = Path(__file__).with_name("templates")

#: Number of datasets whose figures are in the report; the others can be drawn by the command.
_DRAWN_DATASETS = 3

# Figures with pictures of instances.
_WITH_PICTURES = ("1", "4")

# A drawing that is larger than this as SVG, in bytes, takes less room as PNG.
_LARGEST_SVG = 150_000


@dataclass(frozen=True)
class Picture:
    """A figure in the report: title, caption, and a data address."""

    title: str
    caption: str
    address: str


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
            "figures": _figures(evidence, pictures, found),
            "figures_of": min(_DRAWN_DATASETS, len(plan.truths)),
            "figures_left_out": list(plan.truths)[_DRAWN_DATASETS:],
            "tuning": part("the tuning", lambda: _tuning(evidence), None),
            "paper": part("the comparison with the paper", lambda: _paper(evidence), None),
            "settings": part("the settings", lambda: settings_rows(evidence), []),
            "models": {name: model["params"] for name, model in plan.models.items()},
            "environment": part("the environment", lambda: environment_rows(evidence), []),
            "timings": part("the timings", lambda: timing_rows(evidence), []),
            "warnings": part("the warnings", lambda: _warnings(evidence), []),
            "failures": part("the failures", lambda: failure_rows(evidence), []),
            "missing": evidence.missing,
            "data": {
                "pairs": part("the differences", lambda: pairs_data(evidence), NO_PAIRS),
                "instances": part("instances", lambda: instances_data(evidence, pictures), []),
            },
        }
        return {**values, "problems": merged(found)}


def render(values: Mapping[str, Any]) -> str:
    """Fill the template of the report."""
    return fill("report.html.jinja", values, "report.js")


def fill(name: str, values: Mapping[str, Any], script: str) -> str:
    """Fill a template; everything but its own style and script is escaped.

    Parameters
    ----------
    name : str
        The template's file.
    values : mapping
        What it shows.
    script : str
        The file of its script.
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
    style, code = (
        (_TEMPLATES / file).read_text(encoding="utf-8") for file in ("report.css", script)
    )
    return environment.get_template(name).render(**values, style=style, script=code)


def _figures(evidence: Evidence, pictures: bool, problems: list[str]) -> list[Picture]:
    drawn = list(evidence.plan.truths)[:_DRAWN_DATASETS]
    found = []
    for attempt in draw_all(evidence, Choice(), problems, drawn):
        drawing, kind = attempt.outcome, attempt.kind
        if isinstance(drawing, NotShown) or (not pictures and kind.name in _WITH_PICTURES):
            continue
        with apart(f"figure {kind.name}", problems):
            found.append(Picture(kind.title, drawing.caption, address_of(drawing.figure)))
    return found


def address_of(figure: Figure) -> str:
    """Write a figure as an address that holds all of it, of the smaller kind."""
    content = written(figure, "svg")
    kind = "svg+xml"
    if len(content) > _LARGEST_SVG:
        content, kind = written(figure, "png"), "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _paper(evidence: Evidence) -> dict[str, Any] | None:
    """Hold the run against the paper; nothing for a run on other data."""
    compared = compare(evidence)
    if isinstance(compared, NotComparable):
        return None
    return {"grids": grids(compared), "sentences": sentences(compared)}


def _tuning(evidence: Evidence) -> Grid | None:
    """Put tuned rows beside those that they tune; nothing for a run without any."""
    by = measure_of_tuning(evidence.plan)
    if by is None:
        return None
    evidence = evidence.including(by)
    table = tuning_table(evidence.plan, evidence.summary, evidence.pairs, evidence.tuning)
    return tuning_grid(table, evidence.plan, notes_of_failures(evidence.tuning))


def _warnings(evidence: Evidence) -> list[str]:
    """List what the models' code warned of, each once with its count."""
    counts = Counter(
        f"{task.model} on {task.dataset}: {warning}"
        for task, result in evidence.results.items()
        for warning in set(result.record.get("warnings", ()))
    )
    return [
        f"{text} ({count(number, 'fold')})" if number > 1 else text
        for text, number in counts.items()
    ]


def _few(names: list[str]) -> str:
    return listed(names) if len(names) <= 3 else count(len(names), "dataset")
