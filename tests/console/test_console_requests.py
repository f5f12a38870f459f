"""The pages of requests: the live list, one exchange, and the stream behind them."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

from helpers.browser import languages
from playwright.sync_api import Browser, Page, expect

from mockserver import MockServer, create_app
from mockserver.server import console_requests

ROWS = "#list tbody tr:not(.spacer)"


def send(server: MockServer, operation: str = "query_room_info", *, wrong: bool = False, **body: Any) -> str:
    """Call the API as a client and return the id of the request; `wrong` makes the checksum wrong."""
    url = server.app().signed_url(operation)
    url = re.sub("checksum=.", "checksum=x", url) if wrong else url
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        return answer.headers["X-Mock-Request-Id"]


def listed(page: Page) -> list[str]:
    """Return the texts of the rows in view."""
    return page.locator(ROWS).all_inner_texts()


def test_a_new_request_appears_at_once(open_page: Callable[..., Page], server: MockServer) -> None:
    """Within a second of its answer, without a reload, above the earlier ones; a cleared journal empties the list."""
    page = open_page("requests")
    expect(page.locator(".empty")).to_contain_text("No requests yet")
    send(server, RoomId="123456789")
    expect(page.locator(ROWS)).to_have_count(1, timeout=1_000)
    send(server, RoomId="nowhere")
    expect(page.locator(ROWS)).to_have_count(2, timeout=1_000)
    newest, oldest = listed(page)
    assert ("nowhere" in newest, "room_not_found" in newest, "123456789" in oldest, "OK" in oldest) == (True,) * 4
    server.admin.send("DELETE", "requests")
    expect(page.locator(ROWS)).to_have_count(0, timeout=2_000)


def test_requests_are_filtered(open_page: Callable[..., Page], server: MockServer) -> None:
    """By app, operation, outcome, violation and text, each alone."""
    send(server, RoomId="123456789")
    send(server, RoomId="nowhere")
    send(server, "count_qos_by_day", QueryDate="20191210")
    send(server, wrong=True, RoomId="unsigned")
    page = open_page("requests")
    expect(page.locator(ROWS)).to_have_count(4)
    for name, value, expected in (
        ("operation", "count_qos_by_day", ["20191210"]),
        ("error", "ok", ["20191210", "123456789"]),
        ("error", "any", ["unsigned", "nowhere"]),
        ("error", "room_not_found", ["nowhere"]),
        ("violation", "any", ["unsigned"]),
        ("violation", "checksum_mismatch", ["unsigned"]),
        ("appkey", "987654321", []),
    ):
        page.locator(f"#filters [name={name}]").select_option(value)
        expect(page.locator(ROWS)).to_have_count(len(expected))
        assert all(part in row for part, row in zip(expected, listed(page), strict=True)), (name, value)
        page.locator(f"#filters [name={name}]").select_option("")
    page.locator("#filters [name=text]").fill("NOWHERE")
    expect(page.locator(ROWS)).to_have_count(1)
    assert page.locator("#shown").inner_text() == "1 of 4 requests"


def test_a_paused_list_stands_still(open_page: Callable[..., Page], server: MockServer) -> None:
    """What arrives meanwhile is added when it is resumed."""
    for lang in languages("zh"):
        pause, resume = {"en": ("Pause", "Resume"), "zh": ("暂停", "继续")}[lang]
        server.reset()
        page = open_page("requests", lang=lang)
        send(server, RoomId="1")
        expect(page.locator(ROWS)).to_have_count(1)
        page.get_by_role("button", name=pause).click()
        other = page.context.new_page()
        other.goto(page.url)
        send(server, RoomId="2")
        expect(other.locator(ROWS)).to_have_count(2)
        assert page.locator(ROWS).count() == 1
        page.get_by_role("button", name=resume).click()
        expect(page.locator(ROWS)).to_have_count(2)


def test_a_browser_without_scripts_gets_the_latest_requests(server: MockServer) -> None:
    """Newest first, of the chosen app and operation, with links to the exchanges."""
    first, second = send(server, RoomId="1"), send(server, "count_qos_by_day", QueryDate="20191210")
    for query, expected in (
        ("", [second, first]),
        ("?operation=query_room_info&appkey=", [first]),
        ("?appkey=987654321", []),
    ):
        with urlopen(f"{server.url}/__admin/console/requests{query}", timeout=10) as answer:
            assert re.findall(r'href="requests/(\d+)"', answer.read().decode()) == expected


def test_ten_thousand_requests_are_listed(open_page: Callable[..., Page], server: MockServer) -> None:
    """Only the rows in view are rendered; the last one is reached by scrolling."""
    first = send(server, RoomId="first")
    journal = server.engine.journal
    (entry,) = journal.select().entries
    for number in range(20_002, 30_001):
        entry.id = f"{number:08d}"
        journal.add(entry)
    page = open_page("requests")
    expect(page.locator("#shown")).to_have_text("10,000 requests")
    assert page.locator(ROWS).count() < 100
    assert page.locator(f"{ROWS} a").first.get_attribute("href") == "requests/00030000"
    page.locator(".view").evaluate("view => view.scrollTo(0, view.scrollHeight)")
    expect(page.locator(f"{ROWS} a").last).to_have_attribute("href", f"requests/{first}")


def test_two_tabs_share_one_stream(open_page: Callable[..., Page], server: MockServer) -> None:
    """The second tab of a browser gets the news from the first."""
    page = open_page("requests")
    other = page.context.new_page()
    streams: list[str] = []
    other.on("request", lambda request: streams.append(request.url) if "/stream?" in request.url else None)
    other.goto(page.url)
    send(server, RoomId="1")
    for each in (page, other):
        expect(each.locator(ROWS)).to_have_count(1)
    assert streams == []
    # The first tab goes, the second takes over.
    page.close()
    send(server, RoomId="2")
    expect(other.locator(ROWS)).to_have_count(2)


def test_a_restarted_server_is_followed(browser: Browser) -> None:
    """The page says that the server is away, and then lists the requests of the new one."""
    with MockServer("default") as first:
        page = browser.new_page()
        port = first.port
        page.goto(f"{first.url}/__admin/console/requests")
        for number in range(3):
            send(first, RoomId=f"first {number}")
        expect(page.locator(ROWS)).to_have_count(3)
        expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#offline")).to_be_visible()
    with MockServer("default", port=port) as second:
        send(second, RoomId="second")
        expect(page.locator(ROWS)).to_have_count(1, timeout=20_000)
        assert "second" in listed(page)[0]
        expect(page.locator("#offline")).to_be_hidden()
    page.close()


def test_a_link_keeps_the_filters(open_page: Callable[..., Page], server: MockServer) -> None:
    """They are in the URL: for the way back from a request, a reload, and the other language."""
    send(server, RoomId="123456789")
    send(server, RoomId="nowhere")
    page = open_page("requests")
    page.locator("[name=error]").select_option("room_not_found")
    page.locator("[name=text]").fill("nowhere")
    page.locator(f"{ROWS} a").click()
    page.wait_for_url("**/requests/*")
    page.go_back()
    page.get_by_role("link", name="中文").click()
    page.wait_for_url("**/requests?error=room_not_found&text=nowhere&lang=zh")
    expect(page.locator(ROWS)).to_have_count(1)
    assert page.locator("[name=error]").input_value() == "room_not_found"
    server.admin.send("DELETE", "requests")
    page.reload()
    assert page.locator("[name=error]").input_value() == "room_not_found"


def test_without_streams_the_list_polls(open_page: Callable[..., Page], server: MockServer) -> None:
    """As on a WSGI server that is not ours: it answers 204, which ends the EventSource."""
    assert create_app().test_client().get("/__admin/console/stream").status_code == 204
    page = open_page()
    page.route("**/console/stream*", lambda route: route.fulfill(status=204))
    page.goto(f"{server.url}/__admin/console/requests")
    send(server, RoomId="1")
    expect(page.locator(ROWS)).to_have_count(1, timeout=3_000)


def test_an_exchange_is_shown_in_full(open_page: Callable[..., Page], server: MockServer) -> None:
    """Request with the meaning of its fields, violations with the diagnosis, answer, faults."""
    server.admin.send("POST", "faults", {"fault": "latency", "fixed_ms": 5, "on": "*"})
    sent = send(server, wrong=True, RoomId="<b>bold</b>", Extra=1)
    texts = {"en": ("Which room is asked for", "checksum is wrong"), "zh": ("要查询的房间", "checksum 错误")}
    for lang in languages("zh"):
        meaning, text = texts[lang]
        page = open_page(f"requests/{sent}", lang=lang)
        main = page.locator("main").inner_text()
        for part in (
            "checksum_mismatch",
            "unknown_field",
            meaning,
            text,
            "<b>bold</b>",
            "latency",
            '"ErrorCode": 1105',
        ):
            assert part in main, part
        assert page.locator("main b").count() == 0


def test_an_exchange_is_copied(open_page: Callable[..., Page], server: MockServer) -> None:
    """As curl with a new signature, as HAR, and as a test."""
    sent = send(server, RoomId="it's")
    page = open_page(f"requests/{sent}")
    copies = {}
    for name in ("curl", "HAR", "pytest"):
        page.get_by_role("button", name=f"Copy as {name}").click()
        page.locator("#status.shown").wait_for()
        copies[name] = page.evaluate("navigator.clipboard.readText()")
        page.locator("#status").evaluate("status => status.classList.remove('shown')")
    assert re.search(
        r"query_room_info\?appkey=123456789&identifier=admin&curtime=\d+&checksum=[0-9a-f]{40}", copies["curl"]
    )
    assert r"""-d '{"RoomId": "it'\''s"}'""" in copies["curl"]
    (entry,) = json.loads(copies["HAR"])["log"]["entries"]
    assert (entry["request"]["postData"]["text"], entry["response"]["status"]) == ('{"RoomId": "it\'s"}', 200)
    assert 'mockserver.signed_url("query_room_info")' in copies["pytest"]
    compile(copies["pytest"], "copied", "exec")


def test_two_exchanges_are_compared(open_page: Callable[..., Page], server: MockServer) -> None:
    """Two marked rows lead to a table of what differs; an evicted request says so."""
    one, two = send(server, RoomId="one"), send(server, RoomId="two")
    page = open_page("requests")
    expect(page.locator(ROWS)).to_have_count(2)
    for box in page.locator(f"{ROWS} input").all():
        box.check()
    page.locator("#compare").click()
    page.wait_for_url(f"**/requests/{two}?with={one}")
    assert page.locator("#compared").inner_text() == f"Differences from {one}"
    table = page.locator(".compare").inner_text()
    assert ("Field RoomId" in table, "one" in table, "two" in table, "Scenario" in table) == (True, True, True, False)


def test_a_request_that_is_gone_says_so(server: MockServer) -> None:
    """A readable page with status 404."""
    answer = create_app().test_client().get("/__admin/console/requests/00009999")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "00009999" in answer.get_data(as_text=True)


def test_the_stream_counts_what_it_leaves_out(server: MockServer) -> None:
    """An event has at most 25 requests, and the number of the others; streams end before the server stops."""
    with MockServer("default") as own:
        send(own, RoomId="1")
        (entry,) = own.engine.journal.select().entries
        for _ in range(99):
            own.engine.journal.add(entry)
        connection = http.client.HTTPConnection("127.0.0.1", own.port, timeout=10)
        connection.request("GET", "/__admin/console/stream")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.readline() == b"id: 100\n"
        news = json.loads(answer.readline().removeprefix(b"data: "))
        assert (len(news["requests"]), news["skipped"], news["last"]) == (console_requests.MAX_EVENT, 75, 100)
        assert [row["number"] for row in news["requests"]] == list(range(76, 101))
        own.engine.journal.clear()
        assert answer.readline() == b"\n"
        assert answer.readline().startswith(b"id: ")
        assert json.loads(answer.readline().removeprefix(b"data: "))["cleared"] == news["cleared"] + 1
    assert answer.read() == b"\n"
    connection.close()
