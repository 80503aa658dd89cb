"""Reference results made of evidence in memory, which is written as the run it would come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.analysis.evidence import Evidence
from benchmark.planning.tasks import Outcome
from benchmark.store.run_folder import RunFolder

VERSIONS = {"ldl-benchmark": "0", "numpy": "2"}


def stored(evidence: Evidence, path: Path, failures: tuple[Outcome, ...] | list[Outcome] = ()):
    """Write evidence into a run folder, and return that."""
    folder = RunFolder(path)
    folder.write_plan(evidence.plan, {"command": "", "written": ""})
    for task, result in evidence.results.items():
        outcome = Outcome(task, result.predictions, 1.0, 0.5)
        folder.write_outcome(outcome, VERSIONS, {"processor": "a processor"})
    folder.write_failures(failures)
    return path


def only(evidence: Evidence, *models: str) -> Evidence:
    """Keep some models of the evidence."""
    plan = evidence.plan
    plan = replace(
        plan,
        models={name: plan.models[name] for name in models},
        inputs={name: dict.fromkeys(models, "") for name in plan.truths},
    )
    results = {task: evidence.results[task] for task in plan.tasks if task in evidence.results}
    return replace(evidence, plan=plan, results=results, missing=len(plan.tasks) - len(results))
