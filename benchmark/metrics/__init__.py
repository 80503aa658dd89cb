"""The measures of label distribution learning, vectorised.

Each is a function ``(D, P)`` of the true and the predicted distributions, both (n, c). Its docs
tell formula, range and source; `Measure` tells its direction.
"""

from benchmark.metrics.base import EPS, TOLERANCE, Measure, MeasureError, pair
from benchmark.metrics.calibration import expected_calibration_error
from benchmark.metrics.distances import (
    euclidean,
    fidelity,
    jensen_shannon,
    mean_absolute_error,
    sorensen,
    squared_chi_square,
)
from benchmark.metrics.known import (
    ALL_MEASURES,
    BY_NAME,
    FURTHER,
    REGISTERED,
    counted,
    installed_problems,
    known_measures,
    named,
    scores,
)
from benchmark.metrics.ordered import circular_emd, earth_movers_distance
from benchmark.metrics.paper import (
    MEASURES,
    PAPERS_MEASURES,
    accuracy,
    canberra,
    chebyshev,
    clark,
    cosine,
    intersection,
    kl_divergence,
    tie_aware_accuracy,
)
from benchmark.metrics.ranking import kendall, spearman, top_k_accuracy
from benchmark.metrics.scoring import scorer

__all__ = [
    "ALL_MEASURES",
    "BY_NAME",
    "EPS",
    "FURTHER",
    "MEASURES",
    "PAPERS_MEASURES",
    "REGISTERED",
    "TOLERANCE",
    "Measure",
    "MeasureError",
    "accuracy",
    "canberra",
    "chebyshev",
    "circular_emd",
    "clark",
    "cosine",
    "counted",
    "earth_movers_distance",
    "euclidean",
    "expected_calibration_error",
    "fidelity",
    "installed_problems",
    "intersection",
    "jensen_shannon",
    "kendall",
    "kl_divergence",
    "known_measures",
    "mean_absolute_error",
    "named",
    "pair",
    "scorer",
    "scores",
    "sorensen",
    "spearman",
    "squared_chi_square",
    "tie_aware_accuracy",
    "top_k_accuracy",
]
