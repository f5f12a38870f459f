"""The server in the current process: its apps have every method of the plugin's apps, without a socket or token."""

from __future__ import annotations

import json
import threading
import urllib.request
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.core.errors import AdminError
from mockserver.testing.app import MockApp

ROOM = {"RoomId": "987654321"}


def call(app: MockApp, body: Any = ROOM) -> Any:
    """Return the answer to one call of query_room_info."""
    url = app.signed_url("query_room_info")
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("token", [None, "canary-token", "钥匙 é"])
def test_apps_of_a_server_have_every_method_of_the_handle(token: str | None) -> None:
    """A registered app and a new one; neither affects the other, with and without an admin token."""
    with MockServer("document", admin_token=token) as mock:
        old, new = mock.app("123456789"), mock.new_app()
        assert (old.url, new.url) == (mock.url, mock.url)
        new.use("empty")
        assert (call(new)["ErrorCode"], call(old)["ErrorCode"]) == (1301, 0)
        new.set_readings(unknown_room="empty", signing="v1")
        assert call(new)["Users"] == []
        given = new.answer("query_room_info", error="user_not_found")
        assert call(new)["ErrorCode"] == 1302
        new.remove_answer(given)
        new.inject("error", name="server_busy", times=1)
        assert call(new, {"RoomId": "1"})["ErrorCode"] == 1402
        new.freeze("2019-12-10T15:30+08:00")
        new.advance(60)
        assert "curtime=1575963060&" in new.sign()
        new.assert_called("query_room_info", times=4)
        assert len(new.wait_for(4)) == 4
        assert len(new.requests) == 4
        old.assert_called(times=1)
        old.assert_no_violations()
        call(new, {"RoomID": "1"})
        new.expect_violation("unknown_field", "missing_field", "repeated_after_final")
        new.assert_no_violations()
        new.reset()
        assert new.requests == []
        assert len(old.requests) == 1
        with pytest.raises(AdminError, match="did you mean empty"):
            new.use("empti")
        new.remove()
        with pytest.raises(AdminError, match="unknown app"):
            mock.app(new.appkey)


def test_an_unknown_app_is_refused_with_the_closest_appkey() -> None:
    """Or with some known ones; the repr shows the scenario in use."""
    mock = MockServer("document")
    with pytest.raises(AdminError, match="unknown app '12345678'; did you mean 123456789[?]"):
        mock.app("12345678")
    with pytest.raises(AdminError, match="unknown app '42'; known: 123456789"):
        mock.app("42")
    app = mock.app("123456789")
    assert repr(app) == f"MockApp(appkey='123456789', url='{mock.url}', scenario='document')"
    mock.use("empty")
    assert repr(app).endswith("scenario='empty')")


def test_an_app_can_be_configured_before_the_start() -> None:
    """The first registered app is the default; a created app is found by its appkey."""
    mock = MockServer("document")
    made = mock.new_app()
    made.answer("query_room_info", error="room_not_found")
    mock.app().freeze(1575963000)
    with mock:
        again = mock.app(made.appkey)
        assert call(again)["ErrorCode"] == 1301
        assert "curtime=1575963000&" in mock.app().sign()
        assert mock.app().appkey == next(iter(mock.engine.config.apps))


def test_an_app_is_configured_without_a_certificate_under_https() -> None:
    """The admin API of the same process needs no connection."""
    with MockServer("document", tls=True) as mock:
        app = mock.new_app()
        app.use("empty")
        assert mock.admin.get("scenario", appkey=app.appkey) == {"name": "empty"}
        assert app.signed_url("query_room_info").startswith("https://127.0.0.1:")


def test_all_apps_or_one_are_configured_by_the_same_methods() -> None:
    """`all_apps` and the methods of the server act on every app, and with `appkey` on that app only."""
    with MockServer("document") as mock:
        first, second = mock.app("123456789"), mock.new_app()
        fault = mock.all_apps.inject("error", name="server_busy")
        assert [call(app)["ErrorCode"] for app in (first, second)] == [1402, 1402]
        mock.all_apps.remove_fault(fault)
        mock.inject("error", name="server_busy", appkey=second.appkey, times=1)
        assert [call(app)["ErrorCode"] for app in (first, second)] == [0, 1402]
        mock.use("empty", appkey=second.appkey)
        assert [call(app)["ErrorCode"] for app in (first, second)] == [0, 1301]
        mock.reset(appkey=second.appkey)
        assert ([len(app.requests) for app in (first, second)], call(second)["ErrorCode"]) == ([3, 0], 0)
        mock.all_apps.freeze(1575963000)
        assert all("curtime=1575963000&" in app.sign() for app in (first, second))
        mock.reset()
        assert first.requests == []
        assert second.appkey not in mock.engine.apps


def test_an_idle_server_loads_its_admin_api(monkeypatch):
    """The first page or admin request does not wait for it; a server that is stopping does not load it any more."""
    monkeypatch.setattr("mockserver.testing.mock_server._IDLE_SECONDS", 0.05)
    mock, stopped = MockServer("document"), threading.Event()
    stopped.set()
    mock._load_when_idle(stopped)
    assert mock._app is None
    mock._load_when_idle(threading.Event())
    assert mock._app is not None
