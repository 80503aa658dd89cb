"""The checks of features and distributions: what passes, what is rounding, what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.checks import (
    NEGATIVE_TOLERANCE,
    SUM_TOLERANCE,
    check_distributions,
    check_features,
    check_images,
)


def test_checks_leave_good_matrices_alone(problem):
    X, D = problem
    assert check_features(X) is X
    assert check_distributions(D) is D
    frame_like = [[0, 1], [1, 0]]
    assert check_distributions(frame_like).dtype == np.float64


@pytest.mark.parametrize("values", [3.0, [1.0, 2.0], [[]], [["a"]], np.zeros((2, 2, 2))])
def test_other_shapes_are_refused(values):
    with pytest.raises(ValueError, match="matrix"):
        check_features(values)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="X has masked values"):
        check_features(np.ma.masked_equal([[1.0, 2.0]], 2.0))
    with pytest.raises(ValueError, match="X is not a matrix of numbers: it has times"):
        check_features(np.array([["2020-01-01", "2020-01-02"]], dtype="M8[D]"))
    with pytest.raises(ValueError, match="X is not a matrix of numbers: int too large"):
        check_features([[10**400, 1]])
    with pytest.raises(ValueError, match="X must be images"):
        check_images(np.zeros((2, 4, 4, 3)))


@pytest.mark.parametrize("value", [-1e-17, -6e-8, -NEGATIVE_TOLERANCE])
def test_a_share_that_is_negative_by_rounding_is_zero_and_nothing_else_changes(value):
    D = np.array([[0.25, 0.75, 0.0], [value, 1 / 3, 2 / 3], [-0.0, 1.0, 0.0]])
    checked = check_distributions(D)
    assert checked[1, 0] == 0
    assert not np.signbit(checked[1, 0])
    checked[1, 0] = value
    assert checked.tobytes() == D.tobytes()  # not rescaled, and -0.0 is still there


def test_values_that_are_wrong_are_shown():
    D = np.full((6, 2), 0.5)
    D[[2, 4]] = [[1.01, -0.01], [1.5, -0.5]]
    with pytest.raises(ValueError, match="D has negative values in rows 2, 4 ") as caught:
        check_distributions(D)
    assert str(caught.value).endswith("(the first is -0.01, in column 1)")
    with pytest.raises(ValueError, match=r"\(the first is -0.01, in column 'joy'\)"):
        check_distributions(D, "labels", ["anger", "joy"])
    D[1, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinite .* \(the first is nan, in column 1\)"):
        check_distributions(D)
    with pytest.raises(ValueError, match=r"in row 3 .* \(the first is -inf, in column 0\)"):
        check_features(np.where(np.arange(6)[:, None] == [3, 9], -np.inf, 1.0))


def test_a_matrix_that_lies_on_its_side_is_told():
    with pytest.raises(ValueError, match=r"sums to 1\.5; the columns do: transpose it\)"):
        check_distributions(np.full((2, 3), 0.5))


def test_the_sum_is_judged_after_rounding():
    just = np.array([[-NEGATIVE_TOLERANCE, 0.5, 0.5 - SUM_TOLERANCE + 2 * NEGATIVE_TOLERANCE]])
    assert check_distributions(just).sum() == pytest.approx(1 - SUM_TOLERANCE, abs=1e-5)
    with pytest.raises(ValueError, match=r"does not sum to 1 in row 0 .* sums to 0\.9998"):
        check_distributions([[-NEGATIVE_TOLERANCE, 0.5, 0.4998]])


def test_of_values_in_one_dimension_it_is_told_what_they_should_be():
    with pytest.raises(ValueError, match=r"its shape is \(3,\)\. Reshape your data: .reshape\(1"):
        check_features(np.ones(3))
    with pytest.raises(ValueError, match=r"its shape is \(3,\); a row is a distribution"):
        check_distributions(np.ones(3))
