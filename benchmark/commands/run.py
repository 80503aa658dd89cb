"""The commands ``run`` and ``features`` as functions of Python."""

from __future__ import annotations

import logging
import math
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast

from joblib import cpu_count

from benchmark.analysis.evidence import Evidence, read_results
from benchmark.commands.against import checked, opened, with_its_folds, with_its_seed
from benchmark.commands.study import Study
from benchmark.commands.table3 import Show, show_nothing, write_tables
from benchmark.datasets.base import Dataset
from benchmark.datasets.given import Datasets, tell_apart
from benchmark.datasets.loading import Loading, load_datasets
from benchmark.errors import BenchmarkError, UsageError, apart
from benchmark.files.reading import USUAL, make_reading
from benchmark.metrics import Measure
from benchmark.planning.applied import check_applied, check_rows
from benchmark.planning.find_needs import find_needs
from benchmark.planning.models import Model, choose_models
from benchmark.planning.plan import make_plan
from benchmark.planning.settings import Overrides, make_settings
from benchmark.planning.splits import check_split
from benchmark.planning.tuning import add_tuned
from benchmark.planning.without_networks import keep_runnable, refuse_extraction
from benchmark.plugins.given import Models, offered
from benchmark.plugins.measures import measures_of
from benchmark.plugins.regressors import with_regressors
from benchmark.progress import console_for
from benchmark.running import environment
from benchmark.running.cluster.connecting import check_scheduler
from benchmark.running.compute import compute, describe_failures
from benchmark.running.interruption import interrupted
from benchmark.running.job import Job, Resources
from benchmark.running.leftovers import end_orphans
from benchmark.running.memory import check_limit
from benchmark.running.trial import load_tried_plugin
from benchmark.spelling import spelt
from benchmark.store.entering import enter
from benchmark.store.latest import RUNS
from benchmark.store.pictures import keep_pictures
from benchmark.store.resuming import why_anew
from benchmark.store.run_folder import RunFolder
from benchmark.streams import open_closed
from benchmark.wording import Chosen, count, find_measures, listed
from features.storage.files import folder_name

#: Default folder of features and decoded images, which all runs share.
CACHE = Path("results", "cache")

# The longest time that a timer takes, 30 years; a longer one means no limit.
_LONGEST_TIMEOUT = 1e9

logger = logging.getLogger("benchmark")


class RunSettings(TypedDict, total=False):
    """What comes before the protocol's settings, see `benchmark.planning.settings.Overrides`."""

    folds: int | None
    repeats: int | None
    seed: int | None
    split: str | None
    backbone: str | None
    weights: str | None
    precision: str | None
    epochs: int | None
    batch_size: int | None
    pca_scope: str | None
    tune: bool | None
    tune_for: str | None
    tune_networks: bool | None


@spelt(RunSettings)
def run(
    models: Models = (),
    *,
    all_models: bool = False,
    extended: bool = False,
    pyldl: bool = False,
    regressors: str | Sequence[str] = (),
    datasets: Datasets = (),
    protocol: str | Path | None = None,
    data_dir: str | Path | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    scheduler: Any = None,
    plugins: str | Path | Sequence[str | Path] = (),
    force: bool = False,
    task_timeout: float | None = None,
    give_up: bool = False,
    cache_dir: str | Path | None = None,
    skip_unreadable: bool = False,
    labels: str | Sequence[str] = (),
    features: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    normalise: bool = False,
    report: bool = True,
    progress: bool | None = None,
    show_progress: bool | None = None,
    tell: Callable[[str], None] | None = None,
    show: Show = show_nothing,
    against: str | Path | None = None,
    measures: Chosen = None,
    **overrides: Unpack[RunSettings],
) -> Study:
    """Run models on datasets, fold by fold, and make the tables.

    What an earlier run into the same folder has computed with the same settings is reused, so the
    same call goes on where an interrupted one stopped.

    Parameters
    ----------
    models : str, type, learner, or an iterable of them
        Models to run. Names: upper and lower case are the same, and a file (``mine.py``) is a
        plugin, of which all models are run. Classes, of your own too. Learners with settings, as
        ``AAKNN(k=3)``, whose row is called ``AA-kNN (k=3)``; a setting at its default counts as not
        given. scikit-learn regressors, see `baselines.from_regressor`.
    all_models : bool
        Run every registered model instead; of the built-in ones those of the paper.
    extended : bool
        Run the extended baselines and newer methods too, which the paper does not have.
    pyldl : bool
        Run the methods of the library python-ldl too, see `benchmark.plugins.peer_methods`.
    regressors : str or sequence of str
        scikit-learn regressors to run too, ``"package.module:Class"``; see
        `benchmark.plugins.regressors`. In Python, ``register(name, from_regressor(..))`` takes one
        with settings.
    datasets : name, path, Dataset, (X, D), DataFrame, or several of them
        What to run on; the protocol's own if empty. A pair ``(X, D)`` of arrays or DataFrames is
        one dataset, called ``data``; so is one DataFrame with columns as those of a CSV file. A
        list has several, a mapping gives them names. See `benchmark.make_dataset` for all else.
    protocol : str or Path, optional
        ``demo``, ``paper`` or a TOML file; by default ``demo`` without datasets, else ``paper``.
    data_dir : str or Path, optional
        Where datasets are looked up.
    out : str or Path, optional
        Run folder, by default ``results/runs/<datasets>``.
    jobs : int, optional
        Number of tasks at the same time, by default one per core. Results do not depend on it.
    scheduler : str, Path, distributed.Client or cluster, optional
        Dask cluster that does the tasks, with as many at the same time as it can: the address of
        its scheduler, its file, a client, a cluster, or ``local`` for one here with `jobs` workers.
    plugins : path or sequence of paths
        Files that register further models.
    force : bool
        Compute everything anew.
    task_timeout : float, optional
        Seconds after which a task is stopped and counts as failed; infinity for no limit. By
        default an hour for a model on features, and no limit for a network.
    give_up : bool
        Leave the other folds of a model on a dataset out once one of them has failed. What was over
        the time limit is not tried again by the same call, unless that gives more time.
    cache_dir : str or Path, optional
        Folder for features and decoded images, which runs share; by default ``results/cache``.
    skip_unreadable : bool
        Leave out images that cannot be decoded, and note it, instead of refusing the dataset.
    labels, features, ignore : str or sequence of str
        Which columns of a table, or matrices of a file, are labels and features, and what is left
        out, by name or as shell patterns; as the protocol says where they are empty.
    normalise : bool
        Divide each row of labels by its sum, as votes or percentages need it.
    report : bool
        Write the report, with small pictures of the images that it shows.
    progress : bool, optional
        Show how far the run has come, and say what it does; by default in a notebook and on a
        terminal.
    show_progress : bool, optional
        Show progress alone: a line on stderr, also where that is no terminal.
    tell : callable, optional
        Gets the sentences meant for the user.
    show : callable
        Gets the study when all is computed, before any file is made of it.
    against : str or Path, optional
        ``reference``, or a folder of reference results: the run's rows are put into their full
        table, of which nothing is computed. Folds, repeats and seed are those of the reference.
    measures : str, iterable of str or Measure, optional
        The columns of the tables, see `benchmark.wording.find_measures`; ranks and tests are over
        these. What is computed does not depend on them.
    **overrides
        What comes before the protocol's settings: split, folds, repeats, seed, and more, see
        `benchmark.planning.settings.Overrides`.

    Returns
    -------
    Study
        Scores, tests, predictions, tables and figures; it shows Table 3.

    Raises
    ------
    UsageError
        Something asked for or passed in cannot be used; nothing was computed.
    BenchmarkError
        The run could not go on (disk full, interrupted); what was computed is kept.

    Examples
    --------
    >>> import benchmark, numpy as np
    >>> from baselines import AAKNN
    >>> rng = np.random.default_rng(0)
    >>> X, D = rng.normal(size=(60, 5)), rng.dirichlet(np.ones(4), size=60)
    >>> study = benchmark.run([AAKNN(k=3), "SA-BFGS"], datasets=(X, D), folds=5, report=False)
    >>> study.summary["model"].tolist()
    ['AA-kNN (k=3)', 'SA-BFGS', 'mean distribution', 'uniform']
    >>> benchmark.run("AA-kNN", datasets=(X, D), fold=5)
    Traceback (most recent call last):
    benchmark.errors.UsageError: run has no setting 'fold'; did you mean 'folds'?
    """
    open_closed()
    console = console_for(progress if show_progress is None else show_progress, tell)
    tell = cast(Callable[[str], None], console.tell)
    asked = make_reading(labels, features, ignore, normalise)
    given, names, read = tell_apart(datasets, asked)
    reference = opened(against)
    changes = with_its_seed(reference, Overrides(**overrides))
    settings = make_settings(protocol, names, bool(given), changes)
    task_timeout = _checked_limits(jobs, task_timeout)
    check_scheduler(scheduler)
    wanted = [str(one) if isinstance(one, Path) else one for one in _as_list(models)]
    files = [one for one in wanted if isinstance(one, str) and one.endswith(".py")]
    loaded_plugins = {str(file): load_tried_plugin(file) for file in (*_as_list(plugins), *files)}
    wanted = [name for one in wanted for name in (loaded_plugins[one] if one in files else [one])]
    columns = find_measures(measures)
    with_regressors((), _as_list(regressors))
    with offered(wanted) as offer:
        settings = replace(settings, models={**settings.models, **offer.rows})
        named = with_regressors(offer.names, _as_list(regressors), all_models)
        rows = choose_models(settings, named, every=all_models, extended=extended, pyldl=pyldl)
    rows = add_tuned(settings, rows)
    _tell_idle_plugins(loaded_plugins, rows, columns, tell)
    _tell_unknown_code(rows, tell)
    check_rows(settings, changes, rows)
    cache = Path(cache_dir) if cache_dir else CACHE
    reading = USUAL if read and not names else asked.before(settings.reading)
    loading = Loading(data_dir, cache, skip_unreadable, reading)
    loaded = load_datasets(settings.datasets, given, loading, console)
    settings = with_its_folds(reference, settings, changes, loaded)
    check_split(settings, changes, loaded, tell)
    left_out: list[str] = []
    rows = keep_runnable(rows, loaded, all_models, left_out.append)
    needs = find_needs(loaded, rows, settings.features, all_models, tell)
    rows = [model for model in rows if any(model.name in found for found in needs.values())]
    check_applied(settings, changes, rows, needs, tell)
    plan = make_plan(settings, loaded, rows, needs)
    checked(reference, plan, columns)
    folder = RunFolder(Path(out) if out else RUNS / folder_name(loaded))
    end_orphans()
    shown = [*(measure.name for measure in columns), *([str(against)] if against else [])]
    with (
        enter(folder, plan, shown, force, tell) as session,
        environment.log_to(folder.path / "log.txt"),
        _logging_errors(),
    ):
        logger.info("started: %s", shlex.join(sys.argv))
        if force:
            folder.remove_results(plan.tasks)
        results = read_results(folder, plan, plan.tasks, tell)
        folder.remove_left_checkpoints(results)
        pending = tuple(task for task in plan.tasks if task not in results)
        pairs = {(task.dataset, task.model) for task in pending}
        refuse_extraction(((name, needs[name][model]) for name, model in pairs), cache)
        anew = why_anew(folder, plan) if pending and not force else ""
        for sentence in (*left_out, *([anew] if anew else [])):
            tell(sentence)
        if session.first:
            if pending:
                folder.remove_derived()
            folder.write_plan(plan, environment.describe())
        session.open_door()
        workers = min(jobs or cpu_count(), max(len(pending), 1))
        tell(
            f"{count(len(plan.tasks), 'task')} ({count(len(rows), 'model')}, "
            f"{count(len(loaded), 'dataset')}): {len(results)} done before, {len(pending)} to do "
            f"with {count(workers, 'worker') if scheduler is None else 'a cluster'}; results in "
            f"{folder.path}"
        )
        failures = []
        if pending:
            chosen = {model.name: model for model in rows}
            resources = Resources(workers, task_timeout, cache, give_up, scheduler)
            job = Job(plan, pending, chosen, needs, resources)
            failures = compute(job, folder, console)
        for sentence in describe_failures(failures, folder):
            tell(sentence)
        results |= read_results(folder, plan, pending, tell)
        failures = [outcome for outcome in failures if outcome.task not in results]
        missing = len(plan.tasks) - len(results)
        evidence = Evidence(
            plan, results, missing, (folder,), (folder.read_about(),), folder, columns
        )
        study = write_tables(evidence, failures, show=show, against=reference)
        with apart("failures.json", study.problems):
            folder.write_failures(failures)
        if report:
            _write_report(evidence, loaded, study.problems)
        folder.remove_so_far()
        logger.info("finished: %d tasks without result", study.missing)
    return study


def _tell_idle_plugins(
    offered: Mapping[str, Sequence[str]],
    rows: Sequence[Model],
    columns: Sequence[Measure],
    tell: Callable[[str], None],
) -> None:
    """Tell of a plugin whose models are not run, or whose measures are no columns."""
    running = {model.entry.name for model in rows}
    for plugin, names in offered.items():
        if names and running.isdisjoint(names):
            tell(
                f"No model of {plugin} is run: to have one, add "
                f"{listed([repr(name) for name in names], 'or')}, or give --all instead of models."
            )
        own = measures_of(str(Path(plugin).resolve()))
        if idle := [measure.name for measure in own if measure not in columns]:
            tell(f"No column shows {listed(idle)} of {plugin}: name it with --measures.")


def _checked_limits(jobs: Any, task_timeout: Any) -> float | None:
    """Refuse numbers that make no sense, and return the time limit, infinity for a very long one.

    Raises
    ------
    UsageError
        Fewer than one job, no time at all, or no number of GB that a fit may take.
    """
    check_limit()
    if jobs is not None and not hasattr(jobs, "__index__"):
        raise UsageError(f"jobs must be a whole number, not {jobs!r}")
    if task_timeout is not None and not hasattr(task_timeout, "__float__"):
        raise UsageError(f"task_timeout must be a number of seconds, not {task_timeout!r}")
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs must be at least 1, not {jobs}")
    if task_timeout is not None and not task_timeout > 0:
        raise UsageError(f"--task-timeout must be more than 0 seconds, not {task_timeout:g}")
    if task_timeout is not None and task_timeout > _LONGEST_TIMEOUT:
        return math.inf
    return cast(float | None, task_timeout)


def _write_report(evidence: Evidence, datasets: Mapping[str, Dataset], problems: list[str]) -> None:
    with apart("the report", problems):
        from benchmark.reporting.page import write_report

        for name, data in datasets.items():
            with apart(f"pictures of {name}", problems):
                keep_pictures(evidence.target, data, evidence.shown_rows(name))
        write_report(evidence, problems=problems)


@contextmanager
def _logging_errors() -> Iterator[None]:
    """Let the log tell how a run ended that could not go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        logger.error("ended: %s", interrupted(error))
        raise
    except BenchmarkError as error:
        logger.error("ended: %s", error)
        raise


def _tell_unknown_code(rows: Sequence[Model], tell: Callable[[str], None]) -> None:
    """Tell of models whose results no later run can take, since their code cannot be read."""
    if names := [model.name for model in rows if model.entry.source.startswith("unknown:")]:
        tell(
            f"The code of {listed(names)} cannot be read, so that every run computes it anew; "
            f"define it in a file or in a notebook's cell."
        )


def _as_list(value: Any) -> list[Any]:
    """Make a list of one thing or several."""
    one = isinstance(value, str | Path | type) or hasattr(value, "get_params")
    return [value] if one or not isinstance(value, Iterable) else list(value)
