"""The reins without HTTP: what is let go, what is counted, and that threads which pull at once lose nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.bench import Bench
from helpers.signer import APPKEY, OTHER

from mockserver.core.errors import ControlError
from mockserver.server.admin_request import arguments
from mockserver.server.control import Control


class Released(list):
    """Notes who was let go."""

    def __call__(self, appkey: str | None) -> int:
        """Note it."""
        self.append(appkey)
        return 7


@pytest.fixture
def released() -> Released:
    """What the transport was told to let go."""
    return Released()


@pytest.fixture
def control(released: Released) -> Control:
    """Control of an engine at a frozen clock."""
    return Control(Bench().engine, released)


def test_ending_faults_and_resetting_let_go_what_they_held_back(control: Control, released: Released) -> None:
    """Of the app that is meant, or of all; other calls let nobody go."""
    assert control.clear_faults(APPKEY) == {"removed": 0, "released": 7}
    assert control.reset(None) == {"released": 7}
    assert control.reset(OTHER[0]) == {"released": 7}
    made = control.add_app()["appkey"]
    control.use(made, "empty")
    control.remove_app(made)
    assert released == [APPKEY, None, OTHER[0], made]


def test_an_app_that_is_gone_is_forgotten(control: Control) -> None:
    """Its state goes with it: a later app of that key, if there were one, begins anew."""
    made = control.add_app()["appkey"]
    control.use(made, "empty")
    state = control.engine.store.app(made)
    control.remove_app(made)
    assert state not in control.engine.store.states()
    with pytest.raises(ControlError, match="unknown app"):
        control.use(made, "document")


def test_two_apps_made_at_once_are_two(control: Control) -> None:
    """Each has keys that no other has."""
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: control.add_app(), range(200)))
    for name in ("appkey", "appsecret", "restapikey"):
        assert len({one[name] for one in made}) == 200
    assert all(one["appkey"].isdecimal() for one in made)


def test_faults_added_at_once_are_all_there(control: Control) -> None:
    """For one app and for all, each under its own id."""
    latency = {"fault": "latency", "fixed_ms": 0}
    with ThreadPoolExecutor(16) as threads:
        ids = list(
            threads.map(lambda n: control.add_fault(None if n % 2 else APPKEY, latency)["id"], range(100))
        )
    assert len(set(ids)) == 100
    assert len(control.faults(APPKEY)["faults"]) == 100
    assert len(control.faults(OTHER[0])["faults"]) == 50
    assert control.clear_faults(None)["removed"] == 100


def test_the_list_of_all_faults_is_that_of_each(control: Control) -> None:
    """Those of all apps once, those of one app with its key, those of scenarios too."""
    control.use(APPKEY, "gateway-down")
    control.add_fault(None, {"fault": "hang", "id": "shared"})
    control.add_fault(OTHER[0], {"fault": "hang"})
    told = [(one["id"], one.get("appkey")) for one in control.faults(None)["faults"]]
    assert len(told) == len(set(told))
    assert [who for name, who in told if name == "shared"] == [None]
    assert {who for name, who in told if name.startswith("scenario-")} == {APPKEY}
    assert ("hang-1", OTHER[0]) in told


def test_arguments_are_told_by_name_and_kind() -> None:
    """A field that is none gets the nearest name, or the known ones; a boolean is no number."""
    assert arguments({"a": 1}, a=(int,)) == {"a": 1}
    assert arguments({"a": True}, a=(bool,)) == {"a": True}
    for body, told in (
        ({"nmae": 1}, "did you mean name?"),
        ({"zzz": 1}, "known: name, count"),
        ({"count": True}, "count must be int"),
        ({"count": None}, "count must be int"),
        ({"name": 1}, "name must be str"),
    ):
        with pytest.raises(ControlError, match=told) as refused:
            arguments(body, name=(str,), count=(int, float))
        assert refused.value.status == 422
    with pytest.raises(ControlError, match="known: none"):
        arguments({"x": 1})
