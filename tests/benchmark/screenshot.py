"""Draws what a report looks like, for the README: python screenshot.py RUN_FOLDER."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def find_chromium() -> str | None:
    """Return the browser's program, None if there is none."""
    names = ("chromium", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def draw(folder: Path) -> Path:
    """Write ``report.png`` beside ``report.html``: its first screen, and its browser of images."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto((folder / "report.html").resolve().as_uri())
        target = folder / "report.png"
        page.screenshot(path=target)
        browser.close()
    return target


if __name__ == "__main__":
    if find_chromium() is None:
        sys.exit("no Chromium here: install it, then call this again")
    print(f"Written: {draw(Path(sys.argv[1]))}")
