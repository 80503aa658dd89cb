"""Time against rank over several datasets: what a better place costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from benchmark.figures.base import MARKERS, colours, shortened, small_type, styled
from benchmark.figures.look import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def front(seconds: pd.Series[float], ranks: pd.Series[float]) -> pd.Series[bool]:
    """Tell which rows no other one beats in both: as quick and as good, and better in one."""
    beaten = [
        bool(((seconds <= s) & (ranks <= r) & ((seconds < s) | (ranks < r))).any())
        for s, r in zip(seconds, ranks, strict=True)
    ]
    return ~pd.Series(beaten, seconds.index, dtype=bool)


@styled
def draw(data: pd.DataFrame, title: str) -> Figure:
    """Draw a point per row; those that nothing beats in both have names, and one's own.

    Parameters
    ----------
    data : DataFrame
        Columns model, group, tuned, own, seconds, rank.
    title : str
        What the ranks are of.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(look().width, 4.2), layout="constrained")
    panel = figure.subplots()
    panel.set_xscale("log")
    for number, (group, part) in enumerate(data.groupby("group", sort=False)):
        for tuned, rows in part.groupby("tuned"):
            panel.plot(
                rows["seconds"], rows["rank"],
                linestyle="none", marker=MARKERS[number % len(MARKERS)], markersize=6,
                color=colours()[number % len(colours())],
                fillstyle="full" if tuned else "none",
                label=f"{group}, tuned" if tuned else str(group),
            )  # fmt: skip
    best = data[front(data["seconds"], data["rank"])].sort_values("seconds")
    panel.step(best["seconds"], best["rank"], where="post", color="0.5", linewidth=0.8, zorder=0)
    named = data[data.index.isin(best.index) | data["own"]]
    names = shortened([str(name) for name in named["model"]], 28)
    for name, x, y in zip(names, named["seconds"], named["rank"], strict=True):
        panel.annotate(
            name, (x, y), xytext=(5, 5), textcoords="offset points", fontsize=small_type()
        )
    panel.invert_yaxis()
    panel.set(xlabel="seconds to learn from a fold, median over sets", ylabel=title)
    low, high = panel.get_xlim()
    panel.set_xlim(low, high * (high / low) ** 0.12)  # room for the last name
    panel.xaxis.set_major_formatter("{x:g}")
    panel.grid()
    figure.legend(loc="outside upper center", ncols=4)
    return figure
