"""The tables of stored runs beside Table 3, as functions: accuracies, wheel, tuning, tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmark.analysis.evidence import Evidence, Out
from benchmark.columns import WHEEL_MEASURES
from benchmark.commands.answers.tables import Table
from benchmark.commands.gathering import gathered, tells_obstacle
from benchmark.errors import UsageError
from benchmark.metrics import BY_NAME
from benchmark.spelling import spelt
from benchmark.tables.grid import Grid
from benchmark.tables.latex import paragraphs_in_latex
from benchmark.tables.options import TABLES_WITH, TableOptions
from benchmark.tables.sentences import paragraphs
from benchmark.tables.significance import significance_grid, significance_table
from benchmark.tables.table4 import table4, table4_grid
from benchmark.tables.tuning import (
    measure_of_tuning,
    notes_of_failures,
    tuning_grid,
    tuning_table,
)
from benchmark.tables.wheel import wheel_grid, wheel_table
from benchmark.tables.writing import marks_of, write_files, write_grid
from benchmark.wording import find_measure, listed
from features.names import did_you_mean

#: The numbers of a table and its cells.
Made = tuple[pd.DataFrame, Grid]


def make_table4(evidence: Evidence, options: TableOptions) -> Made:
    """Make Table 4, accuracies of models (rows) on datasets (columns)."""
    evidence = evidence.including(BY_NAME["accuracy"])
    frame = table4(evidence.summary)
    groups = dict(zip(evidence.summary["model"], evidence.summary["group"], strict=True))
    marks = marks_of(evidence, options, [])
    return frame, table4_grid(frame, evidence.remarks, groups, options, marks)


def make_wheel(evidence: Evidence, options: TableOptions) -> Made:
    """Make the table of the wheel ablation."""
    evidence = evidence.including(*(BY_NAME[name] for name in WHEEL_MEASURES))
    frame = wheel_table(evidence.plan, evidence.scores)
    return frame, wheel_grid(frame, evidence.remarks, options)


def make_tuned(evidence: Evidence, options: TableOptions) -> Made:
    """Make the table that puts tuned rows beside those that they tune."""
    by = measure_of_tuning(evidence.plan)
    evidence = evidence.including(by) if by else evidence
    frame = tuning_table(evidence.plan, evidence.summary, evidence.pairs, evidence.tuning)
    notes = [*notes_of_failures(evidence.tuning), *evidence.remarks]
    return frame, tuning_grid(frame, evidence.plan, notes, options)


def make_tests(evidence: Evidence, options: TableOptions, measure: str = "") -> Made:
    """Make the table of tests of significance in a measure, by default the KL divergence."""
    wanted = find_measure(measure or "kl_divergence")
    evidence = evidence.including(wanted)
    frame = significance_table(evidence.summary, evidence.pairs, wanted)
    return frame, significance_grid(frame, evidence.summary, wanted, evidence.plan, options)


#: Name of a table, on the command line and in Python, to its files and to what makes it.
MAKERS: Mapping[str, tuple[str, Callable[[Evidence, TableOptions], Made]]] = {
    "4": ("table4", make_table4),
    "wheel": ("wheel", make_wheel),
    "tests": ("tests", make_tests),
    "tuned": ("tuned", make_tuned),
}


#: Names of tables.
TABLES = ("1", "3", *MAKERS, "text")


def find_table(number: object) -> str:
    """Find a table by its number or name; case does not matter.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    wanted = str(number).strip().lower().removeprefix("table").strip(" -_")
    if wanted not in TABLES:
        raise UsageError(
            f"there is no table {number!r}{did_you_mean(wanted, TABLES)} "
            f"(there are: {', '.join(TABLES)})"
        )
    return wanted


def refuse_other(wanted: str, settings: Mapping[str, object]) -> None:
    """Refuse settings of other tables, which would be dropped in silence.

    Raises
    ------
    UsageError
        There is one.
    """
    for name, value in settings.items():
        tables = TABLES_WITH.get(name, TABLES)
        if value and wanted not in tables:
            raise UsageError(f"{name} is for table {listed(tables)}, not for table {wanted}")


@spelt()
def network_table(
    out: Out = None,
    to: str | Path | None = None,
    problems: list[str] | None = None,
    options: TableOptions | None = None,
) -> Table:
    """Make Table 4, accuracies of models (rows) on datasets (columns), of stored runs.

    Parameters
    ----------
    out, to : optional
        As in `benchmark.table`.
    problems : list of str, optional
        Collects sentences about files that cannot be written, instead of an error in the end.
    options : TableOptions, optional
        How it is written, and of which models.

    Returns
    -------
    Table
        Its files are ``table4.csv``, ``.tex`` and ``.md`` in the run folder; none where that cannot
        be written, which is logged.

    Raises
    ------
    UsageError, BenchmarkError
        As `benchmark.table`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.network_table().to_frame().columns.tolist()
    ['model', 'data', 'data_std', 'data_rank']
    """
    return _of_runs("4", out, to, problems, options)


@spelt()
def ablation_table(
    out: Out = None,
    to: str | Path | None = None,
    problems: list[str] | None = None,
    options: TableOptions | None = None,
) -> Table:
    """Make the table of the wheel ablation of stored runs.

    Parameters
    ----------
    out, to : optional
        As in `benchmark.table`.
    problems : list of str, optional
        Collects sentences about files that cannot be written, instead of an error in the end.
    options : TableOptions, optional
        As in `network_table`.

    Returns
    -------
    Table
        Its files are ``wheel.csv``, ``.tex`` and ``.md`` in the run folder, as in `network_table`.

    Raises
    ------
    UsageError
        As `benchmark.table`, or the run has no network without a wheel.
    BenchmarkError
        As `benchmark.table`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.run(protocol="wheel", datasets="ArtPhoto")  # doctest: +SKIP
    >>> benchmark.ablation_table().save("wheel.tex")  # doctest: +SKIP
    """
    return _of_runs("wheel", out, to, problems, options)


@spelt()
def tuned_table(
    out: Out = None,
    to: str | Path | None = None,
    problems: list[str] | None = None,
    options: TableOptions | None = None,
) -> Table:
    """Make the table of stored runs that puts tuned rows beside those that they tune.

    Parameters
    ----------
    out, to, problems, options : optional
        As in `network_table`.

    Returns
    -------
    Table
        Its files are ``tuned.csv``, ``.tex`` and ``.md`` in the run folder, as in `network_table`.

    Raises
    ------
    UsageError
        As `benchmark.table`, or the run has no tuned rows.
    BenchmarkError
        As `benchmark.table`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.run("AA-kNN", datasets="data.csv", tune=True)  # doctest: +SKIP
    >>> benchmark.tuned_table()  # doctest: +SKIP
    """
    return _of_runs("tuned", out, to, problems, options)


@spelt()
def significance(
    out: Out = None,
    measure: str = "",
    to: str | Path | None = None,
    problems: list[str] | None = None,
    options: TableOptions | None = None,
) -> Table:
    """Make the table of tests of significance: the best model of each dataset against the others.

    Parameters
    ----------
    out, to : optional
        As in `benchmark.table`.
    measure : str
        Name of the measure, by default ``kl_divergence``.
    problems, options : optional
        As in `network_table`.

    Returns
    -------
    Table
        Its files are ``tests.csv``, ``.tex`` and ``.md`` in the run folder, as in `network_table`.

    Raises
    ------
    UsageError
        As `benchmark.table`, or an unknown measure.
    BenchmarkError
        As `benchmark.table`.

    Examples
    --------
    >>> import benchmark
    >>> tests = benchmark.significance(measure="cosine").to_frame()
    >>> set(tests["measure"])
    {'cosine'}
    """
    find_measure(measure or "kl_divergence")  # a misspelt one is told before anything is read
    return _of_runs("tests", out, to, problems, options, measure)


def paper_text(
    out: Out = None,
    measure: str = "",
    to: str | Path | None = None,
    problems: list[str] | None = None,
    options: TableOptions | None = None,
) -> tuple[list[str], list[Path]]:
    """Write what a paper says of stored runs: which tests, how many folds, p-values, effect sizes.

    Parameters
    ----------
    out, measure, to, problems, options : optional
        As in `significance`.

    Returns
    -------
    paragraphs : list of str
        A paragraph per dataset, and one across them where there are enough.
    paths : list of Path
        ``text.txt`` and ``text.tex`` in the run folder.

    Raises
    ------
    UsageError, BenchmarkError
        As `significance`.
    """
    find_measure(measure or "kl_divergence")
    options = options or TableOptions()
    with gathered("the text", out, to) as evidence:
        said = text_of(evidence, options, measure)
        if tells_obstacle(evidence.target):
            return said, []
        contents = {
            "text.txt": lambda: "\n\n".join(said) + "\n",
            "text.tex": lambda: paragraphs_in_latex(said),
        }
        return said, write_files(evidence.target, contents, problems)


def text_of(evidence: Evidence, options: TableOptions, measure: str = "") -> list[str]:
    """Write the paragraphs of `paper_text` of a run, without any file."""
    wanted = find_measure(measure or "kl_divergence")
    shown = evidence.of_models(options.models).including(wanted)
    return paragraphs(shown, options.shown(wanted))


def _of_runs(
    number: str,
    out: Out,
    to: str | Path | None,
    problems: list[str] | None,
    options: TableOptions | None = None,
    measure: str = "",
) -> Table:
    """Make a table of stored runs, and its files where they can be written."""
    with gathered("the table", out, to) as evidence:
        made = table_of(evidence, number, options, measure)
        if tells_obstacle(evidence.target):
            return made
        name = MAKERS[number][0]
        return replace(
            made, paths=write_grid(evidence.target, name, made.frame, made.grids[0], problems)
        )


def table_of(
    evidence: Evidence, number: str, options: TableOptions | None = None, measure: str = ""
) -> Table:
    """Make one of `MAKERS` of a run, without any file; `measure` is that of the tests."""
    options = options or TableOptions()
    evidence = evidence.of_models(options.models)
    if measure:
        frame, cells = make_tests(evidence, options, measure)
    else:
        frame, cells = MAKERS[number][1](evidence, options)
    return Table([cells], frame)
