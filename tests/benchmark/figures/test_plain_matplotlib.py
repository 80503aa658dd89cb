"""Figures do not depend on the user's settings of matplotlib, nor on the environment.

A process of its own draws each time, since matplotlib reads settings when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAW = """
import hashlib, json, os, sys
from matplotlib_first import *
import numpy as np
from benchmark.figures.base import styled, written
from benchmark.figures.wheel import draw

figure = draw(("joy", "fear", "汉"), np.eye(3))
files = {kind: hashlib.sha256(written(figure, kind)).hexdigest() for kind in ("svg", "pdf", "png")}
import matplotlib
print(json.dumps({
    "files": files, "font": matplotlib.rcParams["font.size"], "here": os.getcwd(),
    "environment": os.environ.get("MPLBACKEND"),
}))
"""
ODD = "text.usetex: True\nfont.size: 31\nsvg.fonttype: path\nbackend: foo\nnot.a.setting: 1\n"
BROKEN = b"font.family: \xff\xfe\n"


def draw(folder: Path, first: str = "", **environment: str) -> dict:
    """Draw in a folder; `first` is run before anything of ours."""
    (folder / "matplotlib_first.py").write_text(first)
    path = os.pathsep.join([str(folder), str(Path(__file__).resolve().parents[3])])
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MPL")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRAW],
        cwd=folder, capture_output=True, text=True, env={**kept, "PYTHONPATH": path, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("usual"))["files"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["odd", "broken", "no home"])
def test_settings_and_environment_do_not_matter(tmp_path, usual, kind):
    settings = tmp_path / "settings"
    settings.write_bytes(BROKEN if kind == "broken" else ODD.encode())
    environment = {"MATPLOTLIBRC": str(settings), "MPLBACKEND": "module://nowhere"}
    if kind == "no home":
        environment = {"HOME": "/proc/nothing", "SOURCE_DATE_EPOCH": "1"}
    found = draw(tmp_path, **environment)
    assert found["files"] == usual
    assert found["environment"] == environment.get("MPLBACKEND")


@pytest.mark.slow
def test_a_file_of_settings_in_the_working_folder_does_not_matter(tmp_path, usual):
    (tmp_path / "matplotlibrc").write_text(ODD)
    found = draw(tmp_path, MPLCONFIGDIR="own")
    assert found["files"] == usual
    assert Path(found["here"]) == tmp_path
    assert (tmp_path / "own").is_dir()
    assert found["font"] == 31  # figures of the user's own get the settings that are sound


@pytest.mark.slow
def test_settings_of_a_session_that_uses_matplotlib_do_not_matter(tmp_path, usual):
    first = (
        "import matplotlib\nmatplotlib.rcParams.update({'font.size': 31, 'svg.fonttype': 'path'})\n"
    )
    found = draw(tmp_path, first)
    assert found["files"] == usual
    assert found["font"] == 31
