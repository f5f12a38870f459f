"""Control: every form acts through the admin API, for all apps or one, and the page shows what is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from helpers.browser import languages
from helpers.signer import APPKEY, OTHER
from playwright.sync_api import Page, expect

from mockserver import MockServer
from mockserver.server.console_pages import NAVIGATION


@pytest.fixture
def control(open_page: Callable[..., Page]) -> Page:
    """The page for all apps."""
    return open_page("control")


def test_the_scenario_is_switched(control: Page, server: MockServer) -> None:
    """Without a reload of the page."""
    control.locator("#scenario-form select").select_option("busy-day")
    control.get_by_role("button", name="Use").click()
    expect(control.locator("#scenario-name")).to_have_text("busy-day")
    assert server.admin.get("scenario") == {"name": "busy-day"}


def test_the_clock_is_moved(control: Page, server: MockServer) -> None:
    """Frozen, advanced, shifted and restored."""
    control.locator("#freeze").fill("2019-12-10T15:30:00")
    control.get_by_role("button", name="Freeze").click()
    expect(control.locator("#now")).to_have_text("2019-12-10 15:30:00")
    control.get_by_role("button", name="Advance").click()
    expect(control.locator("#now")).to_have_text("2019-12-10 15:35:01")
    assert server.admin.get("clock")["now"] == 1_575_963_301
    control.get_by_role("button", name="Restore the initial clock").click()
    expect(control.locator("#clock-part")).to_contain_text("running")
    control.get_by_role("button", name="Shift").click()
    expect(control.locator("#clock-part")).to_contain_text("+600 s")
    assert server.admin.get("clock")["offset_seconds"] == 600


def test_a_fault_is_injected_and_removed(open_page: Callable[..., Page], server: MockServer) -> None:
    """By the form of its kind; a mistake is reported beside the form."""
    for lang in languages("zh"):
        inject, remove = {"en": ("Inject", "Remove all-"), "zh": ("注入", "删除 all-")}[lang]
        server.reset()
        page = open_page("control", lang=lang)
        page.locator("#kind").select_option("error")
        page.locator("#error-name").fill("server_bussy")
        page.get_by_role("button", name=inject).click()
        mistake = {"en": "did you mean server_busy?", "zh": "是否为 server_busy？"}[lang]
        expect(page.locator("#inject #failure")).to_contain_text(mistake)
        page.locator("#error-name").fill("server_busy")
        page.locator("#on").select_option("query_room_info")
        page.locator("#inject details summary").click()
        page.locator("#common-times").fill("2")
        page.get_by_role("button", name=inject).click()
        expect(page.locator("#faults-part tbody tr")).to_have_count(1)
        expect(page.locator("#failure")).to_be_hidden()
        (fault,) = server.admin.get("faults")["faults"]
        assert (fault["fault"], fault["name"], fault["on"], fault["times"]) == (
            "error",
            "server_busy",
            ["query_room_info"],
            2,
        )
        page.get_by_role("button", name=remove).click()
        expect(page.locator("#faults-part tbody tr")).to_have_count(0)
        assert server.admin.get("faults")["faults"] == []


def test_the_parts_of_a_setting_have_fields(control: Page, server: MockServer) -> None:
    """A range is entered as two numbers."""
    control.get_by_label("uniform.min_ms").fill("10")
    control.get_by_label("uniform.max_ms").fill("20")
    control.get_by_role("button", name="Inject").click()
    expect(control.locator("#faults-part tbody tr")).to_have_count(1)
    (fault,) = server.admin.get("faults")["faults"]
    assert (fault["fault"], fault["uniform"], fault.get("lognormal")) == ("latency", {"min_ms": 10, "max_ms": 20}, None)


def test_apps_have_names_in_both_languages(open_page: Callable[..., Page]) -> None:
    """Those of apps.yaml, in the language of the page."""
    for lang, name in (("en", "The app of the document's own samples"), ("zh", "文档样例的应用")):
        for page in ("", "control"):
            assert open_page(page, lang=lang).get_by_role("cell", name=name, exact=True).count() == 1


def test_readings_are_set_and_unset(control: Page, server: MockServer) -> None:
    """A choice takes effect at once and is marked."""
    control.get_by_label("window", exact=True).select_option("enter")
    expect(control.locator("tr:has([data-reading=window]) .tag")).to_have_text("changed")
    control.get_by_label("freshness_seconds").fill("60")
    control.get_by_label("freshness_seconds").press("Tab")
    expect(control.locator("#readings-part .tag")).to_have_count(2)
    values = {row["name"]: row["value"] for row in server.admin.get("readings")["readings"]}
    assert (values["window"], values["freshness_seconds"]) == ("enter", 60)
    control.get_by_role("button", name="Unset all").click()
    expect(control.locator("#readings-part .tag")).to_have_count(0)


def test_one_app_is_controlled_alone(control: Page, server: MockServer) -> None:
    """The choice of an app is in the URL, and the others keep their state."""
    control.locator("#appkey").select_option(OTHER[0])
    control.wait_for_url(f"**/control?appkey={OTHER[0]}")
    control.locator("#scenario-form select").select_option("empty")
    control.get_by_role("button", name="Use").click()
    expect(control.locator("#scenario-name")).to_have_text("empty")
    assert server.admin.get("scenario", appkey=OTHER[0]) == {"name": "empty"}
    assert server.admin.get("scenario", appkey=APPKEY) == server.admin.get("scenario") == {"name": "default"}


def test_apps_are_created_and_deleted(control: Page, server: MockServer) -> None:
    """The keys of a new app are shown once."""
    control.get_by_role("button", name="Create an app").click()
    expect(control.locator("#keys pre")).to_contain_text("appsecret: MADE/UP+")
    appkey = control.locator("#keys pre").inner_text().split()[1]
    expect(control.locator("#apps-part")).to_contain_text(appkey)
    control.get_by_role("button", name=f"Delete {appkey}").click()
    expect(control.locator("#apps-part")).not_to_contain_text(appkey)
    assert appkey not in [app["appkey"] for app in server.admin.get("apps")["apps"]]
    control.reload()
    assert control.locator("#keys pre").count() == 0


def test_reset_restores_the_start(control: Page, server: MockServer) -> None:
    """After a question."""
    server.use("outage")
    control.on("dialog", lambda dialog: dialog.accept())
    # The page was loaded before the change and shows the default throughout.
    with control.expect_response("**/__admin/reset*"):
        control.get_by_role("button", name="Reset").click()
    expect(control.locator("#scenario-name")).to_have_text("default")
    assert server.admin.get("scenario") == {"name": "default"}


@pytest.fixture
def guarded() -> Iterator[MockServer]:
    """A server with an admin token."""
    with MockServer("default", admin_token="made-up-token") as server:
        yield server


def test_the_browser_asks_for_the_token_once(browser: object, guarded: MockServer) -> None:
    """With the token as password every page, its scripts, its calls and the stream work; a wrong one shows nothing."""
    for password, status in (("wrong", 401), ("made-up-token", 200)):
        context = browser.new_context(http_credentials={"username": "me", "password": password})  # type: ignore[attr-defined]
        page = context.new_page()
        for target, _ in NAVIGATION if status == 200 else NAVIGATION[:1]:
            response = page.goto(f"{guarded.url}/__admin/{target}")
            assert response.status == status
        if status == 200:
            page.goto(f"{guarded.url}/__admin/console/control")
            page.locator("#scenario-form select").select_option("empty")
            page.get_by_role("button", name="Use").click()
            expect(page.locator("#scenario-name")).to_have_text("empty")
            with page.expect_response("**/console/stream*") as stream:
                page.goto(f"{guarded.url}/__admin/console/requests")
            assert stream.value.status == 200
        context.close()
