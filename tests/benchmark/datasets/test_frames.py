"""DataFrames: their names of labels, features and rows, and one frame that has it all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets.base import make_dataset
from benchmark.errors import UsageError

RNG = np.random.default_rng(2)
ROWS = [f"p{row}.jpg" for row in range(10)]
X = pd.DataFrame(RNG.normal(size=(10, 3)), columns=["a", "b", "c"], index=ROWS)
D = pd.DataFrame(RNG.dirichlet(np.ones(3), 10), columns=["joy", "fear", "awe"], index=ROWS)


def test_names_come_from_the_columns_and_the_index():
    made = make_dataset("m", X, D)
    assert made.label_names == ("joy", "fear", "awe")
    assert made.ids == tuple(ROWS)
    assert np.array_equal(made.X, X.to_numpy())
    assert np.array_equal(made.D, D.to_numpy())
    assert make_dataset("m", X.to_numpy(), D.add_prefix("label:")).label_names == made.label_names
    assert make_dataset("m", X, D.to_numpy()).ids == tuple(ROWS)
    told = make_dataset("m", X, D, label_names=["x", "y", "z"], ids=range(10))
    assert (told.label_names, told.ids[9]) == (("x", "y", "z"), "9")
    plain = make_dataset("m", X, pd.DataFrame(D.to_numpy(), index=ROWS))
    assert plain.label_names == ("label0", "label1", "label2")
    numbered = make_dataset("m", X.reset_index(drop=True), D.reset_index(drop=True))
    assert numbered.ids[:2] == ("0", "1")
    with pytest.raises(UsageError, match=r"column 'row_id' only numbers the rows"):
        make_dataset("m", X.assign(row_id=range(10)), D)


def test_two_frames_are_in_one_order():
    with pytest.raises(UsageError) as caught:
        make_dataset("m", X.iloc[::-1], D)
    assert "the index of X is 'p9.jpg' in row 0 (counted from 0)" in str(caught.value)
    assert "where that of D is 'p0.jpg'" in str(caught.value)
    assert str(caught.value).endswith("as with X.loc[D.index]")
    turned, numbered = X.set_axis(np.arange(9, -1, -1)), D.set_axis(np.arange(10))
    with pytest.raises(UsageError, match=r"the index of X is 9 in row 0 .* that of D is 0;"):
        make_dataset("m", turned, numbered)
    groups = pd.Series(list("aabbccddee"), index=ROWS)
    assert make_dataset("m", X, D, groups=groups).groups == tuple("aabbccddee")
    with pytest.raises(UsageError, match="the index of groups is 'p9"):
        make_dataset("m", X, D, groups=groups.iloc[::-1])


def test_one_frame_has_it_all():
    frame = X.join(D.add_prefix("label:")).assign(
        group=list("aabbccddee"), split=["train", "test"] * 5, raters=7
    )
    made = make_dataset("m", frame)
    assert (made.label_names, made.ids) == (("joy", "fear", "awe"), tuple(ROWS))
    assert np.array_equal(made.X, X.to_numpy())
    assert np.array_equal(made.D, D.to_numpy())
    assert made.groups == tuple("aabbccddee")
    assert made.given_folds.tolist() == [-1, 0] * 5
    assert made.raters.tolist() == [7.0] * 10
    assert make_dataset("m", frame.assign(id=range(20, 30))).ids[0] == "20"
    votes = X.join((D * 8).round().add_prefix("emo_"))
    made = make_dataset("m", votes, labels="emo_*", ignore="b", normalise=True)
    assert made.X.shape == (10, 2)
    assert made.raters is not None
    assert made.notes[0] == "left out with --ignore: b"
    for wrong in (X, X.to_numpy()):
        with pytest.raises(UsageError, match="label:<name>"):
            make_dataset("m", wrong)
