"""Which split a dataset gets: the one that is asked for, or the one that its data call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.datasets.base import Labelled
from benchmark.errors import UsageError
from benchmark.planning.folds import (
    GIVEN,
    GROUPS,
    HOLD_OUT,
    ONE_OUT,
    ROWS,
    Folds,
    note_ties,
    stratified_folds,
)  # fmt: skip
from benchmark.planning.grouped_folds import grouped_folds, numbered, one_group_out
from benchmark.planning.hold_out import hold_out
from benchmark.planning.protocol import Protocol
from benchmark.planning.settings import Overrides
from benchmark.planning.split_names import AUTO, parse_split
from benchmark.wording import count, listed


def make_folds(data: Labelled, settings: Protocol) -> Folds:
    """Split a dataset as the settings ask for.

    Without a wish, data that come with a split get that, other data with groups get folds of
    groups, and others get folds of rows. Fewer groups than folds make so many folds as groups.

    Parameters
    ----------
    data : Labelled
        Its distributions, groups and given folds.
    settings : Protocol
        Split, folds, repeats and seed.

    Returns
    -------
    Folds
        The notes say which split it is.

    Raises
    ------
    UsageError
        The data lack what the split takes, or cannot be split in this way.
    """
    kind, share = kind_of(data, settings.split), parse_split(settings.split).share
    groups = None if data.groups is None else numbered(data.groups)
    k, repeats, seed = settings.folds, settings.repeats, settings.seed
    if kind == ROWS:
        folds = stratified_folds(data.D, k, repeats, seed)
        return replace(folds, notes=(*describe(data, folds), *folds.notes))
    if kind == GIVEN:
        folds = _given(data)
    elif kind == HOLD_OUT:
        folds = hold_out(data.D, share, repeats, seed, groups)
    elif groups is None:
        raise AssertionError(kind)  # `kind_of` has refused it
    elif kind == ONE_OUT:
        folds = one_group_out(groups)
    else:
        folds = grouped_folds(data.D, groups, min(k, int(groups.max()) + 1), repeats, seed)
    folds = replace(folds, groups=groups)
    who = () if kind in (GROUPS, HOLD_OUT) else ("accuracy takes",)  # the others look at no label
    return replace(folds, notes=(*describe(data, folds), *note_ties(data.D, *who)))


def kind_of(data: Labelled, wanted: str) -> str:
    """Choose the kind of split of a dataset, one of `benchmark.planning.folds.KINDS`.

    Raises
    ------
    UsageError
        The data lack what the split takes; names the column to add.
    """
    kind = parse_split(wanted).kind
    several = data.groups is not None and len(set(data.groups)) > 1
    if kind == AUTO:
        return GIVEN if data.given_folds is not None else GROUPS if several else ROWS
    if kind in (GROUPS, ONE_OUT) and not several:
        lack = "the data have no groups" if data.groups is None else "all rows are of one group"
        raise UsageError(
            f"--split {kind}: {lack}; add a column group to the file that says what each row "
            f"belongs to (subject, video, photographer), or give groups to make_dataset"
        )
    if kind == GIVEN and data.given_folds is None:
        raise UsageError(
            "--split given: the data come with no split; add a column fold (the number of the fold "
            "that tests the row) or split (train or test) to the file, or give given_folds to "
            "make_dataset"
        )
    return kind


def _given(data: Labelled) -> Folds:
    """Return the folds that come with the data, numbered from 0."""
    folds = np.asarray(data.given_folds, dtype=np.int64)
    names, numbers = np.unique(folds, return_inverse=True)
    assignment = numbers.reshape(-1) - int((names < 0).sum())
    assignment[folds < 0] = -1
    if assignment.max() < 0:
        raise UsageError("--split given: the split of the data tests no row")
    if names.size == 1:
        raise UsageError("--split given: the split of the data leaves no row to learn from")
    return Folds(assignment[:, None], kind=GIVEN)


def describe(data: Labelled, folds: Folds) -> list[str]:
    """Say in notes how a dataset is split, what of the data is not used, and what follows."""
    ignored = []
    if data.groups is not None and folds.kind == ROWS:
        ignored.append("groups")
    if data.given_folds is not None and folds.kind != GIVEN:
        ignored.append("own split")
    unused = f"; the {listed(ignored)} of the data not used" if ignored else ""
    notes = [f"split: {name_split(data, folds)}{unused}"]
    if data.groups is not None and (crossing := _crossing(numbered(data.groups), folds)):
        notes.append(
            f"{count(crossing, 'group has', 'groups have')} rows among both training and test rows "
            f"of a fold: scores tell nothing of new groups, where they are likely to be worse"
        )
    return notes


def name_split(data: Labelled, folds: Folds) -> str:
    """Name the split of a dataset: its kind, its number of folds and repeats, and its groups."""
    n = "" if data.groups is None else count(len(set(data.groups)), "group")
    drawn = f", drawn {folds.n_repeats} times" if folds.n_repeats > 1 else ""
    k = count(folds.n_folds, "fold")
    test = len(folds.test(0, 0))
    sizes = f"{count(len(folds.train(0, 0)), 'training row')}, {count(test, 'test row')}"
    if folds.kind == ROWS:
        return f"{folds.n_folds} stratified folds{drawn}"
    if folds.kind == GROUPS:
        return f"{folds.n_folds} stratified folds of {n}{drawn}; no group is in two folds"
    if folds.kind == ONE_OUT:
        return f"each of {n} in turn is tested, and the others are learned from"
    apart = f" of {n}, none of which is on both sides" if folds.kind == HOLD_OUT and n else ""
    if folds.kind == HOLD_OUT:
        first = " in the first" if folds.n_repeats > 1 else ""
        return f"hold-out{apart}{drawn} ({sizes}{first})"
    if folds.is_single:
        return f"the one that comes with the data ({sizes})"
    always = int((~folds.tested).sum())
    more = f"; {count(always, 'row is', 'rows are')} only learned from" if always else ""
    return f"{k} that come with the data{more}"


def _crossing(groups: np.ndarray, folds: Folds) -> int:
    """Count the groups of which a fold tests some rows and learns from others."""
    crossing: set[int] = set()
    for column in folds.assignment.T:
        first, last = np.full(groups.max() + 1, folds.n_folds), np.full(groups.max() + 1, -1)
        np.minimum.at(first, groups, column)
        np.maximum.at(last, groups, column)
        crossing.update(np.flatnonzero(first < last).tolist())
    return len(crossing)


@dataclass(frozen=True)
class _Takers:
    """Which datasets take a number of the command line, by the kind of their split."""

    option: str
    kinds: tuple[str, ...]


_NUMBERS = {
    "folds": _Takers("--folds", (ROWS, GROUPS)),
    "repeats": _Takers("--repeats", (ROWS, GROUPS, HOLD_OUT)),
}


def check_split(
    settings: Protocol,
    changes: Overrides,
    datasets: Mapping[str, Labelled],
    tell: Callable[[str], None],
) -> None:
    """Refuse numbers of folds and repeats that the splits of a run leave no room for.

    Parameters
    ----------
    settings : Protocol
        With the changes.
    changes : Overrides
        What the command line says.
    datasets : mapping
        Name to dataset.
    tell : callable
        Gets a sentence where some of the datasets take a number and others do not, or where a
        number of the protocol is for none.

    Raises
    ------
    UsageError
        No dataset takes a number of the command line, or one has fewer groups than folds.
    """
    kinds = {}
    for name, data in datasets.items():
        try:
            kinds[name] = kind_of(data, settings.split)
        except UsageError as error:
            raise UsageError(f"dataset {name}: {error}") from error
    for key, takers in _NUMBERS.items():
        asked = getattr(changes, key)
        others = [name for name, kind in kinds.items() if kind not in takers.kinds]
        if not others:
            continue
        why = "; ".join(f"{name}: {_FIXED[kinds[name]]}" for name in others)
        if asked is not None and len(others) == len(kinds):
            raise UsageError(f"{takers.option} {asked} would change nothing: {why}")
        if asked is not None:
            tell(f"{takers.option} {asked} is not for {listed(others)} ({why}).")
        elif len(others) == len(kinds) and key in settings.written.get("numbers", ()):
            tell(f"Nothing in this run takes {key}, which protocol {settings.name!r} sets ({why}).")
    for name, kind in kinds.items():
        groups = len(set(datasets[name].groups or ()))
        if changes.folds is not None and kind == GROUPS and groups < changes.folds:
            raise UsageError(
                f"dataset {name}: {groups} groups cannot be split into {changes.folds} folds; ask "
                f"for fewer with --folds, or for --split {ONE_OUT}"
            )


_FIXED = {
    GIVEN: "the data come with a split",
    ONE_OUT: "each group is a fold",
    HOLD_OUT: "a hold-out has one fold; --repeats draws several",
}
