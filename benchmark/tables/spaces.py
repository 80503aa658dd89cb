"""The table of search spaces: what tuning chooses from, model by model."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.planning.protocol import Tuning
from benchmark.plugins.parameters import default_params
from benchmark.plugins.registry import Entry
from benchmark.plugins.spaces import configurations, search_space, value_text
from benchmark.tables.grid import Grid, text_cells
from benchmark.wording import GAP


def spaces_grid(entries: Iterable[Entry]) -> Grid:
    """Lay out the search spaces of models: a row for every mapping, its values in their order.

    Parameters
    ----------
    entries : iterable of Entry
        Models, of which those that declare no space are left out.

    Returns
    -------
    Grid
    """
    tuning = Tuning()
    rows = []
    for entry in entries:
        cls = entry.load()
        is_network = getattr(cls, "consumes", "features") != "features"
        budget = tuning.network_budget if is_network else tuning.budget
        own = default_params(cls)
        number = len(configurations(cls, own, budget, 0))
        for part in search_space(cls):
            words = [
                f"{name}: {', '.join(map(value_text, values))}" for name, values in part.items()
            ]
            used = ", ".join(f"{name} = {value_text(own[name])}" for name in part)
            rows.append(text_cells([entry.name, "; ".join(words), used, str(number)]))
    return Grid(
        caption="What tuning chooses from",
        headers=["Model", "Values, the simplest first", "By default", "Configurations"],
        cells=rows or [text_cells([GAP] * 4)],
        notes=[
            "Every combination of a row's values is tried, and the model's own settings; of a "
            "space that has more than the budget "
            f"({tuning.budget}, networks {tuning.network_budget}) scikit-learn's ParameterSampler "
            "draws so many with the run's seed. The first value of each together is the end of "
            "the space that comes near the mean training distribution.",
        ],
    )
