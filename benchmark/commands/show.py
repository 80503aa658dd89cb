"""The commands that show stored runs, as functions: tables, figures, report, comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypedDict, Unpack, overload

from benchmark.analysis.evidence import Evidence, Out
from benchmark.columns import as_csv
from benchmark.commands.answers.documents import Comparison, Report
from benchmark.commands.answers.figures import Figure, Figures
from benchmark.commands.gathering import gathered, tells_obstacle
from benchmark.errors import UsageError, raised_last
from benchmark.figures.base import FORMATS, Drawing, written
from benchmark.figures.catalogue import draw_all, draw_one, find_kind, reasons, refuse_unused
from benchmark.figures.choice import Choice, NotShown, resolve
from benchmark.figures.in_latex import as_latex
from benchmark.figures.lettering import lacking_fonts
from benchmark.figures.look import drawn_with, read_look
from benchmark.spelling import spelt
from benchmark.store.run_folder import FIGURES as FIGURES_FOLDER
from benchmark.store.run_folder import RunFolder
from benchmark.tables.writing import write_files
from benchmark.wording import Chosen, listed
from features.names import did_you_mean
from features.storage.files import slug


class Shown(TypedDict, total=False):
    """What `figure` shows, where the figure has a choice; see `benchmark.figures.Choice`.

    Attributes
    ----------
    dataset, measure : str
    models : str or sequence of str
    width, style
        How it is drawn; see `benchmark.figures.look.read_look`.
    problems : list of str
        Collects sentences about what fails, instead of an error when the rest is done.
    """

    dataset: str
    measure: str
    models: str | Sequence[str]
    width: str | float
    style: str | Path
    problems: list[str]


@dataclass(frozen=True)
class Drawn:
    """Figures that were drawn, and why others were not.

    Attributes
    ----------
    drawn : list of Figure
        Every figure, with its files.
    left_out : list of str
        Which figures the run does not have and why, as clauses without a full stop.
    problems : list of str
        What failed, in sentences without a full stop.
    """

    drawn: list[Figure]
    left_out: list[str]
    problems: list[str]

    def answer(self, name: str | int, problems: list[str] | None = None) -> Figure | Figures:
        """Return the figure that was asked for, or all; what failed is an error or collected."""
        with raised_last(problems) as found:
            found += self.problems
        return Figures(self.drawn, self.left_out) if is_all(name) else self.drawn[0]


@overload
def figure(  # type: ignore[overload-overlap]
    name: Literal["all"],
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    to: str | Path | None = None,
    measures: Chosen = None,
    **choice: Unpack[Shown],
) -> Figures: ...


@overload
def figure(
    name: str | int,
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    to: str | Path | None = None,
    measures: Chosen = None,
    **choice: Unpack[Shown],
) -> Figure: ...


@spelt(Shown)
def figure(
    name: str | int,
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    to: str | Path | None = None,
    measures: Chosen = None,
    **choice: Unpack[Shown],
) -> Figure | Figures:
    """Draw a figure of stored runs, or all that they have.

    Parameters
    ----------
    name : str or int
        One of `benchmark.figures.FIGURES`, numbers as in the paper, or ``all``.
    out, to : optional
        As in `table`.
    formats : iterable of {"pdf", "svg", "png"}
        Files to write, beside a ``.csv`` with the numbers, a ``.txt`` with the caption and a
        ``.tex`` with the figure as a paper takes it in.
    measures : optional
        Of figures that show several: as in `table`.
    **choice
        What to show, where the figure has a choice: dataset, measure, models; see
        `benchmark.figures.Choice`. And how: ``width="column"``, ``"page"`` or centimetres at
        which it is printed, ``style=FILE`` of matplotlib.

    Returns
    -------
    Figure or Figures
        The figure, with its files in the folder ``figures`` of the run; of ``all`` a list, which
        tells in ``left_out`` which could not be drawn.

    Raises
    ------
    UsageError
        As `table`; an unknown figure, format, dataset, measure or model; or the run does not have
        what the figure shows.
    BenchmarkError
        As `table`.

    Examples
    --------
    >>> import benchmark
    >>> boxes = benchmark.figure("boxes", formats=["svg"], measures="KL")
    >>> boxes.to_frame()["measure"].unique().tolist()
    ['kl_divergence']
    >>> boxes.save("boxes.pdf").name
    'boxes.pdf'
    """
    found = draw_figures(name, out, formats, to=to, measures=measures, **choice)
    return found.answer(name, choice.get("problems"))


def draw_figures(
    name: str | int,
    out: Out = None,
    formats: Iterable[str] = FORMATS,
    *,
    to: str | Path | None = None,
    measures: Chosen = None,
    **choice: Unpack[Shown],
) -> Drawn:
    """Draw a figure of stored runs or all that they have, and tell which could not be drawn.

    Parameters and errors are those of `figure`; one that fails is no error here.
    """
    several = [formats] if isinstance(formats, str) else formats
    wanted = [str(file_format).lower() for file_format in several]
    for file_format in wanted:
        if file_format not in FORMATS:
            raise UsageError(
                f"a figure can be {listed(FORMATS, 'or')}, not {file_format!r}"
                f"{did_you_mean(file_format, FORMATS)}"
            )
    if not is_all(name):
        find_kind(str(name))  # a name that is not there is told before anything is read
    drawn_so = drawn_with(read_look(choice.pop("width", ""), choice.pop("style", "")))
    with drawn_so, gathered(f"figure {name}", out, to, measures) as evidence:
        _refuse_unwritable(evidence.target)
        found = figures_of(evidence, name, measures is not None, **choice)
        target, problems = evidence.target, found.problems
        drawn = [
            Figure(one.drawing, _write_drawing(target, one.drawing, wanted, problems))
            for one in found.drawn
        ]
    unread = dict.fromkeys(lacking_fonts(one.figure) for one in found.drawn if wanted != ["svg"])
    return replace(found, drawn=drawn, left_out=[*found.left_out, *filter(None, unread)])


def figures_of(
    evidence: Evidence, name: str | int, measures: bool = False, **choice: Unpack[Shown]
) -> Drawn:
    """Draw a figure of a run, or all that it has, without any file.

    Parameters
    ----------
    evidence : Evidence
    name : str or int
        As of `figure`.
    measures : bool
        Whether measures were asked for, which not every figure shows.
    **choice
        As of `figure`.

    Raises
    ------
    UsageError
        As `figure`.
    """
    kind = None if is_all(name) else find_kind(str(name))
    if choice.get("width") or choice.get("style"):
        with drawn_with(read_look(choice.pop("width", ""), choice.pop("style", ""))):
            return figures_of(evidence, name, measures, **choice)
    given = choice.get("models", ())
    models = (given,) if isinstance(given, str) else tuple(given)
    shown = Choice(choice.get("dataset", ""), choice.get("measure", ""), models)
    drawn, not_shown = [], []
    problems: list[str] = []
    if kind:
        refuse_unused(kind, resolve(shown, evidence.plan), measures)
    for attempt in (
        [draw_one(kind, evidence, shown)] if kind else draw_all(evidence, shown, problems)
    ):
        if isinstance(attempt.outcome, NotShown):
            not_shown.append(attempt)
        else:
            drawn.append(Figure(attempt.outcome))
    left_out = reasons(not_shown)
    if not drawn and not problems:
        raise UsageError("; ".join(left_out))
    return Drawn(drawn, left_out, problems)


def is_all(name: str | int) -> bool:
    """Tell whether all figures are asked for."""
    return str(name).lower() == "all"


@spelt()
def report(
    out: Out = None,
    to: str | Path | None = None,
    pictures: bool = True,
    problems: list[str] | None = None,
    measures: Chosen = None,
) -> Report:
    """Write the report of stored runs: one HTML file with all there is to see.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    pictures : bool
        Show pictures of instances. Leave them out of a report that you pass on, if the dataset's
        terms forbid to publish its images.
    problems : list of str, optional
        Collects sentences about parts that cannot be made, which the report tells too, instead of
        an error when the report has been written.
    measures : optional
        As in `table`.

    Returns
    -------
    Report
        ``report.html`` in the run folder: its ``path``, a link in a notebook. It can be used where
        a path can.

    Raises
    ------
    UsageError, BenchmarkError
        As `table`.

    Examples
    --------
    >>> import benchmark
    >>> report = benchmark.report(to="shown")
    >>> report.path.as_posix()
    'shown/report.html'
    """
    with gathered("the report", out, to, measures) as evidence:
        from benchmark.reporting.page import write_report

        _refuse_unwritable(evidence.target)
        return Report(write_report(evidence, pictures, problems), evidence.summary)


@spelt()
def compare(
    out: Out = None,
    dataset: str = "",
    to: str | Path | None = None,
    problems: list[str] | None = None,
) -> Comparison:
    """Compare Tables 3 and 4 of stored runs with the published ones.

    Parameters
    ----------
    out, to : optional
        As in `table`.
    dataset : str
        Dataset to compare with the paper's Emotion6, by default the one of that name.
    problems : optional
        As in `network_table`.

    Returns
    -------
    Comparison
        The tables side by side, and the paper's claims with a verdict on each; its ``sentences``
        are errata of the paper, and what a reader of the comparison has to know.

    Raises
    ------
    UsageError
        As `table`, or the run has no dataset of the paper.
    BenchmarkError
        As `table`.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.run(protocol="paper", datasets="Emotion6", all_models=True)  # doctest: +SKIP
    >>> benchmark.compare()  # doctest: +SKIP
    """
    from benchmark.paper import comparison as paper
    from benchmark.paper.grids import grids
    from benchmark.paper.sentences import sentences
    from benchmark.paper.writing import write

    with gathered("the comparison", out, to) as evidence:
        compared = paper.compare(evidence, dataset)
        if isinstance(compared, paper.NotComparable):
            raise UsageError(compared.reason)
        target = evidence.target
        paths = [] if tells_obstacle(target) else write(target, compared, problems)
        return Comparison(grids(compared), compared.cells, sentences(compared), paths)


def _refuse_unwritable(folder: RunFolder) -> None:
    if said := folder.obstacle():
        raise UsageError(said)


def _write_drawing(
    folder: RunFolder, drawing: Drawing, formats: Sequence[str], problems: list[str]
) -> list[Path]:
    name = f"{FIGURES_FOLDER}/{slug(drawing.name)}"
    contents: dict[str, Callable[[], str | bytes]] = {
        f"{name}.csv": lambda: as_csv(drawing.data),
        f"{name}.txt": lambda: f"{drawing.caption}\n",
        f"{name}.tex": lambda: as_latex(drawing),
    }
    for file_format in formats:
        contents[f"{name}.{file_format}"] = partial(written, drawing.figure, file_format)
    return write_files(folder, contents, problems)
