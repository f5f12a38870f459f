"""The admin handlers without HTTP: released responses, counts, and concurrent callers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.engine_client import EngineClient
from helpers.signer import APPKEY, OTHER

from mockserver.core.errors import AdminError
from mockserver.server.admin_apps import create_app, delete_app, reset
from mockserver.server.admin_behavior import add_fault, clear_faults, list_faults, set_scenario
from mockserver.server.admin_request import AdminContext, AdminRequest

Call = Callable[..., Any]


@pytest.fixture
def released() -> list[str | None]:
    """The appkeys whose delayed responses were released."""
    return []


@pytest.fixture
def context(released: list[str | None]) -> AdminContext:
    """The context of an engine with a frozen clock and seven delayed responses."""
    return AdminContext(EngineClient().engine, lambda appkey: released.append(appkey) or 7)


@pytest.fixture
def call(context: AdminContext) -> Call:
    """Calls a handler for one app or all, with a body and path variables."""

    def call(handler: Call, appkey: str | None = None, body: Any = None, path: Any = None) -> Any:
        return handler(context, AdminRequest(appkey, path or {}, body=body or {}))

    return call


def test_clearing_faults_and_resetting_release_delayed_responses(call: Call, released: list[str | None]) -> None:
    """Those of the given app, or of all apps; other calls release none."""
    assert call(clear_faults, APPKEY) == {"removed": 0, "released": 7}
    assert call(reset) == {"released": 7}
    assert call(reset, OTHER[0]) == {"released": 7}
    appkey = call(create_app)["appkey"]
    call(set_scenario, appkey, {"name": "empty"})
    call(delete_app, path={"appkey": appkey})
    assert released == [APPKEY, None, OTHER[0], appkey]


def test_deleting_an_app_deletes_its_state(call: Call, context: AdminContext) -> None:
    """A later app with the same key would start with a new state."""
    appkey = call(create_app)["appkey"]
    call(set_scenario, appkey, {"name": "empty"})
    state = context.engine.store.app(appkey)
    call(delete_app, path={"appkey": appkey})
    assert state not in context.engine.store.states()
    with pytest.raises(AdminError, match="unknown app"):
        call(set_scenario, appkey, {"name": "document"})


def test_apps_created_concurrently_have_different_keys(call: Call) -> None:
    """No two apps share an appkey or a secret."""
    with ThreadPoolExecutor(16) as threads:
        apps = list(threads.map(lambda _: call(create_app), range(200)))
    for name in ("appkey", "appsecret", "restapikey"):
        assert len({app[name] for app in apps}) == 200
    assert all(app["appkey"].isdecimal() for app in apps)


def test_faults_added_concurrently_are_all_listed(call: Call) -> None:
    """For one app and for all, each under its own id."""
    latency = {"fault": "latency", "fixed_ms": 0}
    with ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(lambda n: call(add_fault, None if n % 2 else APPKEY, latency)["id"], range(100)))
    assert len(set(ids)) == 100
    assert len(call(list_faults, APPKEY)["faults"]) == 100
    assert len(call(list_faults, OTHER[0])["faults"]) == 50
    assert call(clear_faults)["removed"] == 100


def test_the_list_of_all_faults_combines_the_lists_of_the_apps(call: Call) -> None:
    """Faults of all apps are listed once, faults of one app with its appkey, scenario faults included."""
    call(set_scenario, APPKEY, {"name": "gateway-down"})
    call(add_fault, None, {"fault": "hang", "id": "shared"})
    call(add_fault, OTHER[0], {"fault": "hang"})
    rows = [(fault["id"], fault.get("appkey")) for fault in call(list_faults)["faults"]]
    assert len(rows) == len(set(rows))
    assert [appkey for name, appkey in rows if name == "shared"] == [None]
    assert {appkey for name, appkey in rows if name.startswith("scenario-")} == {APPKEY}
    assert ("hang-1", OTHER[0]) in rows


def test_fields_are_checked_by_name_and_type() -> None:
    """An unknown field gets a suggestion or the list of known fields; a boolean is not a number."""
    assert AdminRequest(body={"a": 1}).fields(a=(int,)) == {"a": 1}
    assert AdminRequest(body={"a": True}).fields(a=(bool,)) == {"a": True}
    for body, message in (
        ({"nmae": 1}, "did you mean name?"),
        ({"zzz": 1}, "known: name, count"),
        ({"count": True}, "count must be int"),
        ({"count": None}, "count must be int"),
        ({"name": 1}, "name must be str"),
    ):
        with pytest.raises(AdminError, match=message) as error:
            AdminRequest(body=body).fields(name=(str,), count=(int, float))
        assert error.value.status == 422
    with pytest.raises(AdminError, match="known: none"):
        AdminRequest(body={"x": 1}).fields()
