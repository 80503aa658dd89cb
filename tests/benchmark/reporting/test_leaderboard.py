"""The leaderboard as a person uses it, in a real browser: sorted, filtered, with hostile names."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from made import make_evidence
from made_reference import only, stored
from screenshot import FLAGS, find_chromium

from benchmark.metrics import BY_NAME, MEASURES
from benchmark.reference.collecting import collect
from benchmark.reference.leaderboard import rank_all
from benchmark.reporting.leaderboard import page

CHROMIUM = find_chromium()
SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = '"><img src=x onerror="window.hacked = 2">'
NAMES = {SCRIPT: 0.1, IMAGE: 0.2, "Plain": 0.5, "lacking": 0.3}


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    made = make_evidence(folder, NAMES, {"a": 40, "b": 50, "c": 45}, folds=3, missing=1)
    reference = collect([[stored(made, folder / "x")]], MEASURES, print)
    own = stored(only(made, "Plain"), folder / "own")
    board = rank_all(reference, [own], MEASURES, BY_NAME["kl_divergence"])
    path = folder / "leaderboard.html"
    path.write_text(page(board, reference, folder), encoding="utf-8")
    return path


def test_names_are_text_and_nothing_comes_from_elsewhere(html):
    text = html.read_text(encoding="utf-8")
    assert SCRIPT not in text
    assert IMAGE not in text
    assert "default-src 'none'" in text
    assert "missing: not computed, on c: lacking" in text


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed")
def test_headings_sort_and_names_lead_to_the_methods(html):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        shown, said = browser.new_page(), []
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.goto(html.resolve().as_uri())

        def names():
            return shown.locator("#ranked tbody tr:visible th").all_inner_texts()

        first = names()
        assert len(first) == 3
        assert [name for name in first if name.startswith("→")] == ["→ Plain"]
        heading = shown.locator("#ranked th", has_text="Place")
        assert heading.get_attribute("aria-sort") == "ascending"
        heading.locator("button").focus()
        shown.keyboard.press("Enter")
        assert names() == first[::-1]
        assert heading.get_attribute("aria-sort") == "descending"
        shown.fill("#filter", "plain")
        assert len(names()) == 1
        shown.locator("#ranked tbody tr:visible th a").click()
        shown.locator("#method-plain[open]").wait_for()
        assert shown.evaluate("window.hacked") is None
        shown.locator(".copy[data-copy=ranked][data-form=csv]").click()
        shown.locator("#copied.shown", has_text="CSV copied.").wait_for()
        assert Axe().run(shown).response["violations"] == []
        assert said == []
        browser.close()
