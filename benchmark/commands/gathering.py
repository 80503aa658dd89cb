"""Reads stored runs for a command, so that whatever fails is told in a sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmark.analysis.evidence import Evidence, Out, gather
from benchmark.errors import UsageError, told
from benchmark.running.environment import log_to
from benchmark.store.run_folder import RunFolder
from benchmark.wording import Chosen, find_measures

logger = logging.getLogger("benchmark")


@contextmanager
def gathered(
    what: str, out: Out, to: str | Path | None, measures: Chosen = None
) -> Iterator[Evidence]:
    """Gather the evidence; what is made of it fails with a sentence, and the log tells the rest."""
    chosen = find_measures(measures)
    with gather(out, to, chosen) as evidence:
        target = evidence.target
        writable = not target.obstacle()
        log = log_to(target.path / "log.txt", at_once=False) if writable else nullcontext()
        with log, told(what):
            if measures is not None and evidence.nothing_scored:
                raise UsageError(evidence.nothing_scored)
            yield evidence


def tells_obstacle(folder: RunFolder) -> bool:
    """Log that a folder cannot be written, if so: what is shown is no less right without files."""
    said = folder.obstacle()
    if said:
        logger.warning("%s", said)
    return bool(said)
