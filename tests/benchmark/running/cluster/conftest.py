"""A scheduler in this process, and workers as people start them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler without workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def start_worker(scheduler, tmp_path_factory):
    """Start a worker: options -> its process; all are ended afterwards."""
    started = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_LOGGING__DISTRIBUTED": "critical"}

    def start(*options):
        folder = tmp_path_factory.mktemp("worker")
        command = [
            sys.executable, "-P", "-m", "dask", "worker", scheduler.scheduler_address,
            "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0",
            "--local-directory", folder, *options,
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=folder, env=environment)
        process.folder = folder
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def address(scheduler, start_worker):
    """The scheduler of two workers, one of which declares a GPU."""
    workers = [start_worker(), start_worker("--resources", "GPU=1")]
    with scheduler.get_client() as client:
        client.wait_for_workers(2, timeout=600)
    scheduler.processes = workers
    return scheduler.scheduler_address
