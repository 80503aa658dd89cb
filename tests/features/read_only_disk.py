"""Folders as on a read-only disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let a folder be one of a read-only disk; for root by a mount, else by its rights."""
    if os.getuid():
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        try:
            yield
        finally:
            for path in folders:
                path.chmod(0o755)
        return
    program = shutil.which("mount")
    if not program or subprocess.run([program, "--bind", folder, folder], check=False).returncode:
        pytest.skip("root may not mount here")
    try:
        subprocess.run([program, "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
