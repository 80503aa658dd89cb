"""The public functions in a notebook that is executed: what its cells show."""

from __future__ import annotations

import pytest

CELLS = (
    """\
import numpy as np
import benchmark
from baselines import AAKNN, LDLEstimator
rng = np.random.default_rng(0)
X, D = rng.normal(size=(60, 5)), rng.dirichlet(np.ones(4), size=60)
class Mine(LDLEstimator):
    def _fit(self, X, D):
        self.mean_ = D.mean(axis=0)
    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1))""",
    "benchmark.run([AAKNN(k=3), Mine], datasets=(X, D), folds=3, report=False)",
    "benchmark.run([AAKNN(k=3), Mine], datasets=(X, D), folds=3, report=False).figure('boxes')",
    "benchmark.run('AA-kNN', datasets=(X, D), progress=False, report=False).complete",
    "benchmark.run('AA-kNN', datasets=(X, D), fold=3)",
)


@pytest.mark.slow
def test_cells_show_tables_and_figures_sentences_and_no_warnings(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    first, run, figure, silent, wrong = (cell.outputs for cell in notebook.cells)
    assert first == []
    streams = {out.get("name") for outputs in (run, figure, silent) for out in outputs}
    assert "stderr" not in streams  # warnings would be there
    assert run[0].text.startswith("6 tasks (2 models, 1 dataset): 0 done before, 6 to do with ")
    assert "<table" in run[-1].data["text/html"]
    assert "Mine" in run[-1].data["text/html"]
    assert all(out.data["text/plain"] == "" for out in run[1:-1])  # the line of progress, gone
    assert figure[0].text.startswith("6 tasks (2 models, 1 dataset): 6 done before")
    assert "data:image/png;base64," in figure[-1].data["text/html"]
    assert [out.output_type for out in silent] == ["execute_result"]
    assert wrong[0].traceback == ["UsageError: run has no setting 'fold'; did you mean 'folds'?"]
