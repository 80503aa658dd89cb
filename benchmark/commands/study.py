"""A run as an answer: scores, tests, predictions, tables and figures of it, and Table 3 made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Literal, Unpack, overload

import pandas as pd

from benchmark.analysis.evidence import Evidence, Out, gather
from benchmark.analysis.scores import timings_frame
from benchmark.commands.answers.base import Answer, Make
from benchmark.commands.answers.documents import Report
from benchmark.commands.answers.figures import Figure, Figures
from benchmark.commands.answers.predictions import predictions_frame
from benchmark.commands.answers.tables import Failures, Table, Text
from benchmark.commands.show import Shown, figures_of, report
from benchmark.commands.show_tables import find_table, refuse_other, table_of, text_of
from benchmark.errors import UsageError
from benchmark.metrics import Measure
from benchmark.reference.grids import standing_grids
from benchmark.reference.joining import Standing
from benchmark.spelling import spelt
from benchmark.tables.options import Look, TableOptions, options_of
from benchmark.tables.table3 import table3_grids
from benchmark.tables.writing import marks_of
from benchmark.wording import Chosen, count, find_measures


@dataclass(frozen=True, repr=False, eq=False)
class Study(Answer):
    """A run, finished or not, with all that can be made of it.

    At a prompt it shows Table 3, in a notebook as HTML. Where a path of a run folder is wanted,
    the study can be given.

    Attributes
    ----------
    evidence : Evidence
        Plan and stored results, of which all else is computed when it is first asked for.
    notes : list of str
        What a reader of the table has to know.
    failures : list of Outcome
        Tasks of this run that failed; of a stored run those of its last call.
    problems : list of str
        What could not be made or written, in sentences without a full stop; the rest is there.
    written : bool
        Whether `folder` could be written, so that it has the files of the table.
    standing : Standing, optional
        The full table of the reference results with the run's rows in it, where that was asked for.
    remarks : list of str
        What a reader of that table has to know.
    options : TableOptions
        How its table is written.

    Examples
    --------
    >>> from benchmark import Study
    >>> study = Study.load("results/runs/data")
    >>> study.complete
    True
    >>> study.summary["kl_divergence_rank"].tolist()
    [2.0, 1.0, nan, nan]
    >>> study.predictions("SA-BFGS").columns[:4].tolist()
    ['row', 'id', 'repeat', 'fold']
    >>> study.table("tests").save("tests.tex").name
    'tests.tex'
    """

    evidence: Evidence
    notes: list[str]
    failures: Failures
    problems: list[str] = field(default_factory=list)
    written: bool = True
    standing: Standing | None = None
    remarks: list[str] = field(default_factory=list)
    options: TableOptions = field(default_factory=TableOptions)

    _what = "study"

    @classmethod
    def load(cls, folder: Out = None, measures: Chosen = None) -> Study:
        """Read a stored run, or several put together; computes no model and writes no file.

        Parameters
        ----------
        folder : str, Path, iterable of them, optional
            Run folders as of `benchmark.table`, also of a run that was interrupted; by default the
            one that was written last.
        measures : optional
            The columns, as of `benchmark.table`.

        Raises
        ------
        UsageError
            There is no run, or the runs do not fit together.
        BenchmarkError
            A file is damaged.
        """
        with gather(folder, None, find_measures(measures), writes=False) as evidence:
            problems = [evidence.nothing_scored] if evidence.nothing_scored else []
            stored = [entry for place in evidence.folders for entry in place.read_failures()]
            found = Failures.stored(stored, evidence.plan.tasks)
            return cls(evidence, evidence.notes, found, problems, written=False)

    @property
    def folder(self) -> Path:
        """The folder with the files of the run; of several runs that of their common outputs."""
        return self.evidence.target.path

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The columns of the table."""
        return self.evidence.measures

    @property
    def missing(self) -> int:
        """Number of tasks that have no result."""
        return self.evidence.missing

    @property
    def complete(self) -> bool:
        """Whether every task has a result."""
        return self.missing == 0

    @property
    def models(self) -> list[str]:
        """The rows of the tables, but for the trivial ones."""
        return list(self.evidence.plan.models)

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets."""
        return list(self.evidence.plan.truths)

    @property
    def summary(self) -> pd.DataFrame:
        """Means over folds, deviations and ranks: a row per dataset and model.

        Columns are those of ``table3.csv``, see `benchmark.columns.table3_of`.
        """
        return self.evidence.summary.copy()

    @property
    def scores(self) -> pd.DataFrame:
        """Every score of every fold: dataset, model, repeat, fold, measure, value."""
        return self.evidence.scores.copy()

    @property
    def pairs(self) -> pd.DataFrame:
        """All pairs of models in every measure, with tests; columns `benchmark.columns.PAIRS`."""
        return self.evidence.pairs.copy()

    @property
    def timings(self) -> pd.DataFrame:
        """Seconds and convergence of every fold; columns `benchmark.columns.TIMINGS`."""
        return timings_frame(self.evidence.plan, self.evidence.results)

    @spelt()
    def predictions(self, model: str, dataset: str = "") -> pd.DataFrame:
        """Return what a model predicted for every row of a dataset, from the fold that tested it.

        Parameters
        ----------
        model : str
            A row of the tables, a trivial one too; upper and lower case are the same.
        dataset : str
            Its name; may be left out where there is one.

        Returns
        -------
        DataFrame
            A row per instance and repeat: ``row`` (number, from 0), ``id``, ``repeat``, ``fold``,
            then ``true:<label>`` and ``predicted:<label>`` for every label. Predictions of a fold
            without a result are missing values; rows that no fold tests are not there.

        Raises
        ------
        UsageError
            There is no such model or dataset.
        """
        return predictions_frame(self.evidence, model, dataset)

    @spelt(Look)
    def table(
        self,
        number: int | str = 3,
        *,
        measures: Chosen = None,
        measure: str = "",
        **look: Unpack[Look],
    ) -> Table:
        """Make a table of the run, without writing it.

        Parameters
        ----------
        number : int or str
            3, 4, ``tests``, ``wheel``, ``tuned`` or ``text``, see `benchmark.table`.
        measures : optional
            Of Table 3: other columns than the study has, as of `benchmark.table`.
        measure : str
            Of the tests: which one, by default the KL divergence.
        **look
            How it is written, and of which models: see `benchmark.tables.options.TableOptions`.

        Raises
        ------
        UsageError
            There is no such table, or the run does not have it.
        """
        wanted = find_table(number)
        if wanted == "1":
            raise UsageError("table 1 is of datasets, not of a run; see benchmark.table(1)")
        refuse_other(wanted, {"measures": measures, "measure": measure, **look})
        if measures is not None:
            return self._with_columns(find_measures(measures))._table3(options_of(look))
        options = options_of(look)
        if wanted == "3":
            return self._table3(options)
        if wanted == "text":
            return Text.of(text_of(self.evidence, options, measure))
        return table_of(self.evidence, wanted, options, measure)

    @overload
    def figure(  # type: ignore[overload-overlap]
        self, name: Literal["all"], *, measures: Chosen = None, **choice: Unpack[Shown]
    ) -> Figures: ...

    @overload
    def figure(
        self, name: str | int, *, measures: Chosen = None, **choice: Unpack[Shown]
    ) -> Figure: ...

    @spelt(Shown)
    def figure(
        self, name: str | int, *, measures: Chosen = None, **choice: Unpack[Shown]
    ) -> Figure | Figures:
        """Draw a figure of the run, or ``all``, without writing it.

        Parameters
        ----------
        name, measures, **choice
            As of `benchmark.figure`.

        Raises
        ------
        UsageError
            As `benchmark.figure`.
        """
        evidence = self.evidence
        if measures is not None:
            evidence = replace(evidence, chosen=find_measures(measures))
        found = figures_of(evidence, name, measures is not None, **choice)
        return found.answer(name, choice.get("problems"))

    @spelt()
    def report(self, to: str | Path | None = None, pictures: bool = True) -> Report:
        """Write the report of the run, see `benchmark.report`.

        Parameters
        ----------
        to, pictures
            As of `benchmark.report`.

        Raises
        ------
        UsageError, BenchmarkError
            As `benchmark.report`.
        """
        folders = [folder.path for folder in self.evidence.folders]
        return report(folders, to, pictures, measures=self.evidence.chosen)

    def to_frame(self) -> pd.DataFrame:
        """Return Table 3 in numbers: a copy of `summary`."""
        return self.summary

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return f"{self._table3()}\n\n{self._state()}"

    def __repr__(self) -> str:
        return f"{self._table3()!r}\n{self._state()}"

    def _repr_html_(self) -> str:
        failed = self.failures._repr_html_() if self.failures else ""
        return f"{self._table3()._repr_html_()}<p>{escape(self._state())}</p>{failed}"

    def _files(self) -> Mapping[str, Make]:
        return self._table3()._files()

    def _with_columns(self, chosen: tuple[Measure, ...]) -> Study:
        """Return the study with other measures; the reference's rows stay behind."""
        evidence = replace(self.evidence, chosen=chosen)
        if evidence.nothing_scored:
            raise UsageError(evidence.nothing_scored)
        return replace(self, evidence=evidence, notes=evidence.notes, standing=None)

    @property
    def shown(self) -> Table:
        """Table 3 as the study's options say."""
        return self._table3()

    def _table3(self, options: TableOptions | None = None) -> Table:
        options = options or self.options
        if self.standing:
            grids = standing_grids(self.standing, options)
            return Table(grids, self.standing.summary, self.remarks)
        shown = self.evidence.of_models(options.models)
        marks = marks_of(shown, options, [])
        grids = table3_grids(shown.summary, shown.measures, options, marks)
        return Table(grids, shown.summary, shown.notes if options.models else self.notes)

    def _state(self) -> str:
        plan = self.evidence.plan
        said = [
            f"{count(len(plan.models), 'model')} on {count(len(plan.truths), 'dataset')}",
            f"in {self.folder}",
        ]
        if self.missing:
            said.append(
                f"- {count(self.missing, 'result is', 'results are')} missing"
                + (f", {len(self.failures)} failed (.failures)" if self.failures else "")
            )
        return " ".join(said)
