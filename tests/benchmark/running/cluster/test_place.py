"""A task finds on a worker's machine what lies elsewhere on the machine of the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.planning.inputs import Matrix
from benchmark.planning.models import Model
from benchmark.plugins.fingerprint import code_fingerprint, local_files
from benchmark.plugins.registry import Entry, load_plugin, models
from benchmark.running.cluster.place import Place
from benchmark.running.cluster.there import Invitation, _copied
from benchmark.running.execute import Work
from benchmark.running.sharing import FileArray

ROWS = np.arange(3)


def test_arrays_checkpoints_and_plugins_are_those_of_this_machine(tmp_path):
    array = FileArray(Path("0.npy"), (3, 2), np.dtype(float))
    model = Model("m", Entry("m", "", "/home/u/m.py", "sha256:1"), {}, 1)
    work = Work(model, Matrix(array), np.ones((3, 2)), ROWS, ROWS,
                checkpoints=Path("/run/checkpoints/d/m/r0-f0"))  # fmt: skip
    place = Place(tmp_path, tmp_path / "kept", {"/home/u/m.py": "/here/m.py"})
    put = place.put(work)
    assert put.input.X == replace(array, path=tmp_path / "0.npy")
    assert put.D is work.D
    assert put.checkpoints == tmp_path / "kept" / "d" / "m" / "r0-f0"
    assert put.model.entry.file == "/here/m.py"
    shared = Place(tmp_path).put(work)
    assert (shared.checkpoints, shared.model.entry) == (work.checkpoints, model.entry)


def test_a_plugin_that_is_not_there_is_copied_with_what_it_imports(plugin, tmp_path):
    file = plugin("from beside import value\n\ndef _fit(self, X, D):\n    pass")
    (tmp_path / "beside.py").write_text("value = 1\n")
    load_plugin(file)
    source = models()["Mine"].source
    files = local_files(file)
    invitation = Invitation("run", tmp_path, tmp_path, (), {}, plugins={str(file): (source, files)})
    assert _copied(invitation, tmp_path / "copies") == {}  # it is there
    missing = replace(invitation, plugins={"/not/here/mine.py": (source, {
        Path("/not/here", path.name): content for path, content in files.items()
    })})  # fmt: skip
    (copy,) = _copied(missing, tmp_path / "copies").values()
    assert Path(copy).with_name("beside.py").read_text() == "value = 1\n"
    assert code_fingerprint(Path(copy)) == source  # which the process that loads it asks for
