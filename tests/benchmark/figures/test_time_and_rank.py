"""Time against rank: which rows nothing beats in both, and that these have names."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.figures.time_and_rank import draw, front


def test_the_front_is_what_a_search_of_all_pairs_finds():
    rng = np.random.default_rng(0)
    seconds, ranks = (pd.Series(rng.integers(1, 9, 40).astype(float)) for _ in range(2))
    pairs = list(zip(seconds, ranks, strict=True))
    expected = [not any(s <= t and r <= q and (s, r) != (t, q) for s, r in pairs) for t, q in pairs]
    assert list(front(seconds, ranks)) == expected
    assert 0 < sum(expected) < 40


def test_rows_of_the_front_have_names():
    data = pd.DataFrame(
        {"model": ["quick", "good", "neither", "mine"], "group": ["paper", *["own"] * 3],
         "tuned": [False, True, False, False], "own": [False, False, False, True],
         "seconds": [0.01, 10.0, 20.0, 30.0], "rank": [3.0, 1.0, 2.0, 4.0]}
    )  # fmt: skip
    panel = draw(data, "mean rank").axes[0]
    assert [text.get_text() for text in panel.texts] == ["quick", "good", "mine"]
    assert panel.yaxis_inverted()
