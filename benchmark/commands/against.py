"""``--against``: one's own rows in the full table of the reference results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.analysis.evidence import Evidence
from benchmark.datasets.base import Dataset
from benchmark.metrics import BY_NAME, Measure
from benchmark.planning.plan import Plan
from benchmark.planning.protocol import Protocol
from benchmark.planning.settings import Overrides
from benchmark.reference.contents import Reference, reference_results
from benchmark.reference.grids import standing_sentences
from benchmark.reference.joining import Standing, adopted, refuse_differences, stand


def opened(against: str | Path | None) -> Reference | None:
    """Read the reference results where they are wanted."""
    return reference_results(against) if against else None


def with_its_seed(reference: Reference | None, changes: Overrides) -> Overrides:
    """Take the seed of the reference, unless one is given."""
    if reference is None or changes.seed is not None:
        return changes
    return replace(changes, seed=int(reference.sets["seed"].iloc[0]))


def with_its_folds(
    reference: Reference | None,
    settings: Protocol,
    changes: Overrides,
    loaded: Mapping[str, Dataset],
) -> Protocol:
    """Take the folds and repeats of the reference, unless they are given.

    Raises
    ------
    UsageError
        The datasets have different ones there.
    """
    if reference is None:
        return settings
    fingerprints = {name: data.fingerprint for name, data in loaded.items()}
    given = {"folds": changes.folds, "repeats": changes.repeats}
    found = adopted(reference, fingerprints, given)
    return replace(
        settings,
        folds=found.get("folds", settings.folds),
        repeats=found.get("repeats", settings.repeats),
    )


def checked(reference: Reference | None, plan: Plan, measures: Sequence[Measure]) -> None:
    """Refuse a plan that is not comparable with the reference, before anything is computed.

    Raises
    ------
    UsageError
        Says all that differs.
    """
    if reference is not None:
        refuse_differences(plan, reference, measures)


def standing_of(evidence: Evidence, reference: Reference) -> tuple[Standing, list[str]]:
    """Join a run with the reference; return that and what a reader has to know."""
    standing = stand(evidence, reference, evidence.measures)
    kl = BY_NAME["kl_divergence"]
    by = kl if kl in evidence.measures else evidence.measures[0]
    return standing, standing_sentences(standing, by)
