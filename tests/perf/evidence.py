"""Times what is made of stored results: tables, figures, report; and the report in a browser.

python tests/perf/evidence.py [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from document import PATH, machine, put

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "benchmark"))  # made-up evidence, and the browser

# Everything that a finished run gives, in one process.
ALL = """
import sys, time
start = time.perf_counter()
import benchmark
benchmark.table(sys.argv[1]); benchmark.significance(sys.argv[1])
benchmark.figure("all", sys.argv[1]); benchmark.compare(sys.argv[1], "synthetic")
tables = time.perf_counter() - start
benchmark.report(sys.argv[1])
assert not {"tensorflow", "keras", "jax", "torch"} & set(sys.modules)
print(tables, time.perf_counter() - start)
"""


def time_demo() -> tuple[float, float, Path]:
    """Make everything of a copy of results/demo: seconds without and with the report."""
    folder = Path(tempfile.mkdtemp()) / "demo"
    shutil.copytree(ROOT / "results" / "demo", folder)
    done = subprocess.run(
        [sys.executable, "-c", ALL, str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    tables, whole = map(float, done.stdout.split())
    return tables, whole, folder / "report.html"


def time_large() -> dict[str, float]:
    """Write the report of 20 models on 20 datasets, 10 x 10 folds, one of 100,000 images."""
    from made import make_evidence

    from benchmark.reporting.page import write_report

    models = {f"model {i}": 0.1 + 0.03 * i for i in range(20)}
    datasets = {f"set {i}": 100_000 if i == 0 else 300 for i in range(20)}
    labels = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
    folder = Path(tempfile.mkdtemp())
    evidence = make_evidence(folder, models, datasets, labels=labels, folds=10, repeats=10)
    start = time.perf_counter()
    path = write_report(evidence)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "mib": peak, **time_browser(path)}


def time_browser(path: Path, loads: int = 5) -> dict[str, float]:
    """Load a report in Chromium: size, seconds until loaded, and milliseconds of its answers."""
    from playwright.sync_api import sync_playwright
    from screenshot import FLAGS, find_chromium

    actions = {
        "sort": "document.querySelector('#results details .sort').click()",
        "filter": "const f = document.getElementById('filter'); f.value = '1';"
        "f.dispatchEvent(new Event('input'))",
        "pairs": "document.getElementById('pair-measure').dispatchEvent(new Event('change'))",
        "browse": "document.getElementById('instance-order').dispatchEvent(new Event('change'))",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        seconds = []
        for _ in range(loads):
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(path.resolve().as_uri())
            seconds.append(time.perf_counter() - start)
        answers = {
            name: page.evaluate(
                f"() => {{ const t = performance.now(); {code}; document.body.offsetHeight;"
                f" return performance.now() - t; }}"
            )
            for name, code in actions.items()
        }
        browser.close()
    return {"mb": path.stat().st_size / 1e6, "load": median(seconds), **answers}


def report() -> list[str]:
    """Measure, and say it in Markdown."""
    tables, whole, path = time_demo()
    demo = time_browser(path)
    done = subprocess.run(
        [sys.executable, __file__, "--large"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    large = json.loads(done.stdout)
    rows = [
        ("default run", whole - tables, demo),
        ("20 models, 20 datasets, 10 x 10 folds, one of 100,000 images", large["seconds"], large),
    ]
    return [
        f"{machine()}.",
        "",
        f"All tables, figures (PDF, SVG, PNG) and the comparison with the paper from the default "
        f"run's results, in one process without a network library: {tables:.1f} s; with the report "
        f"{whole:.1f} s.",
        "",
        "| report of | s to write | MB | s to load | ms to sort | filter | pairs | browse |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {what} | {seconds:.1f} | {b['mb']:.1f} | {b['load']:.2f} | {b['sort']:.0f} | "
            f"{b['filter']:.0f} | {b['pairs']:.0f} | {b['browse']:.0f} |"
            for what, seconds, b in rows
        ),
        "",
        f"The large one took {large['mib']:.0f} MiB, with 20 million predictions in memory.",
    ]


def main() -> None:
    """Measure, or do the large measurement for another process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="another file than results/perf.md")
    parser.add_argument("--large", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.large:
        print(json.dumps(time_large()))
        return
    put("Evidence", report(), options.out or PATH)


if __name__ == "__main__":
    main()
