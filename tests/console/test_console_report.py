"""The page of the report, and the report at a URL."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.request import Request, urlopen

from helpers.browser import languages
from playwright.sync_api import Page

from mockserver import MockServer


def send(server: MockServer, operation: str, body: object) -> str:
    """Call the API as a client and return the id of the request."""
    url = server.app().signed_url(operation)
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        answer.read()
        return answer.headers["X-Mock-Request-Id"]


def test_the_report_shows_what_was_covered(open_page: Callable[..., Page], server: MockServer) -> None:
    """A heat map of outcomes and operations, violations in groups with their requests, error handling."""
    for _ in range(12):
        send(server, "count_qos_by_day", {"QueryDate": "20191210"})
    wrong = send(server, "query_room_info", {"RoomId": 1})
    send(server, "query_room_info", {"RoomId": "nowhere"})
    coverage = server.admin.get("coverage")
    for lang in languages("zh"):
        never = {"en": "cannot occur", "zh": "不会出现"}[lang]
        page = open_page("report", lang=lang)
        assert f"{coverage['percent']:g} %" in page.locator("#coverage").inner_text()
        cells = {row.locator("th").inner_text(): row.locator("td") for row in page.locator(".heat tbody tr").all()}
        assert cells["success"].nth(5).inner_text() == "12"
        assert cells["success"].nth(5).get_attribute("class") == "heat-2"
        assert cells["invalid_field"].nth(1).inner_text() == "1"
        assert never in cells["room_not_found"].nth(0).inner_text()
        group = page.locator("section:has(#violations) tbody tr")
        assert group.count() == 1
        assert "wrong_type" in group.inner_text()
        assert "room_not_found" in page.locator("section:has(#handling) tbody").inner_text()
        group.get_by_role("link", name=wrong).click()
        page.wait_for_url(f"**/requests/{wrong}")


def test_the_report_is_downloaded(open_page: Callable[..., Page], server: MockServer) -> None:
    """As a page, JUnit, Markdown and JSON, for the chosen app."""
    send(server, "query_room_info", {"RoomId": "nowhere"})
    page = open_page("report?appkey=987654321")
    links = page.locator(".head a.button")
    targets = {link.inner_text(): link.get_attribute("href") or "" for link in links.all()}
    assert all("appkey=987654321" in target for target in targets.values())
    found = {}
    for name in ("JUnit", "Markdown", "JSON"):
        with page.expect_download() as download:
            links.filter(has_text=name).click()
        found[name] = download.value.path().read_text(encoding="utf-8")
    assert (found["JUnit"][:5], found["Markdown"][:3]) == ("<?xml", "## ")
    assert json.loads(found["JSON"])["requests"] == 0


def test_the_report_has_a_url(open_page: Callable[..., Page], server: MockServer) -> None:
    """`GET report?form=html` is a page in a browser; names break at underscores; other forms are text."""
    send(server, "query_room_info", {"RoomId": 1})
    page = open_page()
    page.goto(f"{server.url}/__admin/report?form=html&lang=zh")
    assert page.locator("h1").inner_text() == "契约测试报告"
    assert page.locator("th code wbr").count() > 6
    page.set_viewport_size({"width": 360, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    text = page.locator("td:has(strong)", has_text="wrong_type").bounding_box()
    assert text is not None
    assert (text["x"] < 60, text["width"] > 240) == (True, True)
    for form, media_type, start in (
        ("text", "text/plain", b""),
        ("markdown", "text/plain", b"#"),
        ("junit", "application/xml", b"<?xml"),
    ):
        with urlopen(f"{server.url}/__admin/report?form={form}", timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith(media_type)
            assert answer.read().startswith(start)
