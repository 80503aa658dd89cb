"""How much memory a program may still take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: Where control groups, which bound containers and batch jobs, say their limit, what is used, and
#: which entry of memory.stat is given back on demand; by the group's line in /proc/self/cgroup.
GROUPS = {
    "": ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def free_bytes(root: str | Path = "/") -> int:
    """Return the memory that is available to programs: on the machine, in the container or job.

    Parameters
    ----------
    root : path
        Where the system's files lie.
    """
    return min(_of_machine(Path(root)), *_of_groups(Path(root)))


def _of_machine(root: Path) -> int:
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    # A system without that file does not tell what is free; take all memory there is.
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_groups(root: Path) -> Iterator[int]:
    """Yield what is left in each of the groups that the process is in, and in theirs."""
    yield 2**62
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in GROUPS:
            continue
        top, limit, used, reclaimable = GROUPS[controllers]
        # A container sees its own group as the top one, whatever its path is outside.
        within = Path(path.lstrip("/"))
        for group in (within, *within.parents):
            try:
                folder = root / top / group
                most = int((folder / limit).read_text(encoding="ascii"))
                now = int((folder / used).read_text(encoding="ascii"))
                rows = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
                stat = dict(row.split() for row in rows)
                yield max(0, most - now + int(stat.get(reclaimable, 0)))
            except (OSError, ValueError):  # not there, or no limit ("max")
                continue
