"""The hash of a file's code: what it covers and what it leaves out."""

from __future__ import annotations

import pytest

from benchmark.plugins.fingerprint import code_fingerprint, local_files


@pytest.fixture
def tree(tmp_path):
    """Write files below the test's folder: relative path -> text."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/').replace('INIT', '__init__')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def covered(file, module=""):
    return {path.stem if path.stem != "__init__" else path.parent.name
            for path in local_files(file, module)}  # fmt: skip


def test_imports_are_followed_in_every_form(tree):
    root = tree(
        main="import a, b.c\nfrom d import e\ndef f():\n    from g import h\n",
        a="import main  # a circle",
        b__INIT="",
        b__c="from .. import outside\nfrom . import k\nfrom .l import name\n",
        b__k="",
        b__l="this is no Python",
        d__INIT="",
        d__e="",
        g="",
        unused="",
        b__unused="",
    )
    assert covered(root / "main.py") == {"main", "a", "b", "c", "k", "l", "d", "e", "g"}


def test_other_projects_are_left_out(tree):
    root = tree(
        main="import json, numpy, baselines, benchmark.plugins.registry",
        json="",
        baselines__INIT="",
    )
    assert covered(root / "main.py") == {"main"}
    packages = tree(**{
        "site-packages__mine__INIT": "",
        "site-packages__mine__models": "import mine.part, other",
        "site-packages__mine__part": "",
        "site-packages__other": "",
    })  # fmt: skip
    file = packages / "site-packages" / "mine" / "models.py"
    assert covered(file, "mine.models") == {"mine", "models", "part"}


def test_every_covered_file_counts_and_the_place_does_not(tree, tmp_path):
    root = tree(one__main="import helper", one__helper="x = 1")
    tree(two__renamed="import helper", two__helper="x = 1")
    first = code_fingerprint(root / "one" / "main.py")
    assert code_fingerprint(root / "two" / "renamed.py") == first
    tree(one__helper="x = 2")
    assert code_fingerprint(root / "one" / "main.py") != first
    tree(two__unused="x = 1")
    assert code_fingerprint(root / "two" / "renamed.py") == first
