"""The job scripts that the guide has SLURM given are what they should be; nothing is submitted."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("dask_jobqueue")

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "guides" / "cluster.md"


@pytest.fixture(scope="module")
def starts():
    (text,) = re.findall(r"```python\n(# slurm\.py\n.*?)```", GUIDE.read_text(), re.DOTALL)
    namespace = {"__name__": "slurm"}
    exec(compile(text, "slurm.py", "exec"), namespace)  # noqa: S102 - our own page
    return namespace


@pytest.mark.filterwarnings(
    "ignore:Port 8787 is already in use", "ignore:.*socket:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(
    ("name", "directives", "options"),
    [
        ("start", {"cpus-per-task=16", "mem=60G", "04:00:00", "requeue"},
         {"nthreads": 16, "resources": None}),
        ("start_with_gpu", {"cpus-per-task=1", "mem=30G", "gres=gpu:1"},
         {"nthreads": 1, "resources": "GPU=1"}),
    ],
)  # fmt: skip
def test_the_job_script_starts_a_worker_of_the_wanted_kind(starts, name, directives, options):
    from distributed.cli.dask_worker import main as dask_worker

    with starts[name]() as cluster:
        script, address = cluster.job_script(), cluster.scheduler_address
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    given = set(re.findall(r"^#SBATCH (?:--|-\w )(\S+)", script, re.MULTILINE))
    assert directives <= given
    (line,) = [
        line for line in script.splitlines() if "dask_worker" in line or "dask worker" in line
    ]
    words = shlex.split(line)
    rest = words[words.index(address) :]
    found = dask_worker.make_context("dask worker", rest).params
    assert found["scheduler"] == address
    assert {key: found[key] for key in options} == options
