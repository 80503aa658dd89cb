"""Tells why a run folder that an earlier version has filled is computed anew."""

from __future__ import annotations

from benchmark.errors import BenchmarkError
from benchmark.planning.plan import Plan
from benchmark.store.run_folder import RunFolder
from features.storage.files import DamagedFileError


def why_anew(folder: RunFolder, plan: Plan) -> str:
    """Say that the results in a folder lie on folds of another version; empty where they do not.

    Parameters
    ----------
    folder : RunFolder
        As an earlier run left it, or a folder without a run.
    plan : Plan
        What is to be run there now.
    """
    try:
        entries = folder.read_about()["datasets"]
    except (OSError, BenchmarkError, DamagedFileError):  # no run, or none that can be read
        return ""
    former = {entry["name"]: entry.get("folds_version", 1) for entry in entries}
    versions = {name: truth.folds.version for name, truth in plan.truths.items()}
    for name, version in versions.items():
        if name in former and former[name] != version:
            return (
                f"The results in {folder.path} were computed on folds of version {former[name]}; "
                f"rows are now split by version {version}, so all is computed anew, and nothing of "
                f"the former results is used."
            )
    return ""
