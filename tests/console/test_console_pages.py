"""Requirements of every console page: both languages, both schemes, all widths, keyboard, and a strict policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers.browser import below_prefix, languages
from helpers.length import FULL
from playwright.sync_api import Browser, Page, expect

from mockserver import MockServer, create_app
from mockserver.server import console_pages
from mockserver.server.server import Server

PAGES = [target.removeprefix("console").lstrip("/") for target, _ in console_pages.NAVIGATION]
FOLDER = Path(console_pages.__file__).parent / "pages" / "console"
TEMPLATES = sorted(FOLDER.glob("*.html"))
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
}
AXE = {"resultTypes": ["violations"]}


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect."""


def get(url: str, accept: str) -> tuple[int, str]:
    """Return status and Location of a GET without following redirects."""
    try:
        with build_opener(_NoRedirect).open(Request(url, headers={"Accept": accept}), timeout=10) as answer:
            return answer.status, ""
    except HTTPError as error:
        error.close()
        return error.code, error.headers["Location"]


def test_a_browser_is_led_to_the_console(server: MockServer) -> None:
    """From `/` and from the admin prefix, by relative URLs; nothing of it is journalled."""
    html = "text/html,application/xhtml+xml,*/*;q=0.8"
    assert get(f"{server.url}/", html) == (302, "__admin/console")
    assert get(f"{server.url}/__admin", "*/*") == (302, "__admin/console")
    assert get(f"{server.url}/__admin/", "*/*") == (302, "console")
    assert get(f"{server.url}/__admin/console/", "*/*") == (302, "../console")
    assert server.admin.get("requests", kind="stray")["requests"] == []
    # A client of the API gets an answer of the API.
    assert get(f"{server.url}/", "*/*") == (200, "")
    assert len(server.admin.get("requests", kind="stray")["requests"]) == 1


@pytest.mark.parametrize("page", [*PAGES, "assets/0/base.js", "assets/0/preact.mjs", "assets/0/console.css"])
def test_the_policy_allows_only_own_files(server: MockServer, page: str) -> None:
    """No inline script or style, no other origin, no frame."""
    path = f"{server.url}/__admin/console{page and '/'}{page}"
    with build_opener().open(path, timeout=10) as answer:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert {name: policy[name] for name in POLICY} == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_browsers_store_the_files_of_a_page(server: MockServer) -> None:
    """Their URLs have the version of the files; under any other version a file is not stored."""
    with build_opener().open(f"{server.url}/__admin/console", timeout=10) as answer:
        files = re.findall(r'"(?:\./)?(console/assets/[^"]*)"', answer.read().decode())
    assert len(files) > 5
    for file in files:
        other = re.sub("assets/[^/]*", "assets/0", file)
        for path, expected in ((file, "private, max-age=31536000, immutable"), (other, "no-store")):
            with build_opener().open(f"{server.url}/__admin/{path}", timeout=10) as answer:
                assert answer.headers["Cache-Control"] == expected


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_no_template_has_inline_code(template: Path) -> None:
    """Scripts and styles are files, and every link is relative."""
    html = template.read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", html) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?/", html) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_accessible_in_both_schemes(open_page: Callable[..., Page], server: MockServer, page: str) -> None:
    """axe finds nothing; one h1; the language is that of the browser; nothing overflows at 360 and 1600 px."""
    server.use("recorded-day")
    for lang in languages("en" if PAGES.index(page) % 2 else "zh"):
        opened = open_page(page, lang=lang)
        opened.wait_for_load_state("networkidle")
        assert opened.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[lang]
        assert opened.locator("h1").count() == 1
        assert opened.locator("nav [aria-current=page]").count() == 1
        for scheme, width in (("light", 1600), ("dark", 360)):
            opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            opened.set_viewport_size({"width": width, "height": 900})
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            assert findings(opened) == []


def findings(page: Page) -> list[tuple[str, list[str]]]:
    """Return the rules of axe that the page violates, with the elements."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]


def test_the_chosen_language_is_remembered(open_page: Callable[..., Page]) -> None:
    """The switch leads to the same page, and the next pages keep the language."""
    page = open_page()
    assert page.locator("h1").inner_text() == "Overview"
    page.get_by_role("link", name="中文").click()
    page.wait_for_url("**/console?lang=zh")
    assert page.locator("h1").inner_text() == "总览"
    page.goto(page.url.partition("?")[0])
    assert page.locator("h1").inner_text() == "总览"
    page.get_by_role("link", name="English").click()
    page.wait_for_url("**/console?lang=en")
    assert page.locator("h1").inner_text() == "Overview"


def test_the_keyboard_reaches_the_content(open_page: Callable[..., Page]) -> None:
    """The first stop skips the navigation."""
    page = open_page()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_line_of_the_overview_is_signed(open_page: Callable[..., Page], server: MockServer) -> None:
    """Copying signs it again; in a shell it gets a valid answer, which the overview counts."""
    page = open_page()
    before = page.locator("#curl").inner_text()
    with page.expect_response("**/__admin/sign"):
        page.get_by_role("button", name="Copy").click()
    page.locator("#status.shown").wait_for()
    line = page.evaluate("navigator.clipboard.readText()")
    assert (line != before, line.startswith("curl -sS 'http://127.0.0.1:")) == (True, True)
    url, body = re.findall(r"'([^']*)'", line)[::2]
    request = Request(url, body.encode(), {"Content-Type": "application/json"})
    with build_opener().open(request, timeout=10) as answer:
        assert b'"Status":"OK"' in answer.read()
    page.reload()
    assert page.locator("#requests").inner_text() == "1"


def test_a_button_says_why_it_fails(open_page: Callable[..., Page]) -> None:
    """For example without the app that it signs for."""
    page = open_page()
    refusal = {"message": "unknown appkey"}
    page.route("**/__admin/sign*", lambda route: route.fulfill(status=422, json=refusal))
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#status.shown")).to_have_text("unknown appkey")


def test_the_overview_follows_the_journal(open_page: Callable[..., Page], server: MockServer) -> None:
    """The number of requests, their rate, and the last violations, without a reload."""
    page = open_page(lang="zh")
    url = server.app().signed_url("query_room_info")
    with build_opener().open(Request(url, b'{"RoomId": 1}', {"Content-Type": "application/json"}), timeout=10):
        pass
    expect(page.locator("#requests")).to_have_text("1", timeout=2_000)
    expect(page.locator("#rate")).to_contain_text("每秒 0.2 次")
    expect(page.locator("#violations tbody tr")).to_have_count(1)
    assert "RoomId" in page.locator("#violations").inner_text()


def test_the_console_works_behind_a_prefix(browser: Browser) -> None:
    """Behind a reverse proxy that serves everything below /mock/, pages, scripts, calls and redirects stay below it."""
    outside: list[str] = []
    app = create_app(scenario="document")

    with Server(below_prefix(app, outside)) as server:
        page = browser.new_page()
        page.goto(f"{server.url}/mock/")
        page.wait_for_url(f"{server.url}/mock/__admin/console")
        for target, title in console_pages.NAVIGATION[1:]:
            page.get_by_role("link", name=title.en, exact=True).click()
            page.wait_for_url(f"{server.url}/mock/__admin/{target}")
        page.goto(f"{server.url}/mock/__admin/console/data?day=20191210")
        page.locator("#sums-RoomId").wait_for()
        page.close()
    assert outside == []


@pytest.mark.parametrize(("lang", "scheme", "width"), [("zh", "light", 360), *([("en", "dark", 1280)] if FULL else [])])
def test_what_scripts_add_is_accessible(
    open_page: Callable[..., Page], server: MockServer, lang: str, scheme: str, width: int
) -> None:
    """A room, a user, an exchange with violations, an answer, and an explained signature."""
    send, explain, insert = ("Send", "Explain", "Insert") if lang == "en" else ("发送", "检查", "填入")
    url = server.app().signed_url("query_room_info").replace("checksum=", "checksum=f")
    with build_opener().open(Request(url, b'{"x": 1}', {"Content-Type": "application/json"}), timeout=10) as answer:
        sent = answer.headers["X-Mock-Request-Id"]
    server.use("recorded-day")
    page = open_page("data?room=123456789&user=aaaaa", lang=lang, scheme=scheme, width=width)
    page.locator("#room .timeline tbody tr").first.wait_for()
    page.locator("#person .timeline").wait_for()
    pages = [page]
    pages.append(open_page(f"requests/{sent}", lang=lang, scheme=scheme, width=width))
    page = open_page("requests", lang=lang, scheme=scheme, width=width)
    page.locator("#list td a").wait_for()
    pages.append(page)
    page = open_page("try?operation=count_qos_by_day", lang=lang, scheme=scheme, width=width)
    page.get_by_role("button", name=send, exact=True).click()
    page.locator("#result canvas").wait_for()
    page.get_by_role("button", name=insert).click()
    expect(page.locator("#text")).to_have_value(re.compile("checksum="))
    page.get_by_role("button", name=explain, exact=True).click()
    page.locator(".step.bad").wait_for()
    pages.append(page)
    for each in pages:
        assert each.evaluate("document.documentElement.scrollWidth") <= width, each.url
        found = Axe().run(each, options=AXE).response["violations"]
        assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == [], each.url
