"""The docs page: its resources, its content security policy, and its use in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import pytest
from helpers.browser import below_prefix
from helpers.request_builder import NOW, SAMPLES
from helpers.signer import APPKEY, OTHER, SECRETS, checksum, sha1
from playwright.sync_api import Page
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WSGIClient

from mockserver import MockServer, create_app
from mockserver.core.errors import ConfigurationError
from mockserver.server import admin_catalog
from mockserver.server.server import Server

PAGES = Path(admin_catalog.__file__).parent / "pages"
FILES = ["docs.js", "docs.css", "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]


@pytest.fixture(scope="module")
def client() -> Any:
    """A Flask test client at a frozen clock."""
    return create_app(scenario="document", now=str(NOW)).test_client()


# What is served


def test_openapi_json_is_served_in_both_languages(client: Any) -> None:
    """The server's language, or that of `?lang=`; any other language is an error."""
    assert client.get("/__admin/openapi.json").get_json()["info"]["title"].startswith("YouMe")
    assert client.get("/__admin/openapi.json?lang=zh").get_json()["info"]["title"].startswith("游密")
    response = client.get("/__admin/openapi.json?lang=fr")
    assert (response.status_code, response.get_json()["error"]) == (422, "unknown_language")


def test_openapi_json_reflects_the_readings_of_the_app() -> None:
    """With ?appkey= the document uses the app's readings and its appkey in the examples."""
    client = create_app(scenario="document").test_client()
    write = {"headers": {"X-Mock-Admin": "1"}, "json": {"seq": "optional"}}
    assert client.put(f"/__admin/readings?appkey={OTHER[0]}", **write).status_code == 200
    mine = client.get(f"/__admin/openapi.json?appkey={OTHER[0]}").get_json()["components"]["parameters"]
    others = client.get("/__admin/openapi.json").get_json()["components"]["parameters"]
    assert (mine["seq"]["required"], others["seq"]["required"]) == (False, True)
    assert (mine["appkey"]["example"], others["appkey"]["example"]) == (OTHER[0], APPKEY)
    assert client.get("/__admin/openapi.json?appkey=1").status_code == 404


@pytest.mark.parametrize(
    ("settings", "mounted", "server"),
    [
        ({}, "", "/"),
        ({"public_url": "https://ci.example:8443/mock/"}, "", "https://ci.example:8443/mock"),
        ({"public_url": "http://mock.example"}, "", "http://mock.example"),
        ({}, "/team mock", "/team%20mock"),
        ({"public_url": "https://ci.example/a/b"}, "/mock", "https://ci.example/a/b"),
    ],
    ids=str,
)
def test_openapi_json_names_the_public_url(settings: dict[str, str], mounted: str, server: str) -> None:
    """`servers` is --public-url, else the prefix at which a WSGI server mounts the app."""
    app = create_app(scenario="document", **settings)
    client = WSGIClient(DispatcherMiddleware(NotFound(), {mounted: app}) if mounted else app)
    answer = client.get(f"{mounted}/__admin/openapi.json")
    assert answer.json["servers"] == [{"url": server}]


@pytest.mark.parametrize(
    "url",
    ["", "mock", "//ci.example", "ftp://ci.example", "http://", "http://ci.example:99999", "http://me:pw@ci.example",
     "https://ci.example/mock?x=1", "https://ci.example/#mock", "http://[ci.example", "http://ci.example/a b"],
)  # fmt: skip
def test_a_public_url_must_be_a_url(url: str) -> None:
    """Anything but http(s)://HOST[:PORT][/PREFIX] is refused at start; a password is not repeated."""
    with pytest.raises(ConfigurationError, match="--public-url") as error:
        create_app(public_url=url)
    assert "me:pw" not in str(error.value)


def test_sign_returns_a_signed_query_without_secrets(client: Any) -> None:
    """The five parameters equal those of an independent signer at the app's time."""
    answer = client.get(f"/__admin/sign?appkey={OTHER[0]}&identifier=%E7%8E%8B%26&seq=7")
    assert parse_qs(answer.get_json()["query"]) == {
        "appkey": [OTHER[0]],
        "identifier": ["王&"],
        "curtime": [str(NOW)],
        "checksum": [checksum(str(NOW), "other_app")],
        "seq": ["7"],
    }
    first = parse_qs(client.get("/__admin/sign").get_json()["query"])
    assert (first["appkey"], first["checksum"]) == ([APPKEY], [checksum(str(NOW))])
    assert [secret for secret in SECRETS if secret.encode() in answer.data] == []
    assert client.get("/__admin/sign?appkey=nobody").status_code == 404


def test_sign_uses_the_signing_reading() -> None:
    """With signing=v1 the restapikey is left out."""
    client = create_app(scenario="document", now=str(NOW), reading="signing=v1").test_client()
    query = parse_qs(client.get("/__admin/sign").get_json()["query"])
    assert query["checksum"] == [sha1(SECRETS[0] + str(NOW))]


@pytest.mark.parametrize("name", ["", *(f"/{name}" for name in FILES)])
def test_the_content_security_policy_allows_only_own_files(client: Any, name: str) -> None:
    """No inline script, no foreign hosts, no frames, no Access-Control headers."""
    answer = client.get(f"/__admin/docs{name}")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert (policy["style-src"], policy["connect-src"]) == ("'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [header for header in answer.headers.keys() if header.startswith("Access-Control")] == []


def test_the_page_has_no_inline_code() -> None:
    """Scripts and styles are files; no attribute contains code."""
    html = (PAGES / "docs.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|style=|javascript:", html) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", html) == []


@pytest.mark.parametrize("path", ["openapi.json", "sign", "docs", "docs/docs.js", "docs/swagger-ui.css"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_foreign_pages_are_rejected(client: Any, path: str, headers: dict[str, str]) -> None:
    """The guard protects the page, its files and the signature."""
    answer = client.get(f"/__admin/{path}", headers=headers)
    assert (answer.status_code, answer.mimetype) == (403, "application/json")


@pytest.mark.parametrize("path", ["openapi.json", "sign", "docs", "docs/docs.js"])
def test_the_page_needs_the_admin_token(path: str) -> None:
    """So do its files, the document and the signature."""
    with MockServer("document", admin_token="made-up-token") as mock:
        with pytest.raises(HTTPError) as error:
            urlopen(f"{mock.url}/__admin/{path}", timeout=10)
        assert error.value.code == 401
        error.value.close()
        request = Request(f"{mock.url}/__admin/{path}", headers={"Authorization": "Bearer made-up-token"})
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("name", ["..%2fadmin_catalog.py", "docs.html", "oauth2-redirect.html", "%2e%2e", "VERSION"])
def test_no_other_file_is_served(client: Any, name: str) -> None:
    """Files are served from a list, not from a folder."""
    assert client.get(f"/__admin/docs/{name}").status_code == 404


def test_without_swagger_ui_the_error_names_the_extra(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional; the document is served without it."""
    monkeypatch.setattr(admin_catalog, "find_spec", lambda name: None)
    answer = client.get("/__admin/docs")
    assert (answer.status_code, answer.get_json()["error"]) == (501, "docs_not_installed")
    assert "-m pip install" in answer.get_json()["message"]
    assert "[docs]" in answer.get_json()["message"]
    assert client.get("/__admin/openapi.json").status_code == 200


def test_swagger_ui_supports_openapi_3_1() -> None:
    """Version 5 does, version 4 does not."""
    package = find_spec("flask_swagger_ui")
    assert package is not None
    assert package.origin is not None
    version = (Path(package.origin).parent / "dist" / "VERSION").read_text(encoding="utf-8")
    assert int(version.strip().lstrip("v").partition(".")[0]) >= 5


# In a browser


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A server of the document scenario."""
    with MockServer("document") as mock:
        yield mock


@pytest.fixture
def page(browser: Any, server: MockServer) -> Iterator[Page]:
    """A browser tab; console errors and requests to other hosts fail the test."""
    problems: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith((server.url, "data:")) else problems.append(request.url),
    )
    yield page
    page.close()
    assert problems == []


def try_out(page: Page, operation: str, **fields: str) -> Any:
    """Execute an operation on the page; return the response after checking that the page shows it."""
    block = page.locator(f"[id$='-{operation}']").first
    block.locator(".opblock-summary-control").click()
    for name, value in fields.items():
        block.locator(f"tr[data-param-name='{name}'] input").fill(value)
    with page.expect_response(lambda answer: f"/v2/video/{operation}" in answer.url) as response:
        block.locator(".execute").click()
    block.locator(".live-responses-table .response-col_description pre").first.wait_for()
    shown = block.locator(".live-responses-table .response-col_description pre").first.inner_text()
    assert json.loads(shown) == response.value.json()
    return response.value


def test_try_it_out_is_answered(page: Page, server: MockServer) -> None:
    """Execute sends a signed request of each operation, and the page shows the sample's answer."""
    page.goto(f"{server.url}/__admin/docs")
    for operation in SAMPLES:
        answer = try_out(page, operation)
        assert answer.json() == SAMPLES[operation]["answer"]
        assert re.search(r"curtime=1[0-9]{9}&checksum=[0-9a-f]{40}&seq=[0-9]+$", answer.url)


def test_the_page_works_behind_a_prefix(browser: Any) -> None:
    """Behind a reverse proxy that serves everything below /mock/, page, document and calls stay below it."""
    outside: list[str] = []
    app = create_app(scenario="document")

    with Server(below_prefix(app, outside)) as server:
        page = browser.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{server.url}/mock/__admin/docs")
        answer = try_out(page, "query_room_info")
        assert answer.json() == SAMPLES["query_room_info"]["answer"]
        assert answer.url.startswith(f"{server.url}/mock/v2/video/query_room_info?")
        page.close()
    assert outside == []


def test_another_app_is_signed_for(page: Page, server: MockServer) -> None:
    """An appkey, identifier and seq entered by the user are signed."""
    page.goto(f"{server.url}/__admin/docs")
    answer = try_out(page, "query_room_info", appkey=OTHER[0], identifier="王 &", seq="my own")
    assert answer.json()["Status"] == "OK"
    query = parse_qs(answer.url.partition("?")[2])
    assert (query["appkey"], query["identifier"], query["seq"]) == ([OTHER[0]], ["王 &"], ["my own"])


def test_a_checksum_entered_by_the_user_is_sent(page: Page, server: MockServer) -> None:
    """The page shows the API's answer to it."""
    page.goto(f"{server.url}/__admin/docs")
    curtime = str(server.engine.store.clock.second())
    answer = try_out(page, "query_room_info", checksum="0" * 40, curtime=curtime)
    assert server.engine.config.catalogue.name_of(answer.json()["ErrorCode"]) == "checksum_mismatch"


def test_a_browser_can_log_in_with_the_token(browser: Any) -> None:
    """With the token as password the page works; with a wrong one it is not shown."""
    with MockServer("document", admin_token="made-up-token") as mock:
        for password, status in (("wrong", 401), ("made-up-token", 200)):
            context = browser.new_context(http_credentials={"username": "me", "password": password})
            page = context.new_page()
            response = page.goto(f"{mock.url}/__admin/docs")
            assert response is not None
            assert response.status == status
            if status == 200:
                assert try_out(page, "query_room_info").json()["Status"] == "OK"
            context.close()


def test_the_page_is_available_in_chinese(page: Page, server: MockServer) -> None:
    """?lang=zh switches the document and the note; the page links to it."""
    page.goto(f"{server.url}/__admin/docs")
    page.locator(".note:visible").get_by_role("link", name="中文").click()
    page.locator("text=房间及其成员").wait_for()
    assert page.url.endswith("/__admin/docs?lang=zh")
    assert page.title() == "游密通话记录与统计接口"
    assert "签名" in page.locator(".note:visible").inner_text()
    page.get_by_role("link", name="控制台").click()
    page.wait_for_url("**/__admin/console")


def test_the_page_has_the_language_and_the_scheme_of_the_browser(browser: Any, server: MockServer) -> None:
    """Without ?lang= a Chinese browser gets Chinese; a dark one gets a dark page."""
    context = browser.new_context(locale="zh-CN", color_scheme="dark")
    page = context.new_page()
    page.goto(f"{server.url}/__admin/docs")
    page.locator("text=房间及其成员").wait_for()
    assert page.locator("html").get_attribute("class") == "dark-mode"
    context.close()
