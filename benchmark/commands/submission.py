"""The command ``submission``: makes a submitted result of a run, and checks one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.analysis.evidence import gather
from benchmark.commands.answers.documents import Checked
from benchmark.datasets.base import Dataset
from benchmark.datasets.loading import Loading, load_datasets
from benchmark.errors import BenchmarkError, UsageError
from benchmark.metrics import ALL_MEASURES
from benchmark.planning.folds import stratified_folds
from benchmark.planning.plan import Truth, make_truth
from benchmark.reference.checking import wrong_with
from benchmark.reference.contents import NAME, reference_results
from benchmark.reference.submission import submission_of
from benchmark.reference.submitted import read_submission
from benchmark.spelling import spelt
from benchmark.wording import count
from features.storage.files import (
    DamagedFileError,
    read_arrays,
    write_arrays,
    write_json,
)

#: Name of the file in a run folder.
FILE = "submission.json"


@spelt()
def make_submission(
    folder: str | Path,
    plugins: str | Path | Iterable[str | Path] = (),
    out: str | Path | None = None,
    with_predictions: bool = False,
    against: str | Path = NAME,
) -> Checked:
    """Make a submission of a run folder, and check it.

    Parameters
    ----------
    folder : str or Path
        A run on sets of the reference, with its folds (``run ... --against reference``).
    plugins : path or iterable of paths
        The files of its models, which are sent along as text.
    out : str or Path, optional
        Where the file goes, by default ``submission.json`` in the run folder.
    with_predictions : bool
        Write the predictions beside it (``.npz``), so that the scores can be computed again.
    against : str or Path
        ``reference``, or a folder of reference results.

    Returns
    -------
    Checked
        Its ``wrong`` is empty if it can be submitted; ``file`` is where it is.

    Raises
    ------
    UsageError
        There is no run, or a file that is not one of its models.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.run("mine.py", datasets="SJAFFE", against="reference")  # doctest: +SKIP
    >>> benchmark.make_submission("results/runs/SJAFFE", "mine.py")  # doctest: +SKIP
    """
    named = [plugins] if isinstance(plugins, str | Path) else list(plugins)
    file = Path(out) if out else Path(folder) / FILE
    if file.suffix != ".json":
        raise UsageError(f"a submission is a .json file, not {file.name}")
    with gather(folder) as evidence:
        if evidence.at_work:
            raise UsageError(f"{evidence.at_work[0]}; wait until it ends to submit its results")
        content, predictions = submission_of(evidence, ALL_MEASURES, named)
        try:
            write_json(file, content)
            if with_predictions:
                write_arrays(file.with_suffix(".npz"), predictions)
        except OSError as error:
            raise BenchmarkError(f"cannot write {file}: {error.strerror}") from error
        truths = list(evidence.plan.truths.values())
        wrong = wrong_with(content, reference_results(against), ALL_MEASURES, predictions, truths)
    return Checked(file, wrong, _about(content, "its scores are those of the predictions"))


@spelt()
def check_submission(
    file: str | Path,
    datasets: str | Path | Dataset | Sequence[str | Path | Dataset] = (),
    data_dir: str | Path | None = None,
    against: str | Path = NAME,
) -> Checked:
    """Check a submitted file; no code of it is run, and nothing of it is unpickled.

    Parameters
    ----------
    file : str or Path
        What `make_submission` wrote; its predictions are read from the ``.npz`` file beside it.
    datasets : name, path, Dataset, or a sequence of them
        Data on which the scores of its predictions are computed again.
    data_dir : str or Path, optional
        Where datasets are looked up.
    against : str or Path
        ``reference``, or a folder of reference results.

    Returns
    -------
    Checked
        Its ``wrong`` is empty if it can be taken; ``about`` says how far it could be checked.

    Raises
    ------
    UsageError
        There is no such file.
    BenchmarkError
        It is damaged, or no submission.

    Examples
    --------
    >>> import benchmark
    >>> benchmark.check_submission("results/runs/SJAFFE/submission.json")  # doctest: +SKIP
    """
    path = Path(file)
    content = read_submission(path)
    beside = path.with_suffix(".npz")
    try:
        predictions = read_arrays(beside) if beside.exists() else None
    except DamagedFileError as error:
        raise BenchmarkError(f"{error}; make it anew with: submission RUNFOLDER") from error
    except OSError as error:
        raise BenchmarkError(f"cannot read {beside}: {error.strerror}") from error
    reference = reference_results(against)
    truths = _truths(content, datasets, data_dir)
    wrong = wrong_with(content, reference, ALL_MEASURES, predictions, truths)
    return Checked(path, wrong, _about(content, _how_far(content, predictions, truths)))


def _truths(content: Mapping[str, Any], datasets: Any, data_dir: str | Path | None) -> list[Truth]:
    wanted = [datasets] if isinstance(datasets, str | Path | Dataset) else list(datasets)
    if not wanted:
        return []
    given = [data for data in wanted if isinstance(data, Dataset)]
    names = [str(data) for data in wanted if not isinstance(data, Dataset)]
    entries = {entry["fingerprint"]: entry for entry in content["datasets"]}
    found = []
    for name, data in load_datasets(names, given, Loading(data_dir)).items():
        entry = entries.get(data.fingerprint)
        if entry is None:
            raise UsageError(f"the submission has no results on {name}")
        folds = stratified_folds(data.D, entry["folds"], entry["repeats"], entry["seed"])
        found.append(make_truth(data, folds))
    return found


def _how_far(
    content: Mapping[str, Any], predictions: object | None, truths: Sequence[Truth]
) -> str:
    if predictions is None:
        return "its scores were not computed again, for there are no predictions (.npz) beside it"
    missing = len(content["datasets"]) - len(truths)
    if missing:
        return (
            f"the scores of {count(missing, 'dataset')} were not computed again; give the data "
            f"with --dataset"
        )
    return "its scores are those of the predictions"


def _about(content: Mapping[str, Any], how_far: str) -> str:
    models, sets = content["models"], content["datasets"]
    names = {model["model"] for model in models}
    folds = sum(row["model"] in names for row in content["scores"])
    return (
        f"{count(len(models), 'model')} on {count(len(sets), 'dataset')}, "
        f"{count(folds, 'fold')}; {how_far}"
    )
