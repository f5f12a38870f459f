"""One browser and one server for all tests of the console; a page that misbehaves fails its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mockserver import MockServer

LOCALES = {"en": "en-US", "zh": "zh-CN"}
CLIPBOARD = ["clipboard-read", "clipboard-write"]


HUNDREDFOLD = "title: A hundred times the calls\nextends: default\nworld: {source: generated, rooms_per_day: 200000}\n"


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    """A server of the default scenario, with another one, `hundredfold`."""
    folder = tmp_path_factory.mktemp("fixtures")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "hundredfold.yaml").write_text(HUNDREDFOLD, encoding="utf-8")
    with MockServer("default", fixtures=str(folder)) as server:
        yield server


@pytest.fixture
def server(shared_server: MockServer) -> MockServer:
    """The server in its initial state."""
    shared_server.reset()
    return shared_server


@pytest.fixture(scope="session")
def contexts(browser: Browser, shared_server: MockServer) -> dict[str, BrowserContext]:
    """A profile of the browser for each language, in which pages share the cache.

    Each has a page that stays open, so that the process in which the browser runs all of them does not end with a test.
    """
    expect.set_options(timeout=20_000)
    found = {lang: browser.new_context(locale=locale, permissions=CLIPBOARD) for lang, locale in LOCALES.items()}
    for context in found.values():
        context.set_default_timeout(20_000)
        context.new_page().goto(f"{shared_server.url}/__admin/health")
    return found


@pytest.fixture
def open_page(contexts: dict[str, BrowserContext], server: MockServer) -> Iterator[Callable[..., Page]]:
    """Open a page of the console: `open_page("data", lang="zh", scheme="dark", width=360)`.

    A console message, an exception, a violation of the content security policy or a request to another origin fails the
    test.
    """
    problems: list[str] = []
    # The browser itself reports a 422, the answer to a mistake in a form.
    listeners = {
        "console": lambda each: None if "status of 422" in each.text else problems.append(each.text),
        "weberror": lambda error: problems.append(str(error.error)),
        "request": lambda request: (
            None if request.url.startswith((server.url, "data:", "blob:")) else problems.append(request.url)
        ),
    }
    for context in contexts.values():
        for event, listener in listeners.items():
            context.on(event, listener)  # type: ignore[call-overload]

    def open_page(path: str = "", *, lang: str = "en", scheme: str = "light", width: int = 1280) -> Page:
        page = contexts[lang].new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(f"{server.url}/__admin/console{path and '/'}{path}")
        return page

    yield open_page
    for context in contexts.values():
        for page in context.pages[1:]:
            page.close()
        context.clear_cookies()
        for event, listener in listeners.items():
            context.remove_listener(event, listener)
    assert problems == []
