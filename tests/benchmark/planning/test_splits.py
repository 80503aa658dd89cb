"""Which split a dataset gets, what the notes say of it, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.errors import UsageError
from benchmark.planning.folds import stratified_folds
from benchmark.planning.protocol import Protocol, load_protocol
from benchmark.planning.settings import Overrides, make_settings
from benchmark.planning.splits import check_split, make_folds

RNG = np.random.default_rng(0)
D = RNG.dirichlet(np.ones(3), 48)
PLAIN = make_dataset("d", RNG.normal(size=(48, 2)), D)
SUBJECTS = tuple(f"subject {i // 4}" for i in range(48))
GROUPED = replace(PLAIN, groups=SUBJECTS)
FOLDS = replace(GROUPED, given_folds=np.arange(48) // 4 % 3)
PARTED = replace(PLAIN, given_folds=np.where(np.arange(48) < 36, -1, 0))
FEW = replace(PLAIN, groups=tuple("abcd"[i % 4] for i in range(48)))


def made(data, split="auto", **changes):
    return make_folds(data, Protocol("p", split=split, **changes))


@pytest.mark.parametrize(
    ("data", "split", "kind", "shape", "note"),
    [
        (PLAIN, "auto", "rows", (10, 2), "split: 10 stratified folds, drawn 2 times"),
        (GROUPED, "auto", "groups", (10, 2),
         "split: 10 stratified folds of 12 groups, drawn 2 times; no group is in two folds"),
        (FOLDS, "auto", "given", (3, 1), "split: 3 folds that come with the data"),
        (PARTED, "auto", "given", (1, 1),
         "split: the one that comes with the data (36 training rows, 12 test rows)"),
        (GROUPED, "rows", "rows", (10, 2),
         "split: 10 stratified folds, drawn 2 times; the groups of the data not used"),
        (FOLDS, "groups", "groups", (10, 2), "split: 10 stratified folds of 12 groups, drawn 2 "
         "times; no group is in two folds; the own split of the data not used"),
        (GROUPED, "leave-one-group-out", "leave-one-group-out", (12, 1),
         "split: each of 12 groups in turn is tested, and the others are learned from"),
        (PLAIN, "hold-out", "hold-out", (1, 2),
         "split: hold-out, drawn 2 times (38 training rows, 10 test rows in the first)"),
        (GROUPED, "hold-out:0.25", "hold-out", (1, 2), "split: hold-out of 12 groups, none of "
         "which is on both sides, drawn 2 times (36 training rows, 12 test rows in the first)"),
    ],
)  # fmt: skip
def test_every_kind(data, split, kind, shape, note):
    folds = made(data, split, repeats=2)
    assert (folds.kind, folds.n_folds, folds.n_repeats) == (kind, *shape)
    assert folds.notes[0] == note
    if kind != "rows" and data.groups is not None:
        for repeat in range(folds.n_repeats):
            for fold in range(folds.n_folds):
                train, test = folds.train(repeat, fold), folds.test(repeat, fold)
                assert not {data.groups[i] for i in train} & {data.groups[i] for i in test}
        assert len(set(zip(folds.groups.tolist(), data.groups, strict=True))) == len(
            set(data.groups)
        )
    else:
        assert folds.groups is None


def test_fewer_groups_than_folds_make_so_many_folds():
    folds = made(FEW)
    assert folds.notes[0] == "split: 4 stratified folds of 4 groups; no group is in two folds"
    with pytest.raises(UsageError, match=r"in more than 1 way; ask for fewer with --repeats"):
        made(FEW, repeats=2)


def test_folds_of_rows_are_those_that_there_were_before_groups():
    for data in (PLAIN, replace(GROUPED)):
        folds = made(data, "rows", folds=5, repeats=2, seed=3)
        former = stratified_folds(D, 5, 2, 3)
        assert np.array_equal(folds.assignment, former.assignment)
        assert folds.version == former.version
        assert folds.test_to_train == 1 / 4


def test_rows_only_learned_from_are_in_every_training_set():
    data = replace(PLAIN, given_folds=np.where(np.arange(48) < 8, -1, np.arange(48) % 2))
    folds = made(data)
    assert folds.notes[0].endswith("2 folds that come with the data; 8 rows are only learned from")
    assert all(set(range(8)) <= set(folds.train(0, fold)) for fold in range(2))
    assert folds.tested.sum() == 40
    assert folds.test_to_train == pytest.approx(20 / 28)


def test_a_split_across_groups_is_told():
    crossing = replace(GROUPED, given_folds=np.arange(48) % 2)
    assert "12 groups have rows among both training and test rows" in made(crossing).notes[1]
    assert "12 groups have rows" in " ".join(made(GROUPED, "rows").notes)
    assert "among both" not in " ".join(made(GROUPED).notes)


@pytest.mark.parametrize(
    ("data", "split", "said"),
    [
        (PLAIN, "groups", "the data have no groups; add a column group"),
        (PLAIN, "leave-one-group-out", "the data have no groups; add a column group"),
        (replace(PLAIN, groups=("a",) * 48), "groups", "all rows are of one group"),
        (GROUPED, "given", "come with no split; add a column fold .* or split"),
        (replace(PLAIN, given_folds=np.zeros(48, dtype=int)), "given", "no row to learn from"),
        (replace(PLAIN, given_folds=-np.ones(48, dtype=int)), "given", "tests no row"),
    ],
)
def test_what_the_data_lack_is_told_with_the_column_to_add(data, split, said):
    with pytest.raises(UsageError, match=said):
        made(data, split)


def checked(datasets, told=None, protocol="paper", **changes):
    given = Overrides(**changes)
    settings = make_settings(protocol, [], True, given)
    check_split(settings, given, datasets, [].append if told is None else told.append)
    return settings


def test_numbers_that_a_split_leaves_no_room_for_are_refused_or_told():
    with pytest.raises(UsageError, match=r"^--folds 5 would change nothing: d: the data come with"):
        checked({"d": FOLDS}, folds=5)
    with pytest.raises(UsageError, match="--repeats 2 would change nothing: d: each group is"):
        checked({"d": GROUPED}, repeats=2, split="leave-one-group-out")
    with pytest.raises(UsageError, match=r"--folds 5 .*a hold-out has one fold; --repeats"):
        checked({"d": GROUPED}, folds=5, split="hold-out")
    with pytest.raises(UsageError, match="dataset d: 4 groups cannot be split into 5 folds"):
        checked({"d": FEW}, folds=5)
    with pytest.raises(UsageError, match="dataset d: --split given: the data come with no split"):
        checked({"d": PLAIN}, split="given")
    told = []
    checked({"d": FOLDS, "e": PLAIN}, told, folds=5)
    assert told == ["--folds 5 is not for d (d: the data come with a split)."]
    for accepted in ({"folds": 4}, {"folds": 2, "repeats": 3}, {"split": "hold-out", "repeats": 3}):
        checked({"d": FEW}, **accepted)


def test_a_protocol_sets_the_split_and_the_command_line_changes_it(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('split = "hold-out:0.3"\nfolds = 5\n')
    told = []
    settings = checked({"d": PLAIN}, told, path)
    assert settings.split == "hold-out:0.3"
    assert told[0].startswith("Nothing in this run takes folds, which protocol 'mine' sets")
    assert checked({"d": PLAIN}, protocol=path, split="rows").split == "rows"
    path.write_text('split = "by group"\n')
    with pytest.raises(UsageError, match=r"mine\.toml: split: 'by group' is none of auto, rows"):
        load_protocol(path)
