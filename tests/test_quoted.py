"""Figures in the README, in docs and in docstrings are those of files that a command makes.

A table of a page stands below a comment that names its file::

    <!-- table: results/demo/table3.md -->

and has some of that file's rows and columns, as they are written there. Any other figure that was
measured is claimed by a comment, in Python beside the docstring, in Markdown below the paragraph::

    # claim: 0.61 = results/quoted/settings.csv[dataset=emotion6, row=AA-BP].kl_divergence

Several claims in a comment are parted by semicolons, and take file and column from the one before
where they have none. `%`, `min` and `MB` behind the number turn
shares, seconds and GB into it; `least` or `most` behind the column takes that of several rows. The
folder of each file is the target of the Makefile that makes it anew.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from readme import with_tables

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("baselines", "benchmark", "ewmtcnn", "features")
#: Pages that tell what was measured; those of `docs/` took their figures over from the README.
PAGES = (
    "README.md", "README.zh-CN.md", "docs/images.md", "docs/faults.md", "docs/reading_tables.md",
    "docs/scale.md", "docs/overhead.md", "docs/tuning.md", "docs/guides/gpu.md",
    "docs/guides/cluster.md",
)  # fmt: skip
TEXTS = [
    *(ROOT / page for page in PAGES),
    *sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py")),
]

CLAIM = re.compile(
    r"(?P<number>-?\d[\d,]*(?:\.\d+)?)\s*(?P<unit>%|min|MB|GB|s|ms)?\s*=\s*(?P<file>[\w./-]*)"
    r"\[(?P<where>[^\]]*)\](?:\.(?P<column>[\w. ]+?))?(?:\s+(?P<of>least|most))?"
)
FACTORS = {"%": 100.0, "min": 1 / 60, "MB": 1000.0, "ms": 1000.0}

#: What looks measured: a decimal fraction of a result, a time, a size, a ratio.
MEASURED = re.compile(
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?=\s?(?:%|times\b|s\b|ms\b|seconds?\b|min\b|minutes?\b|hours?\b"
    r"|GB\b|MB\b|MiB\b))|(?<![\w.=`-])(?<!default )\d+\.\d{2,}(?![\w.`]|-\d)"
)

#: What only looks so, by file: settings, formulas, examples, facts about the paper.
OTHER = {
    "README.md": {"3.11"},  # a version
    "README.zh-CN.md": {"3.11"},
    "docs/images.md": {"50.1", "74.7"},  # what others report
    "docs/reading_tables.md": {"0", "100"},  # percent of a scale
    "docs/scale.md": {"252", "76", "25", "32", "8"},  # sizes of data, settings, an example
    "docs/tuning.md": {"0.000001"},  # a setting
    "baselines/aa_bp.py": {"0.0006"},  # a property of SJAFFE's features
    "baselines/ldl_lclr.py": {"0.01"},  # a setting
    "baselines/ldllc.py": {"10"},  # a setting
    "baselines/regressors.py": {"0.01"},  # a setting
    "baselines/sa_cpnn.py": {"0.01"},  # a setting
    "baselines/size.py": {"256"},  # a setting
    "baselines/splitting.py": {"0.01"},  # a setting
    "benchmark/analysis/comparisons.py": {"1"},  # percent that count as equivalent
    "benchmark/commands/listings.py": {"0.051"},  # example
    "benchmark/datasets/base.py": {"0.25", "0.75"},  # example
    "benchmark/datasets/synthetic/dataset.py": {"0.03", "0.15", "1.75"},  # of a formula
    "benchmark/datasets/synthetic/painting.py": {"25", "0.08"},  # of formulas
    "benchmark/figures/calibration.py": {"30"},  # example
    "benchmark/metrics/distances.py": {"0.693"},  # ln 2
    "benchmark/metrics/paper.py": {"0.0001"},  # example
    "benchmark/wording.py": {"0.05", "0.0500", "0.25", "2.5", "20", "37", "40", "90"},  # examples
    "ewmtcnn/estimator.py": {"0.01", "0.66", "0.99"},  # of formulas
    "features/images/checking.py": {"20"},  # setting
    "features/images/statistics.py": {"98", "99"},  # quantiles
    "features/networks/backbones.py": {"1", "1404.5997"},  # a bound, a paper
}

#: Files that another target of the Makefile makes than that of their name.
MADE_BY = {
    "blas_kernels": "perf-kernels",
    "cluster": "perf-cluster",
    "demo_networks": "demo-networks",
    "folds": "perf-folds",
    "gpu_gains": "perf-gpu",
    "gpu_steps": "perf-steps",
    "gpu_try": "perf-gpu-try",
    "kernel_approximation": "perf-kernel",
}


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the comments of a file, with their lines; several lines in a row are one."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        for found in re.finditer(r"<!--(.*?)-->", text, re.DOTALL):
            yield text.count("\n", 0, found.start()) + 1, " ".join(found[1].split())
        return
    start, last, parts = 0, -2, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1 and parts:
                yield start, " ".join(parts)
                parts = []
            start, last = (start if parts else token.start[0]), token.start[0]
            parts.append(token.string.lstrip("#: ").strip())
    if parts:
        yield start, " ".join(parts)


def prose(path: Path) -> str:
    """Return what a reader is told: a page without code and tables, a module's docstrings.

    A comment that begins with ``#:`` is the docstring of a constant.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = re.sub(r"<!--.*?-->|```.*?```", "", text, flags=re.DOTALL)
        return re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    docs = (ast.get_docstring(n) for n in ast.walk(ast.parse(text)) if isinstance(n, kinds))
    constants = re.findall(r"^\s*#:(.*)", text, re.MULTILINE)
    return "\n".join([*filter(None, docs), *constants])


CLAIMS = [
    pytest.param(path, text.removeprefix("claim:"), id=f"{path.relative_to(ROOT)}:{line}")
    for path in TEXTS
    for line, text in comments(path)
    if text.startswith("claim:")
]


def parsed(text: str) -> list[dict[str, str]]:
    """Return the claims of a comment."""
    claims = list[dict[str, str]]()
    for part in text.split(";"):
        found = CLAIM.fullmatch(part.strip())
        assert found, f"not a claim: {part.strip()}"
        before = claims[-1] if claims else {"file": "", "column": ""}
        claim = {key: found[key] or before[key] for key in ("file", "column")}
        assert all(claim.values()), f"not a claim, without file and column: {part.strip()}"
        claims.append({**found.groupdict(""), **claim, "text": part.strip()})
    return claims


def value_of(claim: dict[str, str], root: Path = ROOT) -> float:
    """Look up what a claim is about, in the unit of its text."""
    frame = pd.read_csv(root / claim["file"], dtype=str, keep_default_na=False)
    columns = "|".join(map(re.escape, frame.columns))
    for part in filter(None, re.split(rf",\s*(?=(?:{columns})=)", claim["where"])):
        key, _, wanted = part.partition("=")
        frame = frame[frame[key.strip()] == wanted.strip()]
    values = pd.to_numeric(frame[claim["column"]])
    if not claim["of"]:
        assert len(values) == 1, f"{len(values)} rows fit {claim['text']}"
    value = values.max() if claim["of"] == "most" else values.min()
    return float(value) * FACTORS.get(claim["unit"], 1.0)


def agrees(number: str, value: float) -> bool:
    """Whether a number is a value rounded to the number's digits."""
    decimals = len(number.partition(".")[2])
    return abs(float(number.replace(",", "")) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-9)


@pytest.mark.parametrize(("path", "text"), CLAIMS)
def test_a_claim_has_the_value_of_its_file(path, text):
    said = re.sub(r"<!--.*?-->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    said = prose(path) if path.suffix == ".py" else said
    for claim in parsed(text):
        assert re.search(rf"(?<![\d.]){re.escape(claim['number'])}(?!\d)", said), (
            f"{path.name} does not say {claim['number']} (any more)"
        )
        value = value_of(claim)
        assert agrees(claim["number"], value), f"{claim['text']} is {value:.6g}"


def rows_of(lines: list[str]) -> list[dict[str, str]]:
    """Return the rows of a Markdown table by column."""
    header, _, *rows = ([cell.strip() for cell in line.strip("|\n ").split("|")] for line in lines)
    return [dict(zip(header, [*row, *[""] * len(header)], strict=False)) for row in rows]


def tables(text: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield the tables of a Markdown text that name their file, and the others with no name."""
    before = ""
    for block in re.split(r"\n\s*\n|(?<=-->)\n", text):
        lines = block.strip().splitlines()
        if len(lines) > 2 and all(line.startswith("|") for line in lines):
            named = re.search(r"<!--\s*table:\s*(\S+)\s*-->\s*$", before)
            yield (named[1] if named else ""), rows_of(lines)
        before = block


def differences(shown: list[dict[str, str]], stored: list[dict[str, str]]) -> list[str]:
    """Say which rows of a table are not those of its file, in its order."""
    name = next(iter(shown[0]))
    by_name = {row[name]: row for row in stored}
    unknown = [row[name] for row in shown if row[name] not in by_name]
    if unknown:
        return [f"no row {row}" for row in unknown]
    order = [list(by_name).index(row[name]) for row in shown]
    found = [] if order == sorted(order) else ["another order of rows"]
    for row in shown:
        now = {key: by_name[row[name]].get(key) for key in row}
        found += [f"{row[name]}: {now}"] if now != row else []
    return found


@pytest.mark.parametrize("page", PAGES)
def test_tables_of_pages_are_those_of_their_files(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for file, shown in tables(text):
        measured = any(re.search(r"\d\.\d{2}", cell) for row in shown for cell in row.values())
        if not file:
            assert not measured, f"the table with {shown[0]} names no file"
            continue
        stored = next(rows for _, rows in tables((ROOT / file).read_text(encoding="utf-8")) if rows)
        assert not differences(shown, stored), f"{file}; make {Path(file).parts[1]}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_figure_is_without_a_source(path):
    claimed = {
        claim["number"]
        for _, text in comments(path)
        if text.startswith("claim:")
        for claim in parsed(text.removeprefix("claim:"))
    }
    other = OTHER.get(str(path.relative_to(ROOT)), set())
    seen = set(MEASURED.findall(prose(path)))
    assert not seen - claimed - other, "claim them, or say it in words"
    assert not other - seen, "allowed for no reason (any more)"


def test_every_file_is_made_by_a_command_and_kept():
    files = {claim["file"] for p in CLAIMS for claim in parsed(p.values[1])}
    texts = ((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    files |= {file for text in texts for file, _ in tables(text) if file}
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for file in files:
        folder, name, *_ = Path(file).parts
        assert folder == "results"
        stem = Path(name).stem
        assert MADE_BY.get(stem, stem) in targets, f"no command makes {file}"
        assert (ROOT / file).exists()
        ignored = subprocess.run(["git", "check-ignore", "-q", file], cwd=ROOT, check=False)
        assert ignored.returncode != 0, f"{file} is not kept"


# --- the comparison notices what it should ---


@pytest.fixture
def made(tmp_path):
    (tmp_path / "a.csv").write_text(
        'dataset,row,kl,seconds\nx,A,0.6149,90\nx,B (c),0.5,30\ny,"A, k=2, on",0.7,1\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("0.61 = a.csv[dataset=x, row=A].kl", True),
        ("0.62 = a.csv[dataset=x, row=A].kl", False),
        ("0.615 = a.csv[row=A].kl", True),
        ("0.7 = a.csv[dataset=y, row=A, k=2, on].kl", True),
        ("61 % = a.csv[row=A].kl", True),
        ("50 % = a.csv[row=B (c)].kl", True),
        ("1.5 min = a.csv[row=A].seconds", True),
        ("30 = a.csv[dataset=x].seconds least", True),
        ("90 = a.csv[].seconds most", True),
        ("90 = a.csv[].seconds least", False),
    ],
)
def test_claims_are_looked_up_and_rounded(made, claim, right):
    (found,) = parsed(claim)
    assert agrees(found["number"], value_of(found, made)) == right


def test_a_claim_takes_file_and_column_from_the_one_before(made):
    claims = parsed("0.61 = a.csv[row=A].kl; 0.5 = [row=B (c)]; 30 = [row=B (c)].seconds")
    assert [value_of(claim, made) for claim in claims] == [0.6149, 0.5, 30]


@pytest.mark.parametrize("claim", ["0.5 = a.csv[dataset=x].kl", "0.5 = a.csv[row=none].kl"])
def test_a_claim_is_about_one_row(made, claim):
    with pytest.raises(AssertionError, match="rows fit"):
        value_of(*parsed(claim), made)


@pytest.mark.parametrize("text", ["0.5", "0.5 = a.csv", "about 0.5 = a.csv[].kl", "0.5 = a.csv[]"])
def test_what_is_no_claim_is_told(text):
    with pytest.raises(AssertionError, match="not a claim"):
        parsed(text)


def test_changed_tables_are_noticed():
    text = (
        "<!-- table: f -->\n| M | x | y |\n|---|---|---|\n| A | 1 | 2 |\n| B | 3 | |\n| C | 5 | 6 |"
    )
    ((file, stored),) = tables(text)
    assert file == "f"
    assert [row["M"] for row in stored] == ["A", "B", "C"]
    some = [{"M": "A", "y": "2"}, {"M": "C", "y": "6"}]
    assert not differences(some, stored)
    assert differences([{"M": "A", "y": "3"}], stored)
    assert differences([{"M": "A", "z": "3"}], stored)
    assert differences([{"M": "D", "y": "3"}], stored) == ["no row D"]
    assert differences(some[::-1], stored) == ["another order of rows"]


def test_the_tables_of_files_are_put_into_a_text(tmp_path):
    (tmp_path / "t.md").write_text("## x\n\n| M | x |\n|---|---|\n| A | 2 |\n\n| other |\n")
    text = "a\n\n<!-- table: t.md -->\n{}\nb\n\n<!-- table: none.md -->\n| kept |\n\n| free |\n"
    wanted = text.format("| M | x |\n|---|---|\n| A | 2 |\n")
    assert with_tables(text.format("| M | x |\n|---|---|\n| A | 1 |\n"), tmp_path) == wanted
    assert with_tables(wanted, tmp_path) == with_tables(text.format(""), tmp_path) == wanted
    ((file, stored), *_) = tables(wanted)
    assert (file, stored[0]["x"]) == ("t.md", "2")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "KL 0.612 and 0.53, by 19 %, in 2.5 minutes, 10 times, 8 GB",
            ["0.612", "0.53", "19", "2.5", "10", "8"],
        ),
        ("float, default 0.05, k = 4, ``l2=0.01``, 1e-10, 3.15.1, 10 folds, 1,980 rows", []),
    ],
)
def test_what_looks_measured(text, found):
    assert MEASURED.findall(text) == found
