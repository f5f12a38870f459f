"""The pictures of the console in the READMEs; `python -m tests.console.screenshot` updates them (`make screenshot`)."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from mockserver import MockServer

FILES = {"en": Path(__file__).with_name("console.png"), "zh": Path(__file__).with_name("console.zh.png")}
"""The picture in each language."""
LOCALES = {"en": "en-US", "zh": "zh-CN"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def take(browser: Browser, lang: str) -> bytes:
    """Return a PNG of a generated day, the same for the same version of the browser and its fonts."""
    with MockServer("default", now="2026-06-18T21:30+08:00") as server:
        context = browser.new_context(viewport={"width": 1280, "height": 720}, locale=LOCALES[lang])
        page = context.new_page()
        page.goto(f"{server.url}/__admin/console/data?day=20260617")
        page.locator("#sums-RoomId").wait_for()
        picture = page.screenshot()
        context.close()
    return picture


if __name__ == "__main__":
    with sync_playwright() as driver:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, file in FILES.items():
            file.write_bytes(take(chromium, name))
