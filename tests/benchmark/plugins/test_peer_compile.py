"""Compiling what the wheel of the peer library has as C code only."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchmark.errors import BenchmarkError, UsageError
from benchmark.plugins import peer_methods
from benchmark.plugins.peer_compile import compile_modules

COMPILER = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc")[0]
HEADER = Path(sysconfig.get_paths()["include"]) / "Python.h"

CODE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_tree", "compiled", -1, NULL};
PyMODINIT_FUNC PyInit__tree(void) { return PyModule_Create(&module); }
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of C code; returns the folder of its modules."""
    folder = tmp_path / "pyldl" / "algorithms"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pyldl", raising=False)
    return folder


@pytest.mark.skipif(
    not (shutil.which(COMPILER) and HEADER.is_file()), reason="no C compiler, or no Python.h"
)
def test_what_is_compiled_can_be_imported_and_counts_as_there(library, tmp_path):
    (library / "_tree.c").write_text(CODE)
    method = peer_methods.METHODS["DF_LDL"]
    assert "peer_compile" in peer_methods.missing(method)
    (made,) = compile_modules()
    assert made.parent == library
    assert peer_methods.missing(method) == ""
    code = "from pyldl.algorithms import _tree; print(_tree.__doc__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "compiled"


def test_what_stands_in_the_way_is_said_in_a_sentence(library, monkeypatch):
    with pytest.raises(UsageError, match="has no C code"):
        compile_modules()
    (library / "_rbm.c").write_text("this is no C\n")
    with pytest.raises(BenchmarkError, match=r"_rbm\.c cannot be compiled: .*error|cannot be run"):
        compile_modules()
    monkeypatch.setattr("benchmark.plugins.peer_compile.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="not installed: pip install"):
        compile_modules()
