"""What all figures share, and what every figure has to stand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from made import make_evidence
from matplotlib.text import Text

from benchmark.errors import UsageError
from benchmark.figures import FIGURES, Choice
from benchmark.figures.base import (
    chosen_dataset,
    chosen_measure,
    chosen_models,
    complete_models,
    far_out,
    model_style,
    plain,
    shortened,
    written,
)
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


def one_sentence(error):
    text = str(error.value)
    return "\n" not in text and ". " not in text and not text.endswith(".")


@pytest.mark.slow
def test_matplotlib_is_not_loaded_before_something_is_drawn():
    code = "import sys, benchmark.figures; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FIGURES))
def test_files_are_of_their_format_and_the_same_every_time(evidence, name):
    first, second = (FIGURES[name].make(evidence, Choice()) for _ in range(2))
    for file_format, magic in MAGIC.items():
        content = written(first.figure, file_format)
        assert content.startswith(magic)
        assert content == written(second.figure, file_format)
    assert b"</svg>" in written(second.figure, "svg")
    assert first.data.equals(second.data)
    assert first.caption == second.caption == " ".join(first.caption.split())
    assert first.caption.endswith(".")


@pytest.mark.parametrize("name", list(FIGURES))
def test_no_text_is_too_small(evidence, name):
    check_texts(FIGURES[name].make(evidence, Choice()).figure)


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
    drawing = FIGURES[name].make(hostile, Choice())
    for file_format in ("pdf", "png"):
        assert written(drawing.figure, file_format)
    check_texts(drawing.figure, drawn=True)
    drawing.data.to_csv()


@pytest.mark.slow
def test_the_wheel_takes_hostile_names_of_datasets_and_models(tmp_path):
    evidence = full_evidence(tmp_path, dict.fromkeys(HOSTILE, 0.3), dict.fromkeys(HOSTILE, 15))
    for dataset in HOSTILE:
        drawing = FIGURES["wheel"].make(evidence, Choice(dataset=dataset))
    assert written(drawing.figure, "svg")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    models = {f"model number {i}": 0.03 + 0.04 * i for i in range(20)}
    datasets = {f"dataset number {i}": 40 for i in range(12)}
    return full_evidence(tmp_path_factory.mktemp("large"), models, datasets, folds=10)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FIGURES))
def test_many_models_datasets_and_folds_have_room(large, name):
    check_texts(FIGURES[name].make(large, Choice()).figure)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"repeats": 1}, {"repeats": 3}])
@pytest.mark.parametrize("name", list(FIGURES))
def test_one_model_on_one_dataset_is_enough(tmp_path, name, settings):
    evidence = full_evidence(tmp_path, {"only": 0.3}, {"small": 9}, folds=2, **settings)
    if name in NEED_MORE:
        with pytest.raises(UsageError, match=NEED_MORE[name]):
            FIGURES[name].make(evidence, Choice())
        return
    check_texts(FIGURES[name].make(evidence, Choice()).figure)


@pytest.mark.slow
@pytest.mark.parametrize("name", [k.name for k in FIGURES.values() if k.per_dataset] + ["ranks"])
def test_the_dataset_can_be_chosen(evidence, name):
    drawing = FIGURES[name].make(evidence, Choice(dataset="TWO"))
    assert drawing.name.endswith("-two")
    with pytest.raises(UsageError, match="no dataset 'thre'; did you mean 'three'") as error:
        FIGURES[name].make(evidence, Choice(dataset="thre"))
    assert one_sentence(error)


@pytest.mark.parametrize("name", ["4", "5", "boxes", "ranks", "calibration", "learning", "cost"])
def test_models_can_be_chosen(evidence, name):
    drawing = FIGURES[name].make(evidence, Choice(models=("c", "A", "C")))
    assert set(drawing.data["model"]) - {"true", "mean distribution"} == {"A", "C"}
    with pytest.raises(UsageError, match="has no model 'Z'") as error:
        FIGURES[name].make(evidence, Choice(models=("A", "Z")))
    assert one_sentence(error)


@pytest.mark.parametrize("name", ["boxes", "critical", "cost"])
def test_the_measure_can_be_chosen(evidence, name):
    assert "Cos" in " ".join(
        [
            FIGURES[name].make(evidence, Choice(measure="cosine")).caption,
            *(
                text.get_text()
                for text in FIGURES[name].make(evidence, Choice(measure="Cos")).figure.findobj(Text)
            ),
        ]
    )
    with pytest.raises(UsageError, match="no measure 'cosin'; did you mean 'cosine'") as error:
        FIGURES[name].make(evidence, Choice(measure="cosin"))
    assert one_sentence(error)


@pytest.mark.parametrize("name", ["4", "boxes", "calibration", "learning", "cost"])
def test_models_that_lack_folds_are_left_out_and_named(tmp_path, name):
    evidence = full_evidence(tmp_path, {"A": 0.2, "B": 0.5, "C": 0.8}, {"d": 30}, missing=1)
    drawing = FIGURES[name].make(evidence, Choice())
    assert "C" not in set(drawing.data["model"])
    assert "Left out, for folds without a result: C." in drawing.caption
    with pytest.raises(UsageError, match="none of C has all of its folds of d") as error:
        FIGURES[name].make(evidence, Choice(models=("C",)))
    assert one_sentence(error)


@pytest.mark.parametrize("name", ["4", "5", "boxes", "ranks", "calibration", "learning", "cost"])
def test_without_any_result_there_is_nothing_to_draw(tmp_path, name):
    evidence = full_evidence(tmp_path, {"A": 0.2}, {"d": 30, "e": 30}, missing=10)
    with pytest.raises(UsageError, match="folds") as error:
        FIGURES[name].make(evidence, Choice())
    assert one_sentence(error)


def test_the_first_dataset_is_shown_unless_another_is_chosen(evidence):
    assert chosen_dataset(evidence, Choice()) == "one"
    assert chosen_dataset(evidence, Choice(dataset="Four")) == "four"


def test_models_keep_the_order_of_the_choice_and_come_once(evidence):
    assert chosen_models(evidence, Choice(), "one") == ["A", "B", "C"]
    assert chosen_models(evidence, Choice(models=("b", "A", "B", "a")), "one") == ["B", "A"]
    assert complete_models(evidence, Choice(models=("b",)), "one") == (["B"], "")


def test_measures_go_by_name_or_title():
    for text in ("kl_divergence", "KL_Divergence", "KLdiv", "kldiv"):
        assert chosen_measure(Choice(measure=text), "cosine").name == "kl_divergence"
    assert chosen_measure(Choice(), "cosine").name == "cosine"


def test_styles_tell_models_apart():
    names = [f"m{i}" for i in range(77)]
    styles = [tuple(model_style(names, name).values()) for name in names]
    assert len(set(styles)) == 77
    assert len({style[1:] for style in styles[:44]}) == 44


def test_far_out_is_beyond_the_outer_fences():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 100.0, -60.0])
    low, high = np.percentile(values, 25), np.percentile(values, 75)
    expected = [v < low - 3 * (high - low) or v > high + 3 * (high - low) for v in values]
    assert list(far_out(values, values)) == expected
    assert expected == [False] * 5 + [True] * 2


def test_few_or_equal_values_are_not_far_out():
    assert not far_out(np.array([0.0, 0.0, 9.0]), np.array([0.0, 0.0, 9.0])).any()
    values = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.1])
    assert not far_out(values, values).any()


def test_texts_are_shown_as_they_are():
    assert plain("$x_1$\n\t汉") == r"\$x_1\$\n\t汉"


def test_shortened_names_are_short_and_stay_different():
    names = ["a" * 50, "a" * 51, "a" * 20 + "b" * 30, "short", "a\nb", "a\\nb", "\x00" * 30]
    short = shortened([*names, *names], 11)
    assert short[:7] == short[7:]
    assert len(set(short)) == 7
    assert max(map(len, short)) <= 11
    assert short[3] == "short"
    assert short[0] == "aaaaa…aaaaa"
