"""One browser and one server for all tests of the console; a page that misbehaves fails its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers.browser import chromium
from playwright.sync_api import Browser, Page

from mockserver import MockServer

LOCALES = {"en": "en-US", "zh": "zh-CN"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium browser; required in CI."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def shared_server() -> Iterator[MockServer]:
    """A server of the default scenario."""
    with MockServer("default") as server:
        yield server


@pytest.fixture
def server(shared_server: MockServer) -> Iterator[MockServer]:
    """The server in its initial state."""
    shared_server.reset()
    return shared_server


@pytest.fixture
def open_page(browser: Browser, server: MockServer) -> Iterator[Callable[..., Page]]:
    """Open a page of the console: `open_page("data", lang="zh", scheme="dark", width=360)`.

    A console message, an exception, a violation of the content security policy or a request to another origin fails the
    test.
    """
    problems: list[str] = []
    contexts: list[Any] = []

    def open_page(
        path: str = "", *, lang: str = "en", scheme: str = "light", width: int = 1280, **options: Any
    ) -> Page:
        context = browser.new_context(
            locale=LOCALES[lang], color_scheme=scheme, viewport={"width": width, "height": 900}, **options
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        # The browser itself reports a 422, the answer to a mistake in a form.
        context.on("console", lambda each: None if "status of 422" in each.text else problems.append(each.text))
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on(
            "request",
            lambda request: (
                None if request.url.startswith((server.url, "data:", "blob:")) else problems.append(request.url)
            ),
        )
        page = context.new_page()
        page.goto(f"{server.url}/__admin/console{path and '/'}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
