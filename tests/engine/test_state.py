"""The state of an app is limited, and removed by a reset or when the app is no longer used."""

from __future__ import annotations

from helpers.engine_client import EngineClient

from mockserver.server.app import build_app
from mockserver.validation.claims import MAX_SIGNED, Claims


def test_a_valid_checksum_is_remembered_until_the_app_is_reset() -> None:
    """With the curtime it was valid for."""
    made = Claims()
    assert made.signed_for("a" * 40) is None
    made.remember_signed("a" * 40, "1576000000")
    made.remember_signed("a" * 40, "1576000000")
    assert made.signed_for("a" * 40) == "1576000000"
    assert made.signed_for("b" * 40) is None
    made.reset()
    assert made.signed_for("a" * 40) is None


def test_the_oldest_checksum_is_forgotten_and_none_is_stored() -> None:
    """After more checksums than the limit, the newest are left."""
    made = Claims()
    for number in range(MAX_SIGNED + 1):
        made.remember_signed(f"{number:040x}", str(number))
    assert made.signed_for(f"{0:040x}") is None
    assert made.signed_for(f"{1:040x}") == "1"
    assert made.signed_for(f"{MAX_SIGNED:040x}") == str(MAX_SIGNED)
    assert f"{MAX_SIGNED:040x}" not in repr(vars(made))


def _admin(client: EngineClient, method: str, path: str) -> dict:
    flask = build_app(client.engine).test_client()
    return flask.open(f"/__admin/{path}", method=method, json={}, headers={"X-Mock-Admin": "1"}).json


def test_an_app_that_nobody_uses_expires_with_its_journal() -> None:
    """Using it, by a request or in the admin API, keeps it; one of apps.yaml never expires."""
    client = EngineClient()
    client.ask("query_room_info")
    appkey = _admin(client, "POST", "apps")["appkey"]
    client.send({"operation": "query_room_info", "query": {"appkey": appkey}})
    assert client.engine.store.app(appkey) in client.engine.store.states()
    client.engine.store.app_ttl = -1
    assert client.error(client.send({"operation": "query_room_info", "query": {"appkey": appkey}})) == "unknown_appkey"
    shown = _admin(client, "GET", "apps")["apps"]
    assert shown
    assert not any(app["made"] for app in shown)
    assert appkey not in [state.appkey for state in client.engine.store.states()]
    assert appkey not in client.journal.appkeys()


def test_a_reset_removes_the_apps_created_at_run_time() -> None:
    """The reset of one app does not."""
    client = EngineClient()
    appkey = _admin(client, "POST", "apps")["appkey"]
    _admin(client, "POST", f"reset?appkey={appkey}")
    assert appkey in client.engine.apps
    _admin(client, "POST", "reset")
    assert client.engine.apps == {}
    assert client.engine.app(appkey) is None
