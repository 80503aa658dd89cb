"""The width at which figures are printed, their style file, colours, and what LaTeX takes in.

Also tests `benchmark.figures.in_latex`.
"""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from made import make_evidence
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmark.errors import UsageError
from benchmark.figures.base import Drawing, colours, model_style, shortened, wide, written
from benchmark.figures.catalogue import FIGURES, draw_one
from benchmark.figures.choice import Choice
from benchmark.figures.in_latex import as_latex
from benchmark.figures.lettering import lacking_fonts
from benchmark.figures.look import Look, copy_style, drawn_with, look, read_look, read_style
from ewmtcnn.wheel import MIKELS


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Twenty models on three datasets."""
    errors = np.linspace(0.1, 0.6, 20)
    models = {f"Method of a name {i}": float(error) for i, error in enumerate(errors)}
    folder, datasets = tmp_path_factory.mktemp("run"), {"one": 30, "two": 30, "three": 30}
    found = make_evidence(folder, models, datasets, labels=MIKELS, folds=3)
    for result in found.results.values():
        result.record["history"] = [1.0, 0.7, 0.6]
    return found


def texts_of(figure):
    """Texts that are shown, with their boxes in pixels."""
    figure.draw_without_rendering()
    axes = [axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)]
    hidden = {
        label
        for axis in axes
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not axis.get_visible()
        or not axis.axes.axison
        or not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }
    shown = [
        t
        for t in figure.findobj(Text)
        if t.get_visible() and t.get_text().strip() and t not in hidden
    ]
    return [(text, text.get_window_extent()) for text in shown]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FIGURES if name != "5"])
@pytest.mark.parametrize("width", ["column", "12"])
def test_type_has_seven_to_nine_points_at_the_width_and_nothing_overlaps(crowd, name, width):
    with drawn_with(read_look(width)):
        figure = draw_one(FIGURES[name], crowd, Choice()).outcome.figure
    inches, high = figure.get_size_inches()
    assert inches == pytest.approx({"column": 3.5, "12": 12 / 2.54}[width])
    assert high <= 8.6  # of twenty models, with room for a caption
    page = written(figure, "pdf")
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", page)
    assert float(box[1]) == pytest.approx(72 * inches, abs=0.1)
    found = texts_of(figure)
    assert {7 <= text.get_fontsize() <= 9 for text, _ in found} == {True}
    edge = figure.bbox
    upright = [(t, b) for t, b in found if t.get_rotation() in (0, 90)]
    for text, box in upright:
        assert box.x0 > edge.x0 - 3, text
        assert box.x1 < edge.x1 + 3, text
    for (one, a), (two, b) in itertools.combinations(upright, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 3 or down < 3, (name, one.get_text(), two.get_text())


def test_one_model_and_two_folds_fill_the_width(tmp_path):
    evidence = make_evidence(tmp_path, {"A": 0.3}, {"one": 20}, folds=2)
    with drawn_with(read_look("column")):
        for name in ("boxes", "calibration", "cost", "ranks"):
            figure = draw_one(FIGURES[name], evidence, Choice()).outcome.figure
            assert figure.get_size_inches()[0] == 3.5


def test_what_a_page_is_too_low_for_is_named_and_can_be_chosen(crowd):
    with drawn_with(read_look("column")):
        boxes = draw_one(FIGURES["boxes"], crowd, Choice()).outcome
        one = draw_one(FIGURES["boxes"], crowd, Choice(measure="accuracy")).outcome
    shown = set(boxes.data["measure"])
    assert "Left out, since the page is not high enough:" in boxes.caption
    assert shown < {measure.name for measure in crowd.measures}
    assert set(one.data["measure"]) == {"accuracy"}
    assert "Left out" not in one.caption
    whole = draw_one(FIGURES["boxes"], crowd, Choice()).outcome
    assert len(set(whole.data["measure"])) == len(crowd.measures)


def test_forty_models_fit_on_a_page(tmp_path):
    models = {f"A long model name number {i}": 0.1 + i / 80 for i in range(40)}
    evidence = make_evidence(tmp_path, models, {"one": 20, "two": 20, "three": 20}, folds=2)
    for name, width in itertools.product(("critical", "ranks"), ("column", "page")):
        with drawn_with(read_look(width)):
            figure = draw_one(FIGURES[name], evidence, Choice()).outcome.figure
        assert figure.get_size_inches()[1] <= 8.01
        upright = [(t, b) for t, b in texts_of(figure) if t.get_rotation() == 0]
        for (one, a), (two, b) in itertools.combinations(upright, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 2 or down < 2, (name, width, one.get_text(), two.get_text())


def test_widths_are_read_or_refused():
    assert read_look("COLUMN").width == 3.5
    assert read_look("12.7").width == read_look(12.7).width == read_look("12.7 cm").width == 5.0
    assert read_look() == look() == Look()
    for wrong in ("colum", "3", "-1", "nan", "1e9", "wide"):
        with pytest.raises(UsageError, match=r"width is column, page or|centimetres wide, not"):
            read_look(wrong)


def test_a_changed_copy_of_the_style_changes_figures(crowd, tmp_path):
    path = copy_style(tmp_path / "new")
    assert read_style(path) == read_style(copy_style(tmp_path / "other"))
    with pytest.raises(UsageError, match="is there already"):
        copy_style(tmp_path / "new")
    text = path.read_text(encoding="utf-8")
    text = text.replace("legend.fontsize: 7", "legend.fontsize: 9").replace("0072B2", "FF0000")
    path.write_text(text + "\nfigure.figsize: 1, 1\nsavefig.bbox: tight\n", encoding="utf-8")
    with drawn_with(read_look("column", path)):
        assert colours()[0].lower() == "#ff0000"
        figure = draw_one(FIGURES["cost"], crowd, Choice()).outcome.figure
    assert figure.legends[0].get_texts()[0].get_fontsize() == 9
    assert figure.get_size_inches()[0] == 3.5
    assert colours()[0] == "#0072B2"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"font.size: big", "Could not convert 'big'"),
        (b"font.siz: 8", "Bad key font.siz"),
        (b"\xff\xfe\x00", "is no style file of matplotlib"),
        (None, "there is no style file"),
    ],
)
def test_a_faulty_style_file_is_one_sentence(tmp_path, content, said, caplog):
    path = tmp_path / "mine.mplstyle"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        read_look(style=path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_latex_takes_the_figure_at_its_width(crowd):
    found = {}
    for width in ("column", "page", "12.5"):
        with drawn_with(read_look(width)):
            found[width] = as_latex(
                draw_one(FIGURES["ranks"], crowd, Choice(dataset="one")).outcome
            )
    assert "\\begin{figure}\n" in found["column"]
    assert "\\begin{figure*}\n" in found["page"]
    assert r"\includegraphics[width=\columnwidth]{ranks-one}" in found["column"]
    assert r"\includegraphics[width=\textwidth]{ranks-one}" in found["page"]
    assert r"\includegraphics[width=12.50cm]{ranks-one}" in found["12.5"]
    assert r"\label{fig:ranks-one}" in found["column"]
    assert r"\ldlcjk" not in found["column"]


def test_a_chinese_caption_in_latex_defines_what_it_uses():
    drawing = Drawing("ranks", Figure((3, 2)), pd.DataFrame(), "情感 and Я")
    before, _, after = as_latex(drawing).partition(r"\begin{figure}")
    for command in (r"\ldlcjk", r"\ldlchar"):
        assert rf"\def{command}#1" in before
        assert f"{command}{{" in after


# Brettel-like simulation by Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
}  # fmt: skip


def lab(colour, matrix):
    """CIELAB (D65) of a colour as somebody sees it."""
    c = np.array(to_rgb(colour))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    t = to_xyz @ seen / (0.9505, 1.0, 1.089)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", BLINDNESS)
def test_models_are_told_apart_by_everybody(seen):
    """Neighbours by colour; whatever comes near another in colour has another marker and line."""
    matrix, names = BLINDNESS[seen], [str(i) for i in range(40)]
    styles = [model_style(names, name) for name in names]
    seen_as = [lab(style["color"], matrix) for style in styles]
    near = 0
    for (one, a), (two, b) in itertools.combinations(zip(styles, seen_as, strict=True), 2):
        if np.linalg.norm(a - b) < 12:  # hard to tell apart on small marks
            near += 1
            assert (one["marker"], one["linestyle"]) != (two["marker"], two["linestyle"])
    assert near  # seven colours for forty models
    for one, two in itertools.pairwise(styles[:20]):
        assert one["marker"] != two["marker"]
        assert one["linestyle"] != two["linestyle"]
    gaps = [np.linalg.norm(a - b) for a, b in itertools.pairwise(seen_as[:7])]
    assert min(gaps) > (6 if seen == "grey" else 12), gaps


def test_wide_characters_count_twice():
    assert [wide(text) for text in ("abc", "标签", "a标")] == [3, 4, 3]
    (cut,) = shortened(["标签分布学习的一种很长的方法"], 11)
    assert "…" in cut
    assert wide(cut) <= 11
    assert cut[0] == "标"
    assert cut[-1] == "法"


def test_many_long_names_keep_what_tells_them_apart():
    names = [f"A long model name number {i} (tuned)" for i in range(40)]
    for name, cut in zip(names, shortened(names, 18), strict=True):
        assert wide(cut) <= 18
        assert cut.endswith(name.removeprefix("A long model name number ")), cut


def test_a_font_that_is_lacking_is_named(monkeypatch):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle("标签 loss")
    monkeypatch.setattr("benchmark.figures.lettering._wide_fonts", list)
    assert "no font of this machine has 标签, so" in lacking_fonts(figure)
    figure.suptitle("loss")
    assert not lacking_fonts(figure)


def test_chinese_names_are_text_in_a_pdf_where_a_font_is_installed():
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle("标签分布")
    if lacking_fonts(figure):
        pytest.skip("no font with Chinese characters is installed")
    assert b"DejaVuSans" not in written(figure, "pdf")
