"""The report as a person uses it, in a real browser: Chromium without a screen."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from made import make_evidence, make_pictures
from screenshot import FLAGS, find_chromium

from benchmark.columns import as_csv
from benchmark.reporting.copies import PAIR_HEADERS
from benchmark.reporting.page import write_report
from benchmark.tables.latex import latex
from benchmark.tables.options import TableOptions
from benchmark.tables.significance import seen_from
from benchmark.tables.table3 import table3_grids
from benchmark.tables.writing import marks_of

CHROMIUM = find_chromium()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed"),
]

# Nothing of this may do anything but be shown.
SCRIPT = "<script>window.hacked = 1</script>"
END = "</script><script>window.hacked = 2</script>"
IMAGE = '"><img src=x onerror="window.hacked = 3">'
TEMPLATE = "{{ 7 * 7 }} {% raw %}"
NAMES = {SCRIPT: 0.05, END: 0.3, IMAGE: 0.31, TEMPLATE: 0.95, "Plain": 0.6}
LABELS = ("joy", "<i>fear</i>", '"anger"', END)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """Five models on two datasets, of names that are code; pictures of one dataset."""
    path = tmp_path_factory.mktemp("hostile")
    made = make_evidence(
        path, NAMES, {IMAGE: 60, "faces": 40}, labels=LABELS, folds=3, missing=1, oracle=True
    )
    make_pictures(made, IMAGE, range(60))
    made.folders[0].write_json(
        "failures.json",
        {
            "failures": [
                {"dataset": "faces", "model": "Plain", "repeat": 0, "fold": 2,
                 "error": "ValueError: " + SCRIPT, "trace": "Traceback\n" + END}
            ]
        },
    )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def address(evidence):
    return write_report(evidence).resolve().as_uri()


@pytest.fixture
def open_page(browser, address):
    """Open a page, and see in the end that it was silent and asked nobody for anything."""
    contexts, complaints = [], []

    def open_(url=address, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((url, "data:")) else complaints.append(request.url)
            ),
        )
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.hacked") is None
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page):
    return open_page()


def first_column(page, table):
    return page.locator(f"{table} tbody:first-of-type tr:visible th").all_inner_texts()


def test_names_are_shown_as_they_are(page, evidence):
    shown = page.locator("#results details table").first.locator("tbody th").all_inner_texts()
    assert shown == [*NAMES, "mean distribution", "uniform", "oracle"]
    assert page.locator("#results summary h3").first.inner_text() == IMAGE
    assert page.locator("script").count() == 3
    assert page.locator("img[src='x']").count() == 0


def test_a_click_sorts_and_another_turns_the_order(page, evidence):
    table = page.locator("#results details table").first
    rows = evidence.summary[(evidence.summary["dataset"] == IMAGE)]
    models = rows[rows["kind"] == "model"].sort_values("kl_divergence", kind="stable")
    expected = list(models["model"])
    heading = table.get_by_role("button", name="KLdiv")
    names = table.locator("tbody:first-of-type th")
    heading.click()
    assert names.all_inner_texts() == expected
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    heading.click()
    assert names.all_inner_texts() == expected[::-1]
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    below = table.locator("tbody.fixed th").all_inner_texts()
    assert below == ["mean distribution", "uniform", "oracle"]


def test_higher_is_better_sorts_the_best_first_too(page, evidence):
    table = page.locator("#results details table").first
    rows = evidence.summary[
        (evidence.summary["dataset"] == IMAGE) & (evidence.summary["kind"] == "model")
    ]
    table.get_by_role("button", name="Cos").click()
    best = rows.sort_values("cosine", ascending=False)["model"].iloc[0]
    assert table.locator("tbody:first-of-type th").first.inner_text() == best


def test_what_is_missing_is_last_in_both_directions(page):
    table = page.locator("#results details table").nth(1)  # faces, where Plain lacks a fold
    heading = table.get_by_role("button", name="KLdiv")
    for _ in range(2):
        heading.click()
        assert table.locator("tbody:first-of-type th").last.inner_text() == "Plain"


def test_the_keyboard_alone_sorts(page):
    table = page.locator("#results details table").first
    heading = table.get_by_role("button", name="Cheb")
    page.locator("#show-intervals").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if heading.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    assert table.locator("th[aria-sort]").inner_text().startswith("Cheb")


def test_filtering_hides_the_other_models(page):
    page.get_by_label("Filter models").fill("pLAin")
    for number in range(page.locator("#results details table").count()):
        table = page.locator("#results details table").nth(number)
        assert table.locator("tbody tr:visible th").all_inner_texts() == ["Plain"]
    page.get_by_label("Filter models").fill("nobody")
    assert "No model's name contains" in page.locator("#filter-empty").inner_text()


def test_intervals_appear_when_asked_for(page, evidence):
    interval = page.locator("#results details .interval").first
    assert not interval.is_visible()
    page.get_by_label("95 % intervals").check()
    assert interval.is_visible()
    ends = evidence.intervals.iloc[0]
    assert interval.inner_text() == f"{ends['low']:.4f} to {ends['high']:.4f}"


def test_pairs_are_seen_from_the_chosen_model(page, evidence):
    page.locator("#pair-measure").select_option(label="Accuracy %")
    for model in NAMES:
        page.locator("#pair-model").select_option(label=model)
        check_pairs(page, evidence, model)


def check_pairs(page, evidence, model):
    rows = evidence.pairs[
        (evidence.pairs["dataset"] == IMAGE) & (evidence.pairs["measure"] == "accuracy")
    ]
    expected = seen_from(rows, model).set_index("model_b")
    shown = page.locator("#pairs tbody tr")
    assert shown.count() == len(NAMES) - 1
    for number in range(shown.count()):
        cells = shown.nth(number).locator("th, td").all_inner_texts()
        row = expected.loc[cells[0]]
        assert float(cells[1].replace("\N{MINUS SIGN}", "-")) == pytest.approx(
            100 * row["difference"], abs=0.0051
        )
        assert float(cells[8]) == pytest.approx(100 * row["share_won"], abs=0.51)
        if np.isnan(row["p_holm"]):
            gap = "\N{EN DASH}"
            assert cells[2:7] == [gap, "no test", gap, gap, gap]
            continue
        low, high = (float(end.replace("\N{MINUS SIGN}", "-")) for end in cells[2].split(" to "))
        assert (low, high) == pytest.approx((100 * row["low"], 100 * row["high"]), abs=0.011)
        assert ("*" in cells[3]) == (row["p_holm"] < 0.05)
        chances = [float(cell) for cell in cells[4:7]]
        assert chances == pytest.approx(
            [100 * row[p] for p in ("p_a_better", "p_equivalent", "p_b_better")], abs=0.51
        )
    untested = int(expected["p_holm"].isna().sum())
    caption = page.locator("#pairs caption").inner_text()
    assert (f"No test of {untested} of {len(NAMES) - 1}: " in caption) == (untested > 0)


def divergences(page):
    texts = page.locator("#cards li .top").all_inner_texts()
    return [float(text.split("KL ")[1].split()[0]) for text in texts]


def test_instances_come_worst_or_best_first(page, evidence):
    page.locator("#instance-model").select_option(label="Plain")
    values = np.sort(evidence.values[IMAGE]["Plain"][:, 3])
    assert divergences(page) == pytest.approx(values[::-1][:24], rel=1e-3, abs=1e-4)
    page.get_by_label("Order").select_option("best")
    assert divergences(page) == pytest.approx(values[:24], rel=1e-3, abs=1e-4)
    page.get_by_label("Order").select_option("row")
    first = page.locator("#cards li .name").first.inner_text()
    assert first == f"{IMAGE}/0.jpg"


def test_pages_go_on_to_the_last(page):
    assert page.locator("#page").inner_text() == "Page 1 of 3"
    assert page.locator("#earlier").is_disabled()
    page.locator("#later").click()
    page.locator("#later").click()
    assert page.locator("#page").inner_text() == "Page 3 of 3"
    assert page.locator("#later").is_disabled()
    assert page.locator("#cards li").count() == 60 - 48


def test_instances_can_be_chosen_by_label_and_name(page, evidence):
    truth = evidence.plan.truths[IMAGE]
    page.locator("#instance-label").select_option(label=LABELS[1])
    count = int((truth.D.argmax(axis=1) == 1).sum())
    assert page.locator("#cards li").count() == min(count, 24)
    page.locator("#instance-label").select_option(label="any")
    page.get_by_label("Name contains").fill("/17.JPG")
    assert page.locator("#cards li .name").all_inner_texts() == [f"{IMAGE}/17.jpg"]
    page.get_by_label("Name contains").fill("none of them")
    assert page.locator("#page").inner_text() == "No instance fits."


def test_one_instance_shows_the_predictions_of_all_models(page, evidence):
    page.locator("#instance-order").select_option("row")
    page.locator("#cards button").nth(3).click()
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    assert dialog.locator("h3").inner_text() == f"{IMAGE}/3.jpg"
    headings = dialog.locator("h4").all_inner_texts()
    values = {name: v[3, 3] for name, v in evidence.values[IMAGE].items()}
    expected = sorted(values, key=lambda name: round(values[name], 12))
    assert headings[0] == "True distribution"
    assert [text.rsplit(": KL", 1)[0] for text in headings[1:]] == expected
    shown = dialog.locator("img")
    assert shown.evaluate("image => image.complete && image.naturalWidth") == 96


def test_arrows_and_escape_work_in_the_dialog(page):
    page.locator("#instance-order").select_option("row")
    card = page.locator("#cards button").first
    card.focus()
    page.keyboard.press("Enter")
    title = page.locator("#instance-title")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert title.inner_text() == f"{IMAGE}/2.jpg"
    page.keyboard.press("ArrowLeft")
    assert title.inner_text() == f"{IMAGE}/1.jpg"
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert card.evaluate("button => button === document.activeElement")


def test_a_dataset_without_pictures_can_be_browsed(page):
    page.locator("#instance-dataset").select_option(label="faces")
    assert page.locator("#cards li").count() == 24
    assert page.locator("#cards img").count() == 0


def test_an_instance_that_no_model_predicted_says_so(page, evidence):
    page.locator("#instance-dataset").select_option(label="faces")
    page.locator("#instance-model").select_option(label="Plain")
    for _ in range(1):
        page.locator("#later").click()
    assert "no prediction" in page.locator("#cards").inner_text()


def test_failures_show_their_log(page):
    failure = page.locator(".failure")
    assert failure.count() == 1
    failure.locator("summary").click()
    assert failure.locator("pre").inner_text() == "Traceback\n" + END
    assert "1 task failed" in page.locator(".alert").first.inner_text()


def luminance(page, what):
    colour = page.evaluate(f"getComputedStyle(document.body).{what}")
    return sum(map(float, colour[colour.index("(") + 1 : -1].split(",")[:3])) / 3


def test_dark_and_light_follow_the_system(open_page):
    light, dark = open_page(color_scheme="light"), open_page(color_scheme="dark")
    assert luminance(light, "backgroundColor") > 200 > luminance(light, "color")
    assert luminance(dark, "backgroundColor") < 60 < luminance(dark, "color")


def test_a_phone_scrolls_tables_and_not_the_page(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#cards button").first.tap()
    assert page.locator("dialog").is_visible()
    assert page.locator("dialog").bounding_box()["width"] <= 360


def test_print_shows_everything_but_controls(page, tmp_path):
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert not page.locator("#filter").is_visible()
    assert not page.locator("#instances").is_visible()
    assert page.locator("#settings details table").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert not page.locator("#settings details table").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_without_scripts_tables_and_figures_are_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("noscript p").is_visible()
    assert page.locator("#results details table").first.is_visible()
    assert page.locator("figure img").count() > 0
    context.close()


def test_every_control_has_a_name(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input")]
            .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length"""
    )
    assert nameless == 0
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map((e) => e.id)).size") \
        == page.locator("[id]").count()  # fmt: skip


def copied(page, name, form):
    """Press a button, and paste what it copied."""
    page.locator(f".copy[data-copy='{name}'][data-form='{form}']").click()
    kind = {"latex": "LaTeX", "csv": "CSV"}[form]
    page.locator("#copied.shown", has_text=f"{kind} copied.").wait_for()
    page.evaluate("document.body.append(document.createElement('textarea'))")
    area = page.locator("body > textarea")
    area.focus()
    page.keyboard.press("Control+V")
    text = area.input_value()
    area.evaluate("area => area.remove()")
    return text


@pytest.mark.parametrize("safe", [True, False])
def test_what_is_copied_is_what_the_table_command_writes(open_page, evidence, safe):
    """Through the clipboard of safe pages, and without it."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"] if safe else [])
    if not safe:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    part = evidence.summary[evidence.summary["dataset"] == IMAGE]
    for spread in ("none", "interval", "std"):
        for kind, control in (("std", "#show-std"), ("interval", "#show-intervals")):
            page.locator(control).set_checked(spread == kind)
            assert page.locator(f"#results small.{kind}").first.is_visible() == (spread == kind)
        options = TableOptions(spread=spread)
        (grid,) = table3_grids(part, evidence.measures, options, marks_of(evidence, options))
        assert copied(page, "table3-0", "latex") == latex(grid, evidence.notes)
    assert copied(page, "table3-0", "csv") == as_csv(part)
    if safe:
        return
    # Every other table has both, too.
    for button in page.locator("button.copy:visible").all():
        button.click()
        page.locator("#copied.shown", has_text="copied.").wait_for()
    assert page.locator("table").count() == page.locator("button.copy[data-form=csv]").count()


def test_chosen_pairs_and_confusions_are_copied_as_they_are_shown(page, evidence):
    page.locator("#pair-measure").select_option(label="KLdiv")
    page.locator("#pair-model").select_option(label=END)
    rows = evidence.pairs[
        (evidence.pairs["dataset"] == IMAGE) & (evidence.pairs["measure"] == "kl_divergence")
    ]
    expected = seen_from(rows, END)
    found = pd.read_csv(io.StringIO(copied(page, "pairs", "csv")))
    assert list(found["model_b"]) == list(expected["model_b"])
    for column in found.columns[4:]:
        assert found[column].to_numpy() == pytest.approx(
            expected[column].to_numpy(), rel=1e-8, nan_ok=True
        ), column
    text = copied(page, "pairs", "latex")
    assert "Q1Q" not in text
    assert text.count(r"\textless{}") > len(NAMES)
    assert page.locator("#pairs thead th").all_inner_texts() == list(PAIR_HEADERS)
    page.locator("#confusion-model").select_option(label="Plain")
    rows = list(csv.reader(io.StringIO(copied(page, "confusion", "csv"))))
    shown = page.locator("#confusion tbody tr")
    P, D = evidence.predictions(IMAGE)["Plain"], evidence.plan.truths[IMAGE].D
    right = (P.argmax(axis=1) == D.argmax(axis=1)).mean()
    assert (
        f"60 instances, {100 * right:.2f} % on the diagonal"
        in page.locator("#confusion caption").inner_text()
    )
    for number, label in enumerate(LABELS):
        cells = shown.nth(number).locator("th, td").all_inner_texts()
        assert rows[number + 1] == [IMAGE, "Plain", label, *cells[1:-1]]
    assert "Q1Q" not in copied(page, "confusion", "latex")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(open_page, scheme):
    page = open_page(color_scheme=scheme)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    found = Axe().run(page).response
    assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []
    assert "color-contrast" in [rule["id"] for rule in found["passes"]]


def test_figures_are_dark_on_a_dark_page_and_photographs_are_not_turned(open_page):
    from PIL import Image

    light, dark = (
        open_page(color_scheme=scheme).locator("figure img").first for scheme in ("light", "dark")
    )
    a, b = (
        np.asarray(Image.open(io.BytesIO(shot.screenshot())).convert("RGB"), dtype=float)
        for shot in (light, dark)
    )
    assert a.shape == b.shape
    edge = (slice(12, 20), slice(12, 20))
    assert a[edge].mean() > 240
    assert b[edge].mean() < 15
    # Samples lie in the upper half; their pictures are noise of all colours.
    noisy = np.ptp(a, axis=2) > 60
    assert noisy.mean() > 0.02
    assert np.abs(a - b).max(axis=2)[noisy].mean() < 60


def test_a_wide_table_is_printed_whole_and_legible(open_page, tmp_path):
    """20 rows and 12 columns, on A4 upright and across; 30 columns in blocks."""
    pdfplumber = pytest.importorskip("pdfplumber")
    page = open_page()
    page.evaluate(
        """() => {
            const parts = document.querySelectorAll("section");
            for (const part of parts) part.hidden = part.id !== "results";
            const table = document.querySelector("#results details table");
            const body = table.tBodies[0];
            while (body.rows.length < 20) body.append(body.rows[0].cloneNode(true));
            const widen = (table, width) => {
                for (const row of table.rows)
                    while (row.cells.length < width) row.append(row.cells[3].cloneNode(true));
            };
            const wide = table.cloneNode(true);
            table.after(wide);
            widen(table, 13);
            widen(wide, 31);
            const mark = (rows, digit) => [...rows].forEach((row, i) => {
                row.cells[row.cells.length - 1].textContent = `${digit}.${1000 + i}`;
            });
            mark(body.rows, 9);
            mark(wide.tBodies[0].rows, 8);
        }"""
    )
    for landscape in (False, True):
        file = tmp_path / "printed.pdf"
        page.pdf(path=file, format="A4", landscape=landscape)
        with pdfplumber.open(file) as pdf:
            for sheet in pdf.pages:
                chars = [c for c in sheet.chars if c["text"].strip()]
                assert min(round(c["size"], 2) for c in chars) >= 7
                assert min(c["x0"] for c in chars) > 20
                assert max(c["x1"] for c in chars) < sheet.width - 20
            text = "".join(sheet.extract_text() for sheet in pdf.pages)
        for number in range(20):
            assert f"9.{1000 + number}" in text
            assert f"8.{1000 + number}" in text


def test_many_images_are_sampled_and_it_says_so(open_page, tmp_path):
    made = make_evidence(tmp_path, {"A": 0.2, "B": 0.4}, {"many": 20_000}, folds=2)
    report = write_report(made)
    assert report.stat().st_size < 5_000_000
    page = open_page(report.resolve().as_uri())
    assert "400 of 20,000 instances" in page.locator("#instance-note").inner_text()
    page.locator("#instance-model").select_option(label="B")
    worst = np.sort(made.values["many"]["B"][:, 3])[::-1][:5]
    assert divergences(page)[:5] == pytest.approx(worst, rel=1e-3)
