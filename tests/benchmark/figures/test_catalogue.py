"""What every figure must stand, names in any script (lettering) too, and which a run can show.

Also tests `benchmark.figures.lettering`.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from made import make_evidence
from matplotlib.text import Text

from benchmark.errors import UsageError
from benchmark.figures.base import Drawing, written
from benchmark.figures.catalogue import FIGURES, Attempt, draw_all, draw_one, find_kind, reasons
from benchmark.figures.choice import Choice, NotShown
from benchmark.figures.lettering import quiet_fonts
from ewmtcnn.wheel import MIKELS

HOSTILE = (
    "<script>alert(1)</script>", "$x_1$", "_^%", "{}", "{label}", "汉字标签分布", "new\nline",
    "new\\nline", "W" * 200, "$", "\\", "all", "model", "label",
)  # fmt: skip

MAGIC = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n"}

# Where one dataset or one model is too little.
NEED_MORE = {"5": "two datasets", "critical": "at least 3 datasets"}


def full_evidence(path, models, datasets, **settings):
    """Evidence that has what any of the figures shows."""
    evidence = make_evidence(path, models, datasets, **{"labels": MIKELS, **settings})
    for number, result in enumerate(evidence.results.values()):
        result.record["history"] = [1.0 / (1 + epoch) for epoch in range(3 + number % 2)]
    truths = {
        name: replace(truth, sigma=0.25 * number)
        for number, (name, truth) in enumerate(evidence.plan.truths.items())
    }
    return replace(evidence, plan=replace(evidence.plan, truths=truths))


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    models = {"A": 0.2, "B": 0.5, "C": 0.8}
    datasets = {"one": 24, "two": 24, "three": 24, "four": 24}
    return full_evidence(tmp_path_factory.mktemp("run"), models, datasets, folds=3)


def check_texts(figure, drawn=False):
    """Every text is at least 7 points high; formulas would have smaller parts."""
    if not drawn:
        with quiet_fonts():
            figure.draw_without_rendering()
    shown = [text for text in figure.findobj(Text) if text.get_text().strip()]
    assert shown
    assert min(text.get_fontsize() for text in shown) >= 7
    assert not [text for text in shown if "$" in text.get_text().replace(r"\$", "")]


def draw(name, evidence, choice):
    """The drawing, or why there is none."""
    return draw_one(FIGURES[name], evidence, choice).outcome


def one_clause(text):
    return "\n" not in text and ". " not in text and not text.endswith(".")


@pytest.mark.slow
def test_matplotlib_is_not_loaded_before_something_is_drawn():
    code = "import sys, benchmark.figures; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FIGURES))
def test_files_are_of_their_format_and_the_same_every_time(evidence, name):
    first, second = (draw(name, evidence, Choice()) for _ in range(2))
    for file_format, magic in MAGIC.items():
        content = written(first.figure, file_format)
        assert content.startswith(magic)
        assert content == written(second.figure, file_format)
    assert b"</svg>" in written(second.figure, "svg")
    assert first.data.equals(second.data)
    assert first.caption == second.caption == " ".join(first.caption.split())
    assert first.caption.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FIGURES))
def test_no_text_is_too_small(evidence, name):
    check_texts(draw(name, evidence, Choice()).figure)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    models = {name: 0.1 + 0.06 * i for i, name in enumerate(HOSTILE)}
    datasets = dict.fromkeys(HOSTILE, 15)
    return full_evidence(
        tmp_path_factory.mktemp("hostile"), models, datasets, folds=2, labels=HOSTILE
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FIGURES if name != "wheel"])
def test_names_are_only_names(hostile, name):
    drawing = draw(name, hostile, Choice())
    for file_format in ("pdf", "png"):
        assert written(drawing.figure, file_format)
    check_texts(drawing.figure, drawn=True)
    drawing.data.to_csv()


@pytest.mark.slow
def test_the_wheel_takes_hostile_names_of_datasets_and_models(tmp_path):
    evidence = full_evidence(tmp_path, dict.fromkeys(HOSTILE, 0.3), dict.fromkeys(HOSTILE, 15))
    for dataset in HOSTILE:
        drawing = draw("wheel", evidence, Choice(dataset=dataset))
    assert written(drawing.figure, "svg")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    models = {f"model number {i}": 0.03 + 0.04 * i for i in range(20)}
    datasets = {f"dataset number {i}": 40 for i in range(12)}
    return full_evidence(tmp_path_factory.mktemp("large"), models, datasets, folds=10)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FIGURES))
def test_many_models_datasets_and_folds_have_room(large, name):
    check_texts(draw(name, large, Choice()).figure)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"repeats": 1}, {"repeats": 3}])
@pytest.mark.parametrize("name", list(FIGURES))
def test_one_model_on_one_dataset_is_enough(tmp_path, name, settings):
    evidence = full_evidence(tmp_path, {"only": 0.3}, {"small": 9}, folds=2, **settings)
    if name in NEED_MORE:
        assert NEED_MORE[name] in draw(name, evidence, Choice()).reason
        return
    check_texts(draw(name, evidence, Choice()).figure)


@pytest.mark.slow
@pytest.mark.parametrize("name", [k.name for k in FIGURES.values() if k.per_dataset] + ["ranks"])
def test_the_dataset_can_be_chosen(evidence, name):
    drawing = draw(name, evidence, Choice(dataset="TWO"))
    assert drawing.name.endswith("-two")


@pytest.mark.parametrize("name", ["4", "5", "boxes", "ranks", "calibration", "learning", "cost"])
def test_models_can_be_chosen(evidence, name):
    drawing = draw(name, evidence, Choice(models=("c", "A", "C")))
    assert set(drawing.data["model"]) - {"true", "mean distribution"} == {"A", "C"}


@pytest.mark.parametrize("name", ["boxes", "critical", "cost"])
def test_the_measure_can_be_chosen(evidence, name):
    assert "Cos" in " ".join(
        [
            draw(name, evidence, Choice(measure="cosine")).caption,
            *(
                text.get_text()
                for text in draw(name, evidence, Choice(measure="Cos")).figure.findobj(Text)
            ),
        ]
    )


@pytest.mark.parametrize("name", ["4", "boxes", "calibration", "learning", "cost"])
def test_models_that_lack_folds_are_left_out_and_named(tmp_path, name):
    evidence = full_evidence(tmp_path, {"A": 0.2, "B": 0.5, "C": 0.8}, {"d": 30}, missing=1)
    drawing = draw(name, evidence, Choice())
    assert "C" not in set(drawing.data["model"])
    assert "Left out, for folds without a result: C." in drawing.caption
    reason = draw(name, evidence, Choice(models=("C",))).reason
    assert reason.startswith("none of C has all of its folds")
    assert one_clause(reason)


@pytest.mark.parametrize("name", ["4", "5", "boxes", "ranks", "calibration", "learning", "cost"])
def test_without_any_result_there_is_nothing_to_draw(tmp_path, name):
    evidence = full_evidence(tmp_path, {"A": 0.2}, {"d": 30, "e": 30}, missing=10)
    reason = draw(name, evidence, Choice()).reason
    assert "folds" in reason
    assert one_clause(reason)


UNKNOWN = {
    "no dataset 'thre'; did you mean 'three'": Choice(dataset="thre"),
    "no model 'Z'": Choice(models=("A", "Z")),
    "no measure 'cosin'; did you mean 'cosine'": Choice(measure="cosin"),
}


@pytest.mark.parametrize("sentence", list(UNKNOWN))
@pytest.mark.parametrize("name", [*FIGURES, "all"])
def test_a_name_that_is_not_there_is_told_whatever_the_figure(evidence, name, sentence):
    def show():
        if name == "all":
            return list(draw_all(evidence, UNKNOWN[sentence]))
        return draw(name, evidence, UNKNOWN[sentence])

    with pytest.raises(UsageError, match=sentence.replace("?", r"\?")):
        show()


def test_an_unknown_figure_is_told():
    with pytest.raises(UsageError, match="there is no figure 'boxs'; did you mean 'boxes'"):
        find_kind("boxs")
    assert find_kind("Boxes") is FIGURES["boxes"]


@pytest.mark.slow
def test_a_figure_is_drawn_exactly_where_nothing_speaks_against_it(tmp_path):
    """Runs that lack more and more: a reason for every figure that is not drawn, else a drawing."""
    settings = [
        {"missing": 0}, {"missing": 1}, {"missing": 9}, {"missing": 18},
        {"missing": 0, "labels": ("x", "y")},
    ]  # fmt: skip
    for number, lacks in enumerate(settings):
        path, models = tmp_path / str(number), {"A": 0.2, "B": 0.5}
        evidence = make_evidence(path, models, {"d": 30, "e": 30, "f": 30}, folds=3, **lacks)
        choices = [Choice(), Choice(models=("B",)), Choice(dataset="e")]
        for choice in choices if lacks["missing"] else choices[:1]:
            for attempt in draw_all(evidence, choice):
                why_not = attempt.kind.why_not(evidence, replace(choice, dataset=attempt.dataset))
                assert isinstance(attempt.outcome, Drawing | NotShown)
                assert isinstance(attempt.outcome, NotShown) == (why_not is not None)


@pytest.mark.slow
def test_figures_of_one_dataset_are_drawn_for_each_or_the_chosen(evidence):
    found = [(a.kind.name, a.dataset) for a in draw_all(evidence, Choice())]
    whole = [kind.name for kind in FIGURES.values() if not kind.per_dataset]
    single = [kind.name for kind in FIGURES.values() if kind.per_dataset]
    datasets = ["one", "two", "three", "four"]
    expected = {*((name, "") for name in whole), *((n, d) for n in single for d in datasets)}
    assert len(found) == len(expected)
    assert set(found) == expected
    chosen = {(a.kind.name, a.dataset) for a in draw_all(evidence, Choice(dataset="Two"))}
    assert chosen == {*((name, "") for name in whole), *((name, "two") for name in single)}


def test_figures_that_lack_the_same_are_named_together():
    def attempt(name, dataset, reason):
        return Attempt(FIGURES[name], dataset, NotShown(reason))

    found = reasons(
        [
            attempt("4", "d", "no folds"), attempt("4", "e", "no folds"), attempt("5", "", "few"),
            attempt("cost", "d", "no folds"), attempt("cost", "e", "no folds"),
            attempt("learning", "d", "no folds"),
            Attempt(FIGURES["1"], "d", Drawing("figure1-d", None, None, "")),
        ]
    )  # fmt: skip
    assert found == [
        "figures 4 and cost of d and e cannot be drawn: no folds",
        "figure 5 cannot be drawn: few",
        "figure learning of d cannot be drawn: no folds",
    ]
