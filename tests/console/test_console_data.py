"""The data page: a day in the API's own answers, which are not recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from helpers.browser import languages
from helpers.length import FULL
from playwright.sync_api import Page, expect

from mockserver import MockServer

DAY = "20191210"
MEASURES = ("CommunicateDuration", "RoomCnt", "PeakOnlineNum", "CommunicateNum")
START = 1_575_907_200  # 00:00 of the day in UTC+8.


def preview(server: MockServer, operation: str, **body: Any) -> Any:
    """Return what the API answers."""
    return server.admin.get("preview", operation=operation, body=json.dumps(body))


@pytest.fixture
def data(open_page: Callable[..., Page], server: MockServer) -> Page:
    """The page of the recorded day, loaded."""
    server.use("recorded-day")
    page = open_page(f"data?day={DAY}")
    page.locator("#sums-RoomId").wait_for()
    return page


def test_the_charts_show_the_answers(data: Page, server: MockServer) -> None:
    """Seven charts are drawn on load, each with the numbers of its answer in summary and table."""
    expect(data.locator(".u-wrap canvas")).to_have_count(7)
    for by in (1, 2, 3, 4):
        rows = preview(server, "count_business_total_volume_by_day", QueryDate=DAY, CountBy=by)["TrendData"]
        volumes = [row["Volume"] for row in rows]
        chart = data.locator(f"#trend-{by}")
        assert f"{max(volumes) if by == 3 else sum(volumes):,}" in chart.locator(".summary").inner_text()
        chart.locator("summary").click()
        cells = chart.locator("tbody tr").nth(20).locator("td").all_inner_texts()
        hour = volumes[20 * 60 : 21 * 60]
        assert cells == ["20:00", f"{max(hour) if by == 3 else sum(hour):,}"]
    loss = preview(server, "count_qos_by_day", QueryDate=DAY)["QosData"]
    worst = max(row["VideoPackLossRate"] for row in loss)
    assert f"{worst:.2f}\u00a0%" in data.locator("#loss .summary").inner_text()


def test_the_cursor_reads_a_tick_out(data: Page, server: MockServer) -> None:
    """The readout has the UTC+8 time and the value of the tick below the pointer."""
    rows = preview(server, "count_business_total_volume_by_day", QueryDate=DAY, CountBy=1)["TrendData"]
    box = data.locator("#trend-1 .u-over").bounding_box()
    assert box is not None
    data.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    readout = data.locator("#trend-1 .readout")
    data.wait_for_function("document.querySelector('#trend-1 .readout b')")
    time, value = readout.inner_text().split()[0], readout.locator("b").inner_text()
    hours, minutes, _ = map(int, time.split(":"))
    assert abs(hours * 60 + minutes - 720) <= 2
    assert value == f"{rows[hours * 60 + minutes]['Volume']:,}"


def test_distributions_have_names_in_both_languages(open_page: Callable[..., Page], server: MockServer) -> None:
    """Ranked, although the answers have no names."""
    rows = preview(server, "count_business_distribute_volume_by_day", QueryDate=DAY, CountBy=4)["DistributeData"]
    assert "Name" not in rows[0]
    for lang in languages("zh"):
        country, show = {"en": ("China", "Show all"), "zh": ("中国", "显示全部")}[lang]
        page = open_page(f"data?day={DAY}", lang=lang)
        page.locator("#sums-RoomId").wait_for()
        cards = page.locator(".bars")
        expect(cards).to_have_count(4)
        assert cards.nth(0).locator("tbody th").first.inner_text() == country
        assert cards.nth(3).locator("tbody th").all_inner_texts()[0] == "WiFi"
        page.get_by_role("button", name=show).first.click()
        assert cards.nth(1).locator("tbody tr").count() > 8
        page.locator("select").nth(2).select_option("RoomCnt")
        assert cards.nth(1).locator("tbody .number").first.inner_text().isdecimal()


def test_a_room_and_its_people_are_shown_over_time(data: Page, server: MockServer) -> None:
    """A click on a room shows its sessions as in §2.1 and §2.2; a click on a user, the days. The URL keeps both."""
    data.locator("#sums-RoomId ~ * button, section:has(#sums-RoomId) td button").first.click()
    data.locator("#room tbody tr").first.wait_for()
    room = data.locator("#room-title").inner_text().split()[1]
    answer = preview(server, "query_room_info", RoomId=room)
    assert data.locator("#room tbody tr").count() == len(answer["Users"])
    user = answer["Users"][0]["UserId"]
    data.locator("#room tbody tr button").first.click()
    data.locator("#person .timeline tbody tr").first.wait_for()
    body = {"UserId": user, "BeginTime": str(START - 6 * 86400), "EndTime": str(START + 86399)}
    records = preview(server, "query_instance_all_records_by_time", **body)["UserRecords"]
    sessions = sum(len(each["RoomRecords"]) for each in records)
    assert data.locator("#person .timeline tbody tr").count() == 7
    assert data.locator("#person .tall tbody tr").count() == sessions
    assert data.url.endswith(f"data?day={DAY}&appkey=123456789&room={room}&user={user}")
    data.reload()
    data.locator("#room tbody tr").first.wait_for()
    data.locator("#person .timeline").wait_for()
    data.locator("#room").get_by_role("button", name="Close").click()
    assert data.locator("#room").count() == 0


def test_every_picture_has_its_request(open_page: Callable[..., Page], server: MockServer) -> None:
    """As JSON leads to the answer; as curl copies a signed command of the same request."""
    page = open_page(f"data?day={DAY}")
    chart = page.locator("#trend-2")
    link = chart.get_by_role("link", name="as JSON").get_attribute("href")
    assert link is not None
    assert quote('{"QueryDate":"20191210","CountBy":2}', safe="") in link
    chart.get_by_role("button", name="as curl").click()
    page.locator("#status.shown").wait_for()
    line = page.evaluate("navigator.clipboard.readText()")
    assert f"{server.url}/v2/video/count_business_total_volume_by_day?appkey=123456789&" in line
    assert """-d '{"QueryDate":"20191210","CountBy":2}'""" in line


def test_the_page_leaves_no_trace(open_page: Callable[..., Page], server: MockServer) -> None:
    """No entry in the journal or the coverage, and no effect of a fault that applies to every call of a client."""
    server.admin.send("POST", "faults", {"fault": "error", "on": "*", "name": "server_busy", "times": 3})
    page = open_page(f"data?day={DAY}")
    page.locator("#sums-RoomId").wait_for()
    expect(page.locator(".u-wrap canvas")).to_have_count(7)
    expect(page.locator(".bars")).to_have_count(4)
    assert page.locator(".error").count() == 0
    (fault,) = server.admin.get("faults")["faults"]
    assert (fault["matched"], fault["struck"]) == (0, 0)
    assert server.admin.get("requests")["requests"] == server.admin.get("requests", kind="stray")["requests"] == []
    assert server.admin.get("coverage")["met"] == 0


def test_a_scenario_without_calls_says_so(open_page: Callable[..., Page], server: MockServer) -> None:
    """An empty day has no broken chart, and the picker leads to another day."""
    server.admin.send("PUT", "scenario", {"name": "empty"})
    page = open_page(f"data?day={DAY}")
    page.locator("#sums-RoomId").wait_for()
    expect(page.locator("#data .empty")).to_have_count(5)
    page.get_by_role("link", name="Day before").click()
    page.wait_for_url("**/data?day=20191209*")
    assert page.locator("h1").inner_text() == "2019-12-09"


def test_a_day_without_calls_leads_to_one_with_calls(open_page: Callable[..., Page], server: MockServer) -> None:
    """In a recorded world, the last one."""
    server.use("recorded-day")
    page = open_page("data?day=20200101")
    page.locator("main > .note a").click()
    page.wait_for_url(f"**/data?day={DAY}*")
    assert page.locator("main > .note").count() == 0
    server.use("empty")
    page.reload()
    assert page.locator("main > .note a").get_attribute("href") == "../console/control"


def test_a_cumulative_trend_has_the_same_hours(open_page: Callable[..., Page], server: MockServer) -> None:
    """With the reading trend=cumulative, charts show the sum so far, and tables the amount of each hour."""
    server.use("recorded-day")
    tables = []
    for reading in ("tick", "cumulative"):
        server.admin.send("PUT", "readings", {"trend": reading})
        with urlopen(f"{server.url}/__admin/console/data?day={DAY}&tables=1&lang=en", timeout=10) as answer:
            table = answer.read().decode().partition("By hour")[2].partition("</table>")[0]
        rows = [re.findall(r"<td[^>]*>([^<]*)", row) for row in table.split("</tr>")[1:-1]]
        tables.append([(time, seconds, rooms, callers) for time, seconds, rooms, _, callers in rows])
    assert tables[0] == tables[1]
    assert len(tables[0]) == 24
    page = open_page(f"data?day={DAY}")
    page.locator("#sums-RoomId").wait_for()
    assert page.get_by_label("Calls of").locator("option").count() == 25
    rows = preview(server, "count_business_total_volume_by_day", QueryDate=DAY, CountBy=4)["TrendData"]
    assert page.locator("#trend-4 .summary").inner_text().startswith(f"Peak {rows[-1]['Volume']} at")


def test_a_date_is_typed(open_page: Callable[..., Page]) -> None:
    """The page stays until Enter, although each digit changes the date."""
    page = open_page(f"data?day={DAY}")
    page.locator("[name=day]").focus()
    page.keyboard.type("11092019")
    assert page.locator("[name=day]").input_value() == "2019-11-09"
    page.keyboard.press("Enter")
    page.wait_for_url("**/data?day=20191109*")
    assert page.locator("h1").inner_text() == "2019-11-09"


def test_a_recorded_world_opens_at_its_day(open_page: Callable[..., Page], server: MockServer) -> None:
    """Not today, which has no calls."""
    server.admin.send("PUT", "scenario", {"name": "recorded-day"})
    page = open_page("data")
    assert page.locator("h1").inner_text() == "2019-12-10"
    page.locator("#sums-RoomId").wait_for()
    assert "123456789" in page.locator("section:has(#sums-RoomId) tbody").inner_text()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_browser_without_scripts_gets_tables(server: MockServer, lang: str) -> None:
    """The same numbers, by hour, by place and network, by room and by user; the day as a date field sends it."""
    server.use("recorded-day")
    url = f"{server.url}/__admin/console/data?day=2019-12-10&tables=1&lang={lang}"
    with urlopen(url, timeout=10) as answer:
        html = answer.read().decode()
    tables = [
        [re.findall(r"<td[^>]*>([^<]*)", row) for row in re.findall(r"<tr>(<td.*?)</tr>", table)]
        for table in re.findall(r"<table.*?</table>", html, re.DOTALL)
    ]
    callers = preview(server, "count_business_total_volume_by_day", QueryDate=DAY, CountBy=4)["TrendData"]
    evening = [row["Volume"] for row in callers if int(row["TickTime"]) // 3_600 == (START + 20 * 3_600) // 3_600]
    assert (len(tables), [row[4] for row in tables[0] if row[0] == "20:00"]) == (7, [f"{sum(evening):,}"])
    country = preview(server, "count_business_distribute_volume_by_day", QueryDate=DAY, CountBy=1)["DistributeData"][0]
    assert tables[1][0] == [{"en": "China", "zh": "中国"}[lang], *(f"{country[name]:,}" for name in MEASURES)]
    sums = server.admin.get("calls", **{"from": str(START), "to": str(START + 86_399)})
    assert [row[0] for row in tables[5]] == [room["RoomId"] for room in sums["rooms"]]
    assert [row[0] for row in tables[6]] == [person["UserId"] for person in sums["people"]]


def test_calls_sums_up_the_records(server: MockServer) -> None:
    """Rooms and people add up to the rows of §2.3."""
    window = {"BeginTime": str(START), "EndTime": str(START + 86399)}
    rows = preview(server, "query_all_instance_by_time", **window)["UsersList"]
    sums = server.admin.get("calls", **{"from": str(START), "to": str(START + 86399)})
    seconds = sum(int(row["LeaveTime"]) - int(row["EnterTime"]) for row in rows)
    assert sums["total"] == {
        "rooms": len({row["RoomId"] for row in rows}),
        "people": len({row["UserId"] for row in rows}),
        "sessions": len(rows),
    }
    assert len(sums["rooms"]) == len(sums["people"]) == 500
    longest = sums["rooms"][0]
    mine = [row for row in rows if row["RoomId"] == longest["RoomId"]]
    assert longest["seconds"] == sum(int(row["LeaveTime"]) - int(row["EnterTime"]) for row in mine) < seconds
    assert (longest["sessions"], longest["people"]) == (len(mine), len({row["UserId"] for row in mine}))


def test_names_are_unknown_where_a_rule_answers(server: MockServer) -> None:
    """The rows of a scenario's own answer are not those of its world."""
    assert server.admin.get("distribution-names", day=DAY, by="4")["names"][0] == {"en": "WiFi", "zh": "WiFi"}
    reply = {"patch": {"DistributeData": []}}
    server.admin.send("POST", "answers", {"on": "count_business_distribute_volume_by_day", "reply": reply})
    assert server.admin.get("distribution-names", day=DAY, by="4")["names"] is None


@pytest.mark.parametrize("scenario", ["busy-day", *(["hundredfold"] if FULL else [])])
def test_a_busy_day_is_shown_hour_by_hour(open_page: Callable[..., Page], server: MockServer, scenario: str) -> None:
    """Tables of rooms and people begin with the busiest hour; charts show the whole day."""
    server.use(scenario)
    page = open_page(f"data?day={DAY}")
    page.locator("#sums-RoomId").wait_for(timeout=120_000)
    hours = page.get_by_label("Calls of").locator("option")
    assert hours.count() == 24
    chosen = page.get_by_label("Calls of").input_value()
    counts = [int(text.partition("(")[2].strip(")").replace(",", "")) for text in hours.all_inner_texts()]
    assert counts[int(chosen)] == max(counts) > 1_000
    assert page.locator("section:has(#sums-RoomId) tbody tr").count() == 100
    expect(page.locator(".u-wrap canvas")).to_have_count(7)
