"""A submitted result: one JSON file made of a run folder, with all that makes it checkable."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.analysis.evidence import Evidence
from benchmark.analysis.reference import MEAN, UNIFORM
from benchmark.errors import UsageError
from benchmark.installation import version
from benchmark.metrics import Measure
from benchmark.plugins.fingerprint import code_fingerprint, local_files
from benchmark.reference.collecting import fold_values, set_row, trivial_values
from benchmark.reference.contents import probe
from features.arrays import FloatArray
from features.storage.files import array_key
from features.storage.shape import NUMBER

#: Version of the form of a submission.
FORM = 1

#: What looks at no instance and is sent along: its scores tell whether data and measures are ours.
TRIVIAL_ROWS = (MEAN, UNIFORM)

#: The shape of the file.
SHAPE = {
    "form": int,
    "version": str,
    "protocol": str,
    "datasets": [
        {
            "dataset": str,
            "rows": int,
            "labels": str,
            "fingerprint": str,
            "seed": int,
            "folds": int,
            "repeats": int,
            "folds_version": int,
            "splits": str,
        }
    ],
    "models": [{"model": str, "described": dict, "sources": [{"path": str, "text": str}]}],
    "measures": [{"measure": str, "higher_is_better": bool, "probe": NUMBER}],
    "scores": [
        {
            "dataset": str,
            "model": str,
            "repeat": int,
            "fold": int,
            "fit_seconds?": NUMBER,
            "prediction?": str,
            "values": {str: NUMBER},
        }
    ],
    "versions?": {str: str},
    "machine?": {str: str},
}


def submission_of(
    evidence: Evidence, measures: Sequence[Measure], plugins: Sequence[str | Path] = ()
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Make a submission of the stored results of a run.

    Parameters
    ----------
    evidence : Evidence
    measures : sequence of Measure
        What every prediction is scored in: all that are built in.
    plugins : sequence of str or Path
        The files of its models that are not built in.

    Returns
    -------
    content : dict
        Of the shape `SHAPE`.
    predictions : dict
        Key of each prediction to the prediction.

    Raises
    ------
    UsageError
        A file cannot be read, or is none of those that the run used; or one of them is missing.
    """
    plan = evidence.plan
    sources = _sources(plugins)
    used = {str(described.get("source", "")) for described in plan.models.values()}
    for source, (file, _) in sources.items():
        if source not in used:
            raise UsageError(
                f"no model of the run comes from {file} as it is now; give the file as it was, or "
                f"compute the run anew"
            )
    models = []
    for name, described in plan.models.items():
        source = str(described.get("source", ""))
        if source.startswith(("sha256:", "unknown:")) and source not in sources:
            raise UsageError(
                f"{name} is not built in: give its file with --plugin, so that others can run it"
            )
        files = sources[source][1] if source in sources else []
        models.append({"model": name, "described": dict(described), "sources": files})
    scores: list[dict[str, Any]] = []
    predictions: dict[str, FloatArray] = {}
    for task, result in evidence.results.items():
        truth = plan.truths[task.dataset]
        key = array_key(np.asarray(result.predictions))
        predictions[key] = result.predictions
        values = fold_values(truth, task.repeat, task.fold, result.predictions, measures)
        scores.append(
            {"dataset": task.dataset, "model": task.model, "repeat": task.repeat,
             "fold": task.fold, "fit_seconds": result.record["fit_seconds"], "prediction": key,
             "values": values}
        )  # fmt: skip
    for truth in plan.truths.values():
        scores += [
            {"dataset": truth.name, "model": name, "repeat": repeat, "fold": fold,
             "values": values}
            for name, repeat, fold, values in trivial_values(truth, measures)
            if name in TRIVIAL_ROWS
        ]  # fmt: skip
    record = next((result.record for result in evidence.results.values()), {})
    content = {
        "form": FORM,
        "version": version(),
        "protocol": plan.protocol,
        "datasets": [set_row(plan, truth) for truth in plan.truths.values()],
        "models": models,
        "measures": [
            {"measure": m.name, "higher_is_better": m.higher_is_better, "probe": probe(m)}
            for m in measures
        ],
        "scores": scores,
        "versions": dict(record.get("versions", {})),
        "machine": dict(record.get("machine", {})),
    }
    return content, predictions


def _sources(plugins: Sequence[str | Path]) -> dict[str, tuple[Path, list[dict[str, str]]]]:
    """Read plugins and the local modules that they import: fingerprint to file and texts."""
    found = {}
    for plugin in plugins:
        file = Path(plugin).resolve()
        try:
            files = local_files(file)
            texts = [
                {"path": "" if path == file else path.relative_to(file.parent).as_posix(),
                 "text": content.decode("utf-8")}
                for path, content in files.items()
            ]  # fmt: skip
            found[code_fingerprint(file)] = (file, texts)
        except OSError as error:
            raise UsageError(f"cannot read {plugin}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{plugin} or a module that it imports is no text in UTF-8; what others are to "
                f"run must be source code"
            ) from error
    return found


def fingerprint_of(sources: Sequence[Mapping[str, str]]) -> str:
    """Hash source texts as `benchmark.plugins.fingerprint.code_fingerprint` hashes their files."""
    lines = sorted(
        f"{file['path']}:{hashlib.sha256(file['text'].encode()).hexdigest()}\n" for file in sources
    )
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"
