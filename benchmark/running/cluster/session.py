"""Opens an engine of a cluster for the tasks of a run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.planning.inputs import Input
from benchmark.plugins.fingerprint import local_files
from benchmark.progress import Console
from benchmark.running.cluster.engine import ClusterEngine
from benchmark.running.cluster.identity import identity
from benchmark.running.cluster.members import GPU, Members, devices
from benchmark.running.cluster.there import Invitation
from benchmark.running.job import Job
from benchmark.store.run_folder import RunFolder
from features.arrays import AnyArray
from features.networks.backend import choose_backend
from features.storage.sharded_array import ShardedArray


def open_engine(
    client: Any,
    job: Job,
    folder: RunFolder,
    console: Console,
    given: tuple[Mapping[Any, Input], Mapping[str, AnyArray]],
) -> ClusterEngine:
    """Have the workers of a cluster join a run, and return them as an engine.

    Parameters
    ----------
    client : distributed.Client
    job, folder, console
        Of the run.
    given : pair of mappings
        What models get, of which all workers must see what is in the cache folder; and file name to
        a large array, which each worker gets.

    Raises
    ------
    BenchmarkError
        No worker can take part.
    """
    inputs, data = given
    run = uuid.uuid4().hex
    token = folder.running_path / "token"
    folder.write_file(str(token), run)
    backend = _backend(job)
    packages = _packages(job)
    invitation = Invitation(
        run=run, folder=folder.path.resolve(), token=token, cached=_cached(inputs),
        identity=identity(backend, packages), packages=packages, backend=backend,
        plugins=_plugins(job),
    )  # fmt: skip
    members = Members(client, invitation, data, console.tell)
    try:
        members.wait()
        networks = set(job.networks)
        on_gpus = bool(networks and members.addresses(with_gpu=True))
        if networks:
            _tell_devices(members, on_gpus, console)
    except BaseException:  # Ctrl-C, while the data are sent perhaps: there is no engine to close
        members.leave()
        raise
    return ClusterEngine(members, networks.__contains__, on_gpus, folder.running_path)


def _backend(job: Job) -> str:
    if not job.networks:
        return ""
    try:
        return choose_backend()
    except ValueError as error:
        raise BenchmarkError(f"starting Keras: {error}") from error


def _tell_devices(members: Members, on_gpus: bool, console: Console) -> None:
    found = [member for member in members.now.values() if member.gpus or not on_gpus]
    console.tell(f"Networks run on {devices(found)} with {members.invitation.backend}.")
    if not on_gpus:
        console.tell(
            f'No worker declares a GPU (dask worker --resources "{GPU}=1"), so that networks run '
            f"on all of them."
        )


def _cached(inputs: Mapping[Any, Input]) -> tuple[tuple[Path, str], ...]:
    """Return the arrays in the cache folder that inputs read."""
    found = (value for given in inputs.values() for value in vars(given).values())
    arrays = {value.folder: value.key for value in found if isinstance(value, ShardedArray)}
    return tuple(sorted(arrays.items()))


def _packages(job: Job) -> tuple[str, ...]:
    """Return the installed packages that models come from, by the names of their versions."""
    entries = [job.model(task).entry for task in job.pending]
    names = {entry.source.partition("==")[0] for entry in entries if "==" in entry.source}
    return tuple(sorted(name for name in names if _is_installed(name)))


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _plugins(job: Job) -> dict[str, tuple[str, Mapping[Path, bytes]]]:
    entries = {entry.file: entry for task in job.pending if (entry := job.model(task).entry).file}
    return {file: (entry.source, local_files(Path(file))) for file, entry in entries.items()}
