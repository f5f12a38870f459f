"""A Chromium browser, and a reverse proxy that serves an app below a prefix."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.length import FULL
from playwright.sync_api import Browser, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser; required in CI, otherwise the test is skipped without one."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"none of {', '.join(BROWSERS)} is installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--process-per-site"])
        yield browser
        browser.close()


def languages(lang: str) -> tuple[str, ...]:
    """Return the languages of a test: both with MOCKSERVER_TEST_FULL, else the given one."""
    return ("en", "zh") if FULL else (lang,)


def below_prefix(app: Callable[..., Any], outside: list[str]) -> Callable[..., Any]:
    """Return an app that serves `app` below /mock/ and adds all other paths to `outside`."""

    def proxy(environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if not path.startswith("/mock/"):
            outside.append(path)
        return app({**environ, "PATH_INFO": path.removeprefix("/mock")}, start_response)

    return proxy
