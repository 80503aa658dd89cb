"""How many damaged variants of each file are tried: few in the suite, 1,000 by ``make faults``."""

from __future__ import annotations

import os

import pytest

_FEW = 40


@pytest.fixture(scope="session")
def seeds() -> range:
    """Seeds of `damage.damaged`: as many as the variable LDL_FAULTS says."""
    return range(int(os.environ.get("LDL_FAULTS", _FEW)))
