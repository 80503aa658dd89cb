"""Where a task on a worker of a cluster finds what lies elsewhere on the machine of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.planning.inputs import Matrix
from benchmark.running.execute import Work
from benchmark.running.sharing import FileArray


@dataclass(frozen=True)
class Place:
    """Folders of a run on a worker's machine.

    Attributes
    ----------
    data : Path
        Has the arrays that were sent here.
    checkpoints : Path, optional
        In which tasks keep what lets them go on; None for those of the run folder, which is seen
        from here.
    plugins : mapping
        Plugin files of the run that are not here under the same path, and their copies.
    """

    data: Path
    checkpoints: Path | None = None
    plugins: Mapping[str, str] = field(default_factory=dict)

    def put(self, work: Work) -> Work:
        """Return a task's work with what is here in place of what is there."""
        given = work.input
        if isinstance(given, Matrix):
            given = Matrix(self._array(given.X))
        checkpoints, entry = work.checkpoints, work.model.entry
        if checkpoints is not None and self.checkpoints is not None:
            checkpoints = self.checkpoints.joinpath(*checkpoints.parts[-3:])
        if entry.file in self.plugins:
            entry = replace(entry, file=self.plugins[entry.file])
        model = replace(work.model, entry=entry)
        D = self._array(work.D)
        return replace(work, model=model, input=given, D=D, checkpoints=checkpoints)

    def _array(self, array: Any) -> Any:
        if isinstance(array, FileArray):
            return replace(array, path=self.data / array.path.name)
        return array
