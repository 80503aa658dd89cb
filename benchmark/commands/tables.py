"""The command ``table`` as a function: any table by its number or name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Unpack, cast

import pandas as pd

from benchmark.analysis.evidence import Out
from benchmark.commands.answers.tables import Table, Text
from benchmark.commands.show_tables import (
    ablation_table,
    find_table,
    network_table,
    paper_text,
    refuse_other,
    significance,
    tuned_table,
)
from benchmark.commands.study import Study
from benchmark.commands.table3 import Show, tabulated
from benchmark.errors import UsageError, raised_last
from benchmark.spelling import spelt
from benchmark.tables.options import Look, TableOptions, options_of
from benchmark.tables.table1 import write_table1
from benchmark.wording import Chosen


class TableSettings(Look, total=False):
    """What can be asked of a table, besides how it is written.

    Attributes
    ----------
    against : str or Path
        Table 3: ``reference``, or a folder of reference results, into whose full table the rows
        are put.
    measures : str, iterable of str or Measure
        Table 3: the columns, see `benchmark.wording.find_measures`; ranks and tests are over these.
    measure : str
        Tests: of which measure, by default ``kl_divergence``.
    datasets : str or sequence of str
        Table 1: of which image sets, by default the paper's.
    data_dir : str or Path
        Table 1: where they are looked up.
    show : callable
        Table 3: gets the study before any file is written.
    """

    against: str | Path | None
    measures: Chosen
    measure: str
    datasets: str | Sequence[str]
    data_dir: str | Path | None
    show: Show


@spelt(TableSettings)
def table(
    number: int | str = 3,
    out: Out = None,
    *,
    to: str | Path | None = None,
    **settings: Unpack[TableSettings],
) -> Table:
    """Make a table of stored runs, or of image sets; computes no model.

    Parameters
    ----------
    number : int or str
        As on the command line: 3, every measure and rank of a run; 4, accuracies; ``wheel``, the
        wheel ablation; ``tests``, whether differences are real; ``tuned``, what tuning gained;
        ``text``, a paragraph for a paper; 1,
        images per class of image sets. A run folder in its place stands for Table 3 of that run,
        and gives the `Study`, as in earlier versions.
    out : str, Path, Study, iterable of them, optional
        Run folders, ``LABEL=FOLDER`` to tell versions of a model apart; by default the run written
        last. See `benchmark.analysis.evidence.gather`.
    to : str or Path, optional
        Where the files go; by default the run folder, and ``results/merged/<names>`` of several.
    **settings
        See `TableSettings`.

    Returns
    -------
    Table
        Its files are in the run folder, as ``.csv``, ``.tex`` and ``.md``.

    Raises
    ------
    UsageError
        There is no such table or run, the runs do not fit together or lack what the table shows,
        or a setting is misspelt or of another table.
    BenchmarkError
        A file of a run is damaged, or one cannot be written.

    Examples
    --------
    >>> import benchmark
    >>> table = benchmark.table(3)
    >>> table.to_frame()["model"].tolist()[:2]
    ['AA-kNN (k=3)', 'SA-BFGS']
    >>> table.save("paper/results.tex").as_posix()
    'paper/results.tex'
    >>> benchmark.table("test")
    Traceback (most recent call last):
    benchmark.errors.UsageError: there is no table 'test'; did you mean 'tests'? (there are: ...)
    """
    if _is_folder(number):
        return cast(Table, _tabulated(cast(Out, number), to, settings))
    wanted = find_table(number)
    refuse_other(wanted, settings)
    options = options_of(settings)
    if wanted == "1":
        return _table1(out, to, settings, options)
    if wanted == "3":
        return _table3(out, to, settings)
    if wanted == "tests":
        return significance(out, settings.get("measure", ""), to, None, options)
    if wanted == "text":
        return Text.of(*paper_text(out, settings.get("measure", ""), to, None, options))
    makers = {"4": network_table, "wheel": ablation_table, "tuned": tuned_table}
    return makers[wanted](out, to, None, options)


def _is_folder(number: object) -> bool:
    """Tell whether a run folder stands in the place of the number."""
    if isinstance(number, str):
        return "=" in number or (Path(number) / "run.json").exists()
    return isinstance(number, PathLike | Iterable)


def _table1(
    out: Out, to: str | Path | None, settings: TableSettings, options: TableOptions
) -> Table:
    if out is not None and (to or not isinstance(out, str | PathLike)):
        raise UsageError("table 1 goes into one folder; give it with to=")
    place = to or cast("str | Path | None", out)
    sets = settings.get("datasets", ())
    grid, paths = write_table1(
        [sets] if isinstance(sets, str) else sets, settings.get("data_dir"), place, None, options
    )
    frame = pd.read_csv(paths[0]) if paths else pd.DataFrame(grid.rows, columns=grid.headers)
    return Table([grid], frame, paths=paths)


def _table3(out: Out, to: str | Path | None, settings: TableSettings) -> Table:
    study = _tabulated(out, to, settings)
    with raised_last(None) as problems:
        problems += study.problems
    name = "against" if study.standing else "table3"
    paths = [study.folder / f"{name}.{kind}" for kind in ("csv", "tex", "md")]
    return replace(study.table(3, **_look(settings)), paths=paths * study.written)


def _tabulated(out: Out, to: str | Path | None, settings: TableSettings) -> Study:
    others = {name: settings[name] for name in ("against", "measures", "show") if name in settings}
    return tabulated(out, options_of(settings), to, **cast(Any, others))


_LOOK = frozenset(Look.__annotations__)


def _look(settings: TableSettings) -> Look:
    return cast(Look, {name: value for name, value in settings.items() if name in _LOOK})
