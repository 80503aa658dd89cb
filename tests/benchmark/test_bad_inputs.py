"""Bad inputs through the command line: each ends in one sentence that says what and where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

HEAD = "f1,f2,label:a,label:b\n"
GOOD = HEAD + "".join(f"{k * k % 7},{k % 5},0.{k + 1},0.{9 - k}\n" for k in range(8))
PLUGIN = (
    "from baselines import LDLEstimator\nfrom benchmark import register\n\n\n"
    "@register({name!r})\nclass Mine(LDLEstimator):\n"
    "    def _fit(self, X, D):\n        self.mean_ = D.mean(axis=0)\n\n"
    "    def _predict(self, X):\n        return self.mean_ + 0 * X[:, :1]\n"
)
RUN = ["run", "AA-kNN", "--folds", "2"]
ON = [*RUN, "--dataset"]

#: Where the fault is -> command line, and words of its sentence.
COMMANDS = {
    "no model": (["run", "--dataset", "good.csv"], ["no model to run", "--all"]),
    "unknown model": (["run", "AA-kMN", "--dataset", "good.csv"], ["AA-kMN", "did you mean"]),
    "model twice": (["run", "AA-kNN", "aa-knn", "--dataset", "good.csv"], ["AA-kNN", "twice"]),
    "unknown dataset": ([*ON, "Emotoin6"], ["Emotoin6", "did you mean 'Emotion6'"]),
    "no such file": ([*ON, "goood.csv"], ["goood.csv", "did you mean", "good.csv"]),
    "another ending": ([*ON, "good.xlsx"], ["good.xlsx", ".csv"]),
    "same dataset twice": ([*ON, "good.csv", "--dataset", "good.csv"], ["good", "rename"]),
    "no dataset": ([*ON, ""], ["--dataset"]),
    "one fold": (["run", "AA-kNN", "--dataset", "good.csv", "--folds", "1"], ["folds", "1"]),
    "more folds than rows": ([*ON, "good.csv", "--folds", "99"], ["99", "8"]),
    "folds in words": ([*ON, "good.csv", "--folds", "ten"], ["--folds", "ten"]),
    "no repeat": ([*ON, "good.csv", "--repeats", "0"], ["repeats", "0"]),
    "negative seed": ([*ON, "good.csv", "--seed", "-1"], ["--seed", "-1"]),
    "no job": ([*ON, "good.csv", "--jobs", "0"], ["--jobs", "0"]),
    "no time": ([*ON, "good.csv", "--task-timeout", "-5"], ["--task-timeout", "-5"]),
    "unknown option": ([*ON, "good.csv", "--fold", "2"], ["--fold", "--folds"]),
    "unknown protocol": ([*ON, "good.csv", "--protocol", "papre"], ["papre", "paper"]),
    "no protocol file": ([*ON, "good.csv", "--protocol", "mine.toml"], ["mine.toml"]),
    "protocol no TOML": ([*ON, "good.csv", "--protocol", "broken.toml"], ["broken.toml"]),
    "key of protocol": ([*ON, "good.csv", "--protocol", "key.toml"], ["fold", "folds"]),
    "setting of model": (
        ["run", "--dataset", "good.csv", "--protocol", "setting.toml"],
        ["AA-kNN", "neighbours", "scaling"],
    ),
    "no plugin": ([*ON, "good.csv", "--plugin", "none.py"], ["none.py"]),
    "plugin no Python": ([*ON, "good.csv", "--plugin", "syntax.py"], ["syntax.py", "line 2"]),
    "plugin raises": ([*ON, "good.csv", "--plugin", "raises.py"], ["raises.py", "ZeroDivision"]),
    "plugin empty": ([*ON, "good.csv", "--plugin", "empty.py"], ["empty.py", "register"]),
    "plugin's name taken": ([*ON, "good.csv", "--plugin", "taken.py"], ["DLDL", "taken.py"]),
    "backbone without images": (
        [*ON, "good.csv", "--backbone", "small"],
        ["--backbone", "images"],
    ),
    "epochs without network": ([*ON, "good.csv", "--epochs", "3"], ["--epochs", "network"]),
    "unknown backbone": ([*ON, "synthetic:20", "--backbone", "vg16"], ["vg16", "vgg16"]),
    "no weights": (
        [*ON, "synthetic:20", "--backbone", "resnet50", "--weights", "none.h5"],
        ["none.h5"],
    ),
    "run folder a file": ([*ON, "good.csv", "--out", "good.csv"], ["good.csv"]),
    "ignored column": ([*ON, "good.csv", "--ignore", "f3"], ["--ignore", "f3", "f2"]),
    "no table": (["table", "5"], ["5", "wheel"]),
    "no run": (["table", "3", "--out", "nowhere"], ["nowhere"]),
    "run.json": (["report", "--out", "damaged"], ["damaged", "run.json"]),
    "unknown figure": (["figure", "boxs", "--out", "damaged"], ["boxs", "boxes"]),
    "unknown measure": (["table", "tests", "--measure", "KLdif"], ["KLdif", "KLdiv"]),
    "no set to fetch": (["datasets", "fetch", "Emotion7"], ["Emotion7", "Emotion6"]),
    "features of a table": (["features", "--dataset", "good.csv"], ["good", "images"]),
    "name of new model": (["new-model", ""], ["NAME"]),
    "nothing to check": (["check", "none.py"], ["none.py"]),
}

#: What is wrong with the file -> its text, and words of the sentence.
CSV = {
    "empty": ("", []),
    "a header alone": (HEAD, []),
    "no label": ("f1,f2\n1,2\n2,3\n", ["label:<name>"]),
    "no feature": ("label:a,label:b\n.5,.5\n.4,.6\n", ["feature"]),
    "a word": (HEAD + "1,2,.5,.5\n1,two,.5,.5\n", ["row 1", "'two'", "'f2'", "--ignore"]),
    "a gap": (HEAD + "1,2,.5,.5\n1,,.4,.6\n", ["row 1", "f2"]),
    "infinite": (HEAD + "1,2,.5,.5\n1,inf,.4,.6\n", ["row 1", "inf"]),
    "negative": (HEAD + "1,2,.5,.5\n1,3,-0.01,1.01\n", ["row 1", "-0.01"]),
    "sum": (HEAD + "1,2,.5,.5\n1,3,.5,.6\n", ["row 1", "1.1"]),
    "two of a name": ("f1,f1,label:a,label:b\n1,2,.5,.5\n", ["'f1'"]),
    "label without name": ("f1,label:a,label:\n1,.5,.5\n2,.4,.6\n", ["label"]),
    "too many values": (HEAD + "1,2,.5,.5\n1,3,.4,.6,9\n", ["5"]),
    "400 digits": (HEAD + f"1,2,.5,.5\n{'9' * 400},3,.4,.6\n", ["row 1", "f1"]),
    "a web page": ("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", ["HTML"]),
    "a pointer": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n",
        ["Git LFS"],
    ),
    "semicolons": (GOOD.replace(",", ";"), ["semicolon"]),
    "one row": (HEAD + "1,2,.5,.5\n", []),
    "constant": (HEAD + "1,2,.5,.5\n1,2,.4,.6\n1,2,.3,.7\n", ["constant"]),
    "one label": (HEAD + "1,2,0,1\n1,3,0,1\n4,2,0,1\n", ["label"]),
    "numbered rows": (
        "\n".join(f"{i - 1},{line}" for i, line in enumerate(GOOD.splitlines())).replace(
            "-1,", "Unnamed: 0,", 1
        ),
        ["Unnamed: 0", "--ignore"],
    ),
}


RNG = np.random.default_rng(0)
X, D = RNG.normal(size=(8, 2)), RNG.dirichlet(np.ones(3), 8)

#: The same for what is written by a library: matrices of a .mat file, or columns of a .parquet one.
MAT = {
    "other names": ({"X": X, "Y": D}, ["features", "labels", "X"]),
    "other rows": ({"features": X[:5], "labels": D}, ["5", "8"]),
    "letters": ({"features": np.array(["a", "b"]), "labels": D}, ["features"]),
    "counts": ({"features": X, "labels": np.ones((8, 3))}, ["rows 0, 1", "sums to 3"]),
    "names": ({"features": X, "labels": D, "label_names": ["a", "a", "b"]}, ["different names"]),
}
PARQUET = {
    "a word": ({"f1": ["1", "two"], "label:a": [0.5, 0.4], "label:b": [0.5, 0.6]}, ["two", "f1"]),
    "times": (
        {"f1": pd.to_datetime(["2020", "2021"]), "label:a": [0.5, 0.4], "label:b": [0.5, 0.6]},
        ["f1", "times"],
    ),
}


def write_files(folder):
    """Write what the command lines name."""
    files = {
        "good.csv": GOOD,
        "good.xlsx": GOOD,
        "broken.toml": "folds = = 2\n",
        "key.toml": "fold = 2\n",
        "setting.toml": "[models.AA-kNN]\nneighbours = 3\n",
        "syntax.py": "x = 1\ndef :\n",
        "raises.py": "1 / 0\n",
        "empty.py": "x = 1\n",
        "taken.py": PLUGIN.format(name="DLDL"),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "damaged").mkdir()
    (folder / "damaged" / "run.json").write_text("{")
    for name, (text, _) in CSV.items():
        (folder / f"{name}.csv").write_text(text)
    for name, (matrices, _) in MAT.items():
        savemat(folder / f"{name}.mat", matrices)
    for name, (columns, _) in PARQUET.items():
        pd.DataFrame(columns).to_parquet(folder / f"{name}.parquet")
    whole = (folder / "counts.mat").read_bytes()
    (folder / "cut.mat").write_bytes(whole[: len(whole) // 2])
    (folder / "text.mat").write_text(GOOD)
    (folder / "text.parquet").write_text(GOOD)
    (folder / "latin.csv").write_bytes(GOOD.replace("label:a", "label:é").encode("latin-1"))
    (folder / "folder.csv").mkdir()


FILES = {
    **{f"{name}.csv": words for name, (_, words) in CSV.items()},
    **{f"{name}.mat": words for name, (_, words) in MAT.items()},
    **{f"{name}.parquet": words for name, (_, words) in PARQUET.items()},
    "cut.mat": [],
    "text.mat": [],
    "text.parquet": [],
    "latin.csv": ["UTF-8"],
    "folder.csv": ["folder"],
}
CASES = {
    **COMMANDS,
    **{name: ([*ON, name], [name.partition(".")[0], *words]) for name, words in FILES.items()},
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_input_ends_in_one_clear_sentence(case, command, tmp_path):
    write_files(tmp_path)
    arguments, words = CASES[case]
    done = command(*arguments)
    assert done.returncode in (1, 2)
    *usage, last = done.stderr.strip().splitlines()
    assert last.startswith("Error: ")
    # Of a misspelt option the usage comes before.
    assert not usage or usage[0].startswith("Usage: ")
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in last
    assert not (tmp_path / "results").exists()


def test_there_are_sixty():
    assert len(CASES) >= 60
