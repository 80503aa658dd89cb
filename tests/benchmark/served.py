"""What tests of downloads share: bytes to serve, and what they look at."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.errors import BenchmarkError

CONTENT = np.random.default_rng(0).bytes(1_000_000)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def fails(function, *arguments, code=1):
    with pytest.raises(BenchmarkError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == code
    return str(caught.value)
