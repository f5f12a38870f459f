"""Try it, and the signature workbench."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from helpers.browser import languages
from helpers.signer import SECRETS
from playwright.sync_api import Page, expect

from mockserver import MockServer
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import VIOLATIONS
from mockserver.core.errors import AdminError
from mockserver.server.console import STEPS


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_answered_after_one_click(
    open_page: Callable[..., Page], server: MockServer, operation: str
) -> None:
    """The form contains the document's sample; the answer is a success and is not recorded."""
    page = open_page(f"try?operation={operation}")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#result .ok")).to_have_text("OK")
    page.get_by_role("button", name="JSON", exact=True).click()
    answer = json.loads(page.locator("#result pre").inner_text())
    sample = server.engine.config.schemas[f"{operation}.request.json"].schema["examples"][0]
    assert answer == server.admin.get("preview", operation=operation, body=json.dumps(sample))
    page.get_by_role("button", name="Table").click()
    assert page.locator("#result tbody tr").count() > 0
    if operation == "count_qos_by_day":
        page.get_by_role("button", name="Chart").click()
        expect(page.locator("#result canvas")).to_have_count(1)
    assert server.admin.get("requests")["requests"] == []


def test_a_call_as_a_client_is_journalled(open_page: Callable[..., Page], server: MockServer) -> None:
    """On request, the call is affected by faults and recorded; in Chinese."""
    server.admin.send("POST", "faults", {"fault": "error", "on": "*", "name": "server_busy"})
    page = open_page("try", lang="zh")
    page.get_by_label("RoomId").fill("房间 1")
    page.locator("#real").check()
    page.get_by_role("button", name="发送", exact=True).click()
    expect(page.locator("#result .bad")).to_have_text("FAIL 1402")
    (entry,) = server.admin.get("requests")["requests"]
    assert (entry["request"]["json"]["RoomId"], entry["faults"]) == ("房间 1", ["error"])


def test_pickers_set_the_fields(open_page: Callable[..., Page]) -> None:
    """A time in UTC+8 becomes a stamp, a date a QueryDate, and a typed stamp moves its picker."""
    page = open_page("try")
    page.locator("[data-sets=BeginTime]").fill("2019-12-10T15:15:50")
    assert page.locator("[name=BeginTime]").input_value() == "1575962150"
    page.locator("[name=EndTime]").fill("1575962850")
    assert page.locator("[data-sets=EndTime]").input_value() == "2019-12-10T15:27:30"
    page = open_page("try?operation=count_qos_by_day")
    page.locator("[data-sets=QueryDate]").fill("2020-02-29")
    assert page.locator("[name=QueryDate]").input_value() == "20200229"


def test_the_workbench_shows_the_step_that_departs(open_page: Callable[..., Page], server: MockServer) -> None:
    """A wrong example is explained in three clicks from the page's opening; nothing is stored."""
    texts = {"en": ("Insert a wrong example", "Explain", "upper"), "zh": ("填入一个错误示例", "检查", "大写")}
    for lang in languages("en"):
        insert, explain, text = texts[lang]
        page = open_page("try", lang=lang)
        page.get_by_role("button", name=insert).click()
        expect(page.locator("#text")).to_have_value(re.compile("checksum=[0-9A-F]{40}"))
        page.get_by_role("button", name=explain, exact=True).click()
        expect(page.locator(".step")).to_have_count(len(STEPS) + 1)
        departed = page.locator(".step.bad")
        assert departed.count() == 1
        assert text in departed.inner_text()
        assert "appsecret" in page.locator(".formula").inner_text()
        assert [secret for secret in SECRETS if secret in page.content()] == []
    assert server.admin.get("requests", kind="stray")["requests"] == server.admin.get("requests")["requests"] == []


def test_a_good_request_is_confirmed(server: MockServer) -> None:
    """Every step is correct; a text without a request is an error."""
    url = server.app().signed_url("query_room_info")
    answer = server.admin.send("POST", "explain", {"text": f"POST {url}"})
    assert answer["good"]
    assert [step["violations"] for step in answer["steps"]] == [[]] * len(STEPS)
    assert [part["name"] for part in answer["parts"]] == ["appsecret", "restapikey", "curtime"]
    stale = server.admin.send("POST", "explain", {"text": re.sub(r"curtime=\d+", "curtime=1575962150", url)})
    assert [bool(step["violations"]) for step in stale["steps"]] == [False, False, False, False, True, True]
    with pytest.raises(AdminError, match="no request found"):
        server.admin.send("POST", "explain", {"text": "hello"})


def test_every_form_of_a_request_is_read_in_full(server: MockServer) -> None:
    """A curl command, raw HTTP and a log line, with method, headers and body."""
    url = server.app().signed_url("query_room_info")
    target = url.removeprefix(server.url)
    json_type = "Content-Type: application/json"
    for text, wrong in (
        (f"curl '{url}' -H '{json_type}' -d '{{\"RoomId\": \"77\"}}'", set()),
        (f"$ curl '{url}' -H '{json_type}' -d '{{\"RoomId\": 77}}'", {"wrong_type"}),
        (f"curl '{url}' -d '{{\"RoomId\": \"77\"}}'", {"content_type_wrong"}),
        (f"curl '{url}' -H '{json_type}'", {"wrong_method"}),
        (f'POST {target} HTTP/1.1\r\nHost: h\r\n{json_type}\r\n\r\n{{"RoomId": 77}}', {"wrong_type"}),
        (f'10.0.0.1 - - [10/Dec/2019] "GET {target} HTTP/1.1" 200 17', {"wrong_method"}),
    ):
        answer = server.admin.send("POST", "explain", {"text": text})
        assert {row["name"] for row in answer["violations"]} == wrong, text
        assert answer["good"] == (not wrong)
    with pytest.raises(AdminError, match="never closed"):
        server.admin.send("POST", "explain", {"text": f"curl '{url}"})


def test_every_violation_of_the_signature_has_a_step() -> None:
    """Those of path, query and signature; the others are listed below the steps."""
    known = {name for step in STEPS for name in step["violations"]}
    assert known <= set(VIOLATIONS)
    assert {name for name in VIOLATIONS if name.startswith(("curtime", "checksum", "seq", "identifier"))} <= known
