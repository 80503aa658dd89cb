"""Hyper-parameters without meaning are refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.settings import check_choice, check_count, check_flag, check_number


def test_legal_values_pass():
    for value in (1, 7, np.int64(3)):
        check_count("k", value)
    for value in (0, 0.5, np.float32(2), 10**6):
        check_number("tol", value)
    check_number("share", 1.0, 0, 1, include_high=True)
    check_choice("code", "number", ("number", "binary"))


@pytest.mark.parametrize("value", [0, -1, 2.0, 2.5, True, None, "3", np.inf])
def test_counts(value):
    with pytest.raises(ValueError, match="k must be a whole number of at least 1, not"):
        check_count("k", value)


@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf, True, None, "0.5", [1.0], 1 + 2j])
def test_numbers(value):
    with pytest.raises(ValueError, match="tol must be a finite number, at least 0, not"):
        check_number("tol", value)


def test_bounds_are_named():
    with pytest.raises(ValueError, match="greater than 0 and less than 1, not 0"):
        check_number("eta", 0, 0, 1, include_low=False)
    with pytest.raises(ValueError, match="at least 0 and at most 1, not 2"):
        check_number("share", 2, 0, 1, include_high=True)


@pytest.mark.parametrize("value", ["numbers", None, 1, ["number"]])
def test_choices(value):
    with pytest.raises(ValueError, match="code must be 'number' or 'binary', not"):
        check_choice("code", value, ("number", "binary"))


def test_flags():
    for value in (True, False, np.True_):
        check_flag("whiten", value)
    for value in (1, "no", None):
        with pytest.raises(ValueError, match="whiten must be True or False, not"):
            check_flag("whiten", value)
