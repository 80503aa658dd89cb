"""Disks with little room: so many bytes, or so many files; and room made on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def small_disk(folder: Path, **limits: int) -> Iterator[Path]:
    """Let a folder be a disk in memory with limits: ``size`` in bytes, ``nr_inodes`` in files."""
    _mount("-t", "tmpfs", "-o", _options(limits), "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def make_room(folder: Path) -> None:
    """Lift the limits of a small disk."""
    _mount("-o", "remount,size=0,nr_inodes=0", folder)


def used(folder: Path) -> dict[str, int]:
    """Return how much of each limit the files in a folder take."""
    facts = os.statvfs(folder)
    return {
        "size": (facts.f_blocks - facts.f_bfree) * facts.f_frsize,
        "nr_inodes": facts.f_files - facts.f_ffree,
    }


def _options(limits: dict[str, int]) -> str:
    return ",".join(["mode=777", *(f"{name}={value}" for name, value in limits.items())])


def _mount(*arguments: object) -> None:
    program = shutil.which("mount")
    if os.getuid() or not program:
        pytest.skip("only root may mount a small disk")
    if subprocess.run([program, *map(str, arguments)], check=False).returncode:
        pytest.skip("root may not mount here")
