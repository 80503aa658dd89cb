"""Writes the pages of the documentation that are computed: ``make docs-tables``."""

from __future__ import annotations

from pathlib import Path

from benchmark.metrics import ALL_MEASURES
from benchmark.plugins.registry import models
from benchmark.tables.backbones import backbones_grid
from benchmark.tables.grid import markdown
from benchmark.tables.measures import measures_grid
from benchmark.tables.methods import methods_text, peers_text
from benchmark.tables.spaces import spaces_grid

HEAD = """# Search spaces

What `ldl-benchmark run --tune` chooses from; how it does is told in [tuning](tuning.md). This page
is made by `make docs-tables`; `ldl-benchmark models --spaces` shows the same.

"""

MEASURES_HEAD = """# Measures

```bash
ldl-benchmark run --all --dataset data.mat --measures paper,JS,EMD
ldl-benchmark table 3 --out results/runs/data --measures all   # of a stored run, computes no model
ldl-benchmark measures                                         # this list
```

`--measures` chooses the columns of Table 3, of the report and of the figures `boxes` and `ranks`,
by the name or the column title; `paper` stands for the paper's seven, `all` for all below. Ranks,
the mean rank, the gap to the oracle and the tests of significance are over the chosen ones. What
is computed does not depend on them: scores are made of stored predictions, so an old run gets new
measures at once. `table tests --measure NAME` and `figure --measure NAME` take any of them.
`compare` and the tables 4, wheel and tuned keep their own.

The calibration error belongs to the rows of a test fold together: it has means, ranks and tests
over folds, but single instances have no value, so there are no bootstrap intervals and no effect
sizes. The earth mover's distances take the labels in the order of the columns. In Python,
`benchmark.metrics.scores(D, P, ALL_MEASURES)` scores any predictions.

## One's own

```python
import numpy as np

from benchmark import register_measure


@register_measure("hellinger", title="Hell", higher_is_better=False, range=(0, 1), best=0)
def hellinger(D, P):
    \"\"\"Hellinger distance, sqrt(sum_j (sqrt d_j - sqrt p_j)^2 / 2), in [0, 1].

    Source: Hellinger (1909).
    \"\"\"
    return np.sqrt(((np.sqrt(D) - np.sqrt(P)) ** 2).sum(axis=1) / 2)
```

in a session, or in a file: `run ... --plugin mine.py --measures paper,hellinger`; `table`,
`figure`, `report` and `measures` take `--plugin` too, and `ldl-benchmark check mine.py` checks it:
one finite value per row within the range, the same at every call and whatever the other rows are,
D and P unchanged, and `best` reached where P = D and nowhere beaten. A measure of all rows
together is declared with `per_row=False` and returns one number. One that raises, or breaks this
on a run's data, has no column, and the notes say why; the run and the other columns are as they
would be. An installed package offers measures under the entry point group
`ldl_benchmark.measures`.

"""


BACKBONES = """# Backbones

```bash
ldl-benchmark backbones                                         # this list, and what is here
```

```sh no-run: needs a network
ldl-benchmark backbones fetch EfficientNetV2B0                  # to where Keras keeps downloads
ldl-benchmark backbones fetch vgg16 --weights torchvision --to weights
ldl-benchmark run --all --dataset Emotion6 --backbone vgg16 --weights weights
```

The networks that images go through: `--backbone NAME` takes any of them, for features and as the
body of DLDL, EW-MTCNN and the networks of Table 4; case, hyphens and underscores do not matter. How
to work with weights, offline too, is told in [images and networks](images.md#weights).
`make test-backbones` reads a file of random weights into each network of keras.applications, by
Keras and here, and compares what both give: all agree. This page is made by `make docs-tables`.

"""

METHODS = """# Methods

What the rows of tables and of the [leaderboard](../results/leaderboard/leaderboard.md) are. What
`--tune` chooses from is told in [search spaces](search_spaces.md). This page is made by
`make docs-tables`; `ldl-benchmark models --all` shows the same in brief.

"""


def main() -> None:
    """Write the pages of search spaces, methods, backbones and measures."""
    entries = [entry for entry in models().values() if not entry.source]
    pages = {
        "search_spaces": HEAD + markdown(spaces_grid(entries)),
        "methods": f"{METHODS}{methods_text(entries)}\n{peers_text()}",
        "backbones": BACKBONES + markdown(backbones_grid()),
        "measures": MEASURES_HEAD + markdown(measures_grid(ALL_MEASURES)),
    }
    for name, text in pages.items():
        Path(__file__).with_name(f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
