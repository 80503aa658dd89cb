"""The command ``leaderboard``: the ranking of methods over all sets of the reference."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from benchmark.analysis.comparisons import rankings_frame
from benchmark.columns import as_csv
from benchmark.commands.answers.documents import Ranked
from benchmark.errors import UsageError
from benchmark.metrics import ALL_MEASURES, BY_NAME, Measure
from benchmark.reference.contents import NAME, Reference, reference_results
from benchmark.reference.leaderboard import Leaderboard, rank_all
from benchmark.reference.leaderboard_text import as_markdown, grids, sentences
from benchmark.reporting.leaderboard import page
from benchmark.spelling import spelt
from benchmark.store.run_folder import RunFolder
from benchmark.tables.writing import write_files
from benchmark.wording import Chosen, find_measures

#: Where the leaderboard goes by default.
FOLDER = Path("results", "leaderboard")

#: The measure of tests, win rates and ratios.
TESTED = "kl_divergence"


@spelt()
def leaderboard(
    own: str | Path | Iterable[str | Path] = (),
    *,
    out: str | Path | None = None,
    measures: Chosen = None,
    datasets: str | Iterable[str] = (),
    against: str | Path = NAME,
    problems: list[str] | None = None,
) -> Ranked:
    """Rank all methods of the reference results over their sets, with one's own among them.

    Computes no model. Writes ``leaderboard.html`` (sortable), ``.md`` and ``.csv``, and
    ``leaderboard-sets.csv``, ``-tests.csv`` and ``-missing.csv`` with what is behind them.

    Parameters
    ----------
    own : path or iterable of paths
        Run folders with one's own rows, computed on the folds of the reference (``run ...
        --against reference``), and submissions (``.json``).
    out : str or Path, optional
        Where the files go, by default ``results/leaderboard``.
    measures : str, iterable of str or Measure, optional
        Measures to rank by, see `benchmark.wording.find_measures`; by default all that are built
        in. Tests, win rates and ratios are of the KL divergence where it is chosen, else of the
        first.
    datasets : str or iterable of str
        Sets of the reference; all if empty.
    against : str or Path
        ``reference``, or a folder of reference results.
    problems : list of str, optional
        Gets a sentence for every file that cannot be made.

    Returns
    -------
    Ranked
        Its ``board`` has a row per compared row of the tables in ``table``, the best first; its
        ``reference`` is what was ranked.

    Raises
    ------
    UsageError
        An unknown measure or set, or a run that is not comparable; says how.
    BenchmarkError
        A file is damaged.

    Examples
    --------
    >>> import benchmark
    >>> ranked = benchmark.leaderboard(measures="KL", datasets=["SJAFFE", "Movie"])
    >>> ranked.to_frame().columns[:3].tolist()
    ['place', 'model', 'group']
    """
    reference = reference_results(against)
    chosen = _chosen(reference, measures)
    tested = BY_NAME[TESTED] if BY_NAME[TESTED] in chosen else chosen[0]
    sets = [datasets] if isinstance(datasets, str) else list(datasets)
    folders = [own] if isinstance(own, str | Path) else list(own)
    board = rank_all(reference, folders, chosen, tested, sets)
    target = RunFolder(Path(out) if out else FOLDER)
    target.make_for_outputs()
    frames = {
        "leaderboard.csv": board.as_frame(),
        "leaderboard-sets.csv": board.means,
        "leaderboard-missing.csv": board.missing,
        "leaderboard-tests.csv": _tests(board),
    }
    contents = {name: partial(as_csv, frame) for name, frame in frames.items()}
    texts = {
        "leaderboard.md": partial(as_markdown, board, reference, target.path),
        "leaderboard.html": partial(page, board, reference, target.path),
    }
    paths = write_files(target, {**contents, **texts}, problems)
    remarks = sentences(board, reference)
    return Ranked(grids(board), board.as_frame(), remarks, paths, board=board, reference=reference)


def _chosen(reference: Reference, wanted: Chosen) -> tuple[Measure, ...]:
    """Find the measures; by default all that the reference and this version have."""
    names = reference.measure_names
    if wanted is not None:
        found = find_measures(wanted)
        if absent := [measure.name for measure in found if measure.name not in names]:
            raise UsageError(
                f"the reference results have no measure {absent[0]} (they have {', '.join(names)})"
            )
        return found
    found = tuple(measure for measure in ALL_MEASURES if measure.name in names)
    if not found:
        raise UsageError("the reference results have none of the measures that are known here")
    return found


def _tests(board: Leaderboard) -> pd.DataFrame:
    names = list(board.table["model"])
    rows = board.means[board.means["model"].isin(names)].assign(kind="model")
    return rankings_frame(rows, [board.tested])
