"""Files as strangers have them: each is read right, or refused with the option that reads it.

This is the test of `benchmark.files.guessing`, `benchmark.files.variables` and
`benchmark.files.reading`, too.
"""

from __future__ import annotations

import re
import shlex

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from benchmark.datasets import load_dataset
from benchmark.errors import UsageError

N, LABELS = 30, ["joy", "anger", "fear", "awe"]
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 6))
VOTES = RNG.multinomial(11, [0.4, 0.3, 0.2, 0.1], N) + RNG.integers(0, 2, (N, 4))
PANEL = RNG.multinomial(8, [0.4, 0.3, 0.2, 0.1], N)  # as many raters for each row
D = VOTES / VOTES.sum(axis=1, keepdims=True)
FEATURES = [f"f{k}" for k in range(6)]


def table(labels, values, features=FEATURES) -> pd.DataFrame:
    return pd.DataFrame(X, columns=features).join(pd.DataFrame(values, columns=labels))


def new_matlab(path, **matrices):
    with h5py.File(path, "w") as file:
        for name, matrix in matrices.items():
            file[name] = matrix.T
            file[name].attrs["MATLAB_class"] = b"double"


#: What a file is -> its ending, what writes it, the labels it should be read with, the options that
#: the sentences about it name, one after the other.
FILES = {
    "npz": (".npz", lambda path: np.savez(path, features=X, labels=D, label_names=LABELS), D, []),
    "feather": (".feather", lambda path: table([f"label:{name}" for name in LABELS], D)
                .to_feather(path), D, []),
    "X and Y": (".mat", lambda path: savemat(path, {"X": X, "Y": D}), D,
                ["--features X --labels Y"]),
    "data and target, by columns": (
        ".npz", lambda path: np.savez(path, data=X.T, target=D.T, age=np.ones(N)), D,
        ["--features data --labels target"]),
    "names of one's own in version 7.3": (
        ".mat", lambda path: new_matlab(path, deep=X, rated=VOTES, year=np.ones((1, 1))), D,
        ["--features deep --labels rated", "--normalise"]),
    "votes": (".csv", lambda path: table([f"label:{name}" for name in LABELS], VOTES)
              .to_csv(path, index=False), D, ["--normalise"]),
    "percentages without names of labels": (
        ".csv", lambda path: table([f"emo_{name}" for name in LABELS], 100 * D)
        .to_csv(path, index=False), D, ["--labels 'emo_*' --normalise"]),
    "votes at the end": (".parquet", lambda path: table(LABELS, PANEL).to_parquet(path), PANEL / 8,
                         ["--labels joy --labels anger --labels fear --labels awe --normalise"]),
    "a column of text": (
        ".csv", lambda path: table([f"label:{name}" for name in LABELS], D)
        .assign(file=[f"{row}.jpg" for row in range(N)]).to_csv(path, index=False), D,
        ["--ignore file"]),
    "a split and a fold": (
        ".arrow", lambda path: table([f"label:{name}" for name in LABELS], D)
        .assign(split=["train", "val", "test"] * 10, fold=[0, 1, 2] * 10).to_feather(path), D,
        ["--ignore split"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_or_refused_with_the_option_that_reads_it(tmp_path, name):
    ending, write, expected, options = FILES[name]
    path = tmp_path / f"mine{ending}"
    write(path)
    given: dict = {}
    for option in options:
        with pytest.raises(UsageError) as caught:
            load_dataset(path, **given)
        assert str(path) in str(caught.value)
        add(given, found := options_in(str(caught.value)))
        assert found == shlex.split(option)
    data = load_dataset(path, **given)
    assert data.X == pytest.approx(X)
    assert data.D == pytest.approx(expected)
    names = [re.sub("^emo_", "", name) for name in data.label_names]
    assert names == (LABELS if ending in (".csv", ".parquet", ".feather", ".arrow")
                     or name == "npz" else [f"label{j}" for j in range(4)])  # fmt: skip


def options_in(sentence: str) -> list[str]:
    """Take the options out of a sentence, the first where it offers several."""
    words = r"--(?:labels|features|ignore) (?:'[^']*'|[\w*]+)|--normalise"
    return shlex.split(re.search(rf"(?:{words})(?: (?:{words}))*", sentence)[0])


def add(given: dict, words: list[str]) -> None:
    """Add the options of a command line to the arguments of `load_dataset`."""
    words = list(words)
    while words:
        name = words.pop(0).removeprefix("--")
        if name == "normalise":
            given[name] = True
        else:
            given.setdefault(name, []).append(words.pop(0))


def test_what_is_noted_of_votes_and_turned_matrices(tmp_path):
    np.savez(tmp_path / "a.npz", data=X.T, target=VOTES.T)
    data = load_dataset(tmp_path / "a.npz", features="data", labels="target", normalise=True)
    assert data.raters.tolist() == VOTES.sum(axis=1).tolist()
    assert data.notes == (
        "features and labels have a column per instance in the file, and were turned",
        "30 of 30 rows did not sum to 1 and were divided by their sum, which hold the votes of "
        f"{VOTES.sum(axis=1).min()} to {VOTES.sum(axis=1).max()} raters each",
    )
    np.savez(tmp_path / "b.npz", features=X.T, labels=D)
    turned = load_dataset(tmp_path / "b.npz")
    assert np.array_equal(turned.X, X)
    assert turned.notes[0].startswith("features have a column per instance")


def test_patterns_choose_columns(tmp_path):
    path = tmp_path / "t.csv"
    frame = table(["emo_joy", "emo_anger", "emo_fear", "emo_awe"], D).assign(other=X[:, 0] ** 2)
    frame = frame.assign(id=FEATURES * 5, fold=[1, 2] * 15, **{"label:old": 1.0})
    frame.to_csv(path, index=False)
    data = load_dataset(path, labels="emo_*", features=["f[0-2]", "other"], ignore="f1")
    assert data.label_names == ("emo_joy", "emo_anger", "emo_fear", "emo_awe")
    assert data.X == pytest.approx(np.column_stack([X[:, [0, 2]], X[:, 0] ** 2]))
    assert "left out with --ignore: f1" in data.notes
    assert "left out since --features names others: f3, f4, f5, label:old" in data.notes
    named = load_dataset(path, labels="emo_*", features=["f0", "fold"])
    assert (named.X.shape[1], named.given_folds) == (2, None)  # a name says more than its meaning
    rest = load_dataset(path, labels="emo_*")
    assert rest.X.shape == (N, 7)
    assert rest.given_folds.tolist() == [0, 1] * 15
    assert "left out since --labels names others: label:old" in rest.notes
    assert rest.ids == tuple(FEATURES * 5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": "emotion"}, r"has no label columns \(--labels emotion matches none here\)"),
        ({"labels": "emo_*", "features": "g*"}, "--features 'g\\*': t has no such column"),
        ({"labels": "*"}, "has no feature columns"),
    ],
)
def test_patterns_that_mean_nothing(tmp_path, options, sentence):
    table([f"emo_{name}" for name in LABELS], D).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UsageError, match=sentence):
        load_dataset(tmp_path / "t.csv", **options)


def test_matrices_that_cannot_be_told(tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, a=X, b=D, c=D)
    with pytest.raises(UsageError, match=r"holds: a, b, c.*; name them with --features and --lab"):
        load_dataset(path)
    with pytest.raises(UsageError, match=r"--labels '\[bc\]' means several matrices \(b, c\)"):
        load_dataset(path, features="a", labels="[bc]")
    with pytest.raises(UsageError, match="'a' is to be both features and labels"):
        load_dataset(path, features="a", labels="a")
    assert np.array_equal(load_dataset(path, features="a", labels="c").D, D)


def test_the_command_and_a_protocol(tmp_path, command):
    savemat(tmp_path / "m.mat", {"X": X, "Y": VOTES})
    words = ("run", "AA-kNN", "--folds", "2", "--dataset", "m.mat")
    done = command(*words)
    assert done.returncode == 2
    assert "read it with --features X --labels Y" in done.stderr
    protocol = tmp_path / "p.toml"
    protocol.write_text('[reading]\nfeatures = "Z"\nlabels = ["Y"]\nnormalise = true\n')
    done = command(*words, "--features", "X", "--protocol", protocol)
    assert done.returncode == 0
    assert "30 of 30 rows did not sum to 1 and were divided by their sum" in done.stdout
    for text, message in (("name = 1", "[reading] has no 'name'"),
                          ("labels = 1", "labels of [reading] must be a name or a list of names"),
                          ("normalise = 1", "must be true or false, not 1")):  # fmt: skip
        protocol.write_text(f"[reading]\n{text}\n")
        assert message in command(*words, "--protocol", protocol).stderr
