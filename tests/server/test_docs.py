"""The page that tries the API out: what is served to it, what it may not do, and that it works in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import pytest
from helpers.sending import NOW, SAMPLES
from helpers.signer import APPKEY, OTHER, SECRETS, checksum, sha1
from playwright.sync_api import Page, sync_playwright

from mockserver import MockServer, create_app
from mockserver.server import admin_docs

PAGES = Path(admin_docs.__file__).parent / "pages"
FILES = ["docs.js", "docs.css", "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def client() -> Any:
    """A client of a server that stands still."""
    return create_app(scenario="document", now=str(NOW)).test_client()


# What is served


def test_the_document_is_served_in_the_language_that_is_asked_for(client: Any) -> None:
    """openapi.json speaks the server's language, or the one in the query; another one is an error."""
    assert client.get("/__admin/openapi.json").get_json()["info"]["title"].startswith("YouMe")
    assert client.get("/__admin/openapi.json?lang=zh").get_json()["info"]["title"].startswith("游密")
    refused = client.get("/__admin/openapi.json?lang=fr")
    assert (refused.status_code, refused.get_json()["error"]) == (422, "unknown_language")


def test_the_document_is_the_one_of_an_apps_readings() -> None:
    """With ?appkey= it tells the readings that this app was given, and its examples name the app."""
    client = create_app(scenario="document").test_client()
    write = {"headers": {"X-Mock-Admin": "1"}, "json": {"seq": "optional"}}
    assert client.put(f"/__admin/readings?appkey={OTHER[0]}", **write).status_code == 200
    mine = client.get(f"/__admin/openapi.json?appkey={OTHER[0]}").get_json()["components"]["parameters"]
    others = client.get("/__admin/openapi.json").get_json()["components"]["parameters"]
    assert (mine["seq"]["required"], others["seq"]["required"]) == (False, True)
    assert (mine["appkey"]["example"], others["appkey"]["example"]) == (OTHER[0], APPKEY)
    assert client.get("/__admin/openapi.json?appkey=1").status_code == 404


def test_a_query_is_signed_without_telling_what_with(client: Any) -> None:
    """`sign` gives the five parameters by the app's clock, as an independent signer makes them, and no secret."""
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


def test_a_query_is_signed_by_the_formula_in_force() -> None:
    """Under reading signing=v1 the restapikey is left out."""
    client = create_app(scenario="document", now=str(NOW), reading="signing=v1").test_client()
    query = parse_qs(client.get("/__admin/sign").get_json()["query"])
    assert query["checksum"] == [sha1(SECRETS[0] + str(NOW))]


@pytest.mark.parametrize("name", ["", *(f"/{name}" for name in FILES)])
def test_the_page_may_run_nothing_but_its_own_files(client: Any, name: str) -> None:
    """Page and files carry a policy without inline script, foreign hosts or frames, and nothing that opens them to others."""
    answer = client.get(f"/__admin/docs{name}")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert (policy["style-src"], policy["connect-src"]) == ("'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert [header for header in answer.headers.keys() if header.startswith("Access-Control")] == []


def test_our_part_of_the_page_has_no_inline_code() -> None:
    """Scripts and styles of the page are files; no attribute of it is code."""
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
def test_pages_of_others_get_nothing(client: Any, path: str, headers: dict[str, str]) -> None:
    """The guard of the admin API stands before the page, its files and the signature."""
    answer = client.get(f"/__admin/{path}", headers=headers)
    assert (answer.status_code, answer.mimetype) == (403, "application/json")


@pytest.mark.parametrize("path", ["openapi.json", "sign", "docs", "docs/docs.js"])
def test_a_token_is_asked_for_here_too(path: str) -> None:
    """Where the admin API needs a token, so do the page and the signature."""
    with MockServer("document", admin_token="made-up-token") as mock:
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{mock.url}/__admin/{path}", timeout=10)
        assert refused.value.code == 401
        refused.value.close()
        asked = Request(f"{mock.url}/__admin/{path}", headers={"Authorization": "Bearer made-up-token"})
        with urlopen(asked, timeout=10) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("name", ["..%2fdocs.py", "docs.html", "oauth2-redirect.html", "%2e%2e", "VERSION"])
def test_no_other_file_can_be_had(client: Any, name: str) -> None:
    """The files are a list, not a folder."""
    assert client.get(f"/__admin/docs/{name}").status_code == 404


def test_without_swagger_ui_it_says_what_to_install(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional: without it the page tells its name, and the document is still there."""
    monkeypatch.setattr(admin_docs, "find_spec", lambda name: None)
    answer = client.get("/__admin/docs")
    assert (answer.status_code, answer.get_json()["error"]) == (501, "docs_not_installed")
    assert "mockserver[docs]" in answer.get_json()["message"]
    assert client.get("/__admin/openapi.json").status_code == 200


def test_swagger_ui_is_one_that_knows_openapi_3_1() -> None:
    """Version 5 reads OpenAPI 3.1; 4 does not."""
    found = find_spec("flask_swagger_ui")
    assert found is not None
    assert found.origin is not None
    version = (Path(found.origin).parent / "dist" / "VERSION").read_text(encoding="utf-8")
    assert int(version.strip().lstrip("v").partition(".")[0]) >= 5


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium; CI must have one."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        words = f"none of {', '.join(BROWSERS)} is installed"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A server with the document's own answers."""
    with MockServer("document") as mock:
        yield mock


@pytest.fixture
def page(browser: Any, server: MockServer) -> Iterator[Page]:
    """A tab; whatever its console complains of, and whatever it asks of another host, fails the test."""
    complaints: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((server.url, "data:")) else complaints.append(asked.url),
    )
    yield page
    page.close()
    assert complaints == []


def tried(page: Page, operation: str, **fields: str) -> Any:
    """The answer that the page shows after Execute."""
    block = page.locator(f"[id$='-{operation}']").first
    block.locator(".opblock-summary-control").click()
    for name, value in fields.items():
        block.locator(f"tr[data-param-name='{name}'] input").fill(value)
    with page.expect_response(lambda answer: f"/v2/video/{operation}" in answer.url) as told:
        block.locator(".execute").click()
    block.locator(".live-responses-table .response-col_description pre").first.wait_for()
    shown = block.locator(".live-responses-table .response-col_description pre").first.inner_text()
    assert json.loads(shown) == told.value.json()
    return told.value


@pytest.mark.parametrize("operation", SAMPLES)
def test_try_it_out_is_answered(page: Page, server: MockServer, operation: str) -> None:
    """Open an operation, press Execute: the page has the request signed and the sample's answer is shown."""
    page.goto(f"{server.url}/__admin/docs")
    answer = tried(page, operation)
    assert answer.json() == SAMPLES[operation]["answer"]
    assert re.search(r"curtime=1[0-9]{9}&checksum=[0-9a-f]{40}&seq=[0-9]+$", answer.url)


def test_another_app_is_signed_for_too(page: Page, server: MockServer) -> None:
    """Whoever writes another appkey, identifier and seq gets these signed."""
    page.goto(f"{server.url}/__admin/docs")
    answer = tried(page, "query_room_info", appkey=OTHER[0], identifier="王 &", seq="my own")
    assert answer.json()["Status"] == "OK"
    query = parse_qs(answer.url.partition("?")[2])
    assert (query["appkey"], query["identifier"], query["seq"]) == ([OTHER[0]], ["王 &"], ["my own"])


def test_a_checksum_of_ones_own_is_judged(page: Page, server: MockServer) -> None:
    """Who writes a checksum sees what the API says to it."""
    page.goto(f"{server.url}/__admin/docs")
    curtime = str(server.engine.store.clock.second())
    answer = tried(page, "query_room_info", checksum="0" * 40, curtime=curtime)
    assert server.engine.config.catalogue.name_of(answer.json()["ErrorCode"]) == "checksum_mismatch"


def test_behind_a_token_a_browser_asks_for_it(browser: Any) -> None:
    """Whoever types the token as password can use the page; without it there is none."""
    with MockServer("document", admin_token="made-up-token") as mock:
        for password, status in (("wrong", 401), ("made-up-token", 200)):
            context = browser.new_context(http_credentials={"username": "me", "password": password})
            page = context.new_page()
            told = page.goto(f"{mock.url}/__admin/docs")
            assert told is not None
            assert told.status == status
            if status == 200:
                assert tried(page, "query_room_info").json()["Status"] == "OK"
            context.close()


def test_the_page_speaks_chinese(page: Page, server: MockServer) -> None:
    """?lang=zh turns document and note; the link on the page leads there."""
    page.goto(f"{server.url}/__admin/docs")
    page.locator(".note:visible a").click()
    page.locator("text=房间及其成员").wait_for()
    assert page.url.endswith("/__admin/docs?lang=zh")
    assert page.title() == "游密通话记录与统计接口"
    assert "签名" in page.locator(".note:visible").inner_text()
