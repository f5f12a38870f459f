"""The plugin in use: nothing is loaded without the fixture, every test has its own app, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

from helpers.pytest_suites import run, write

IDLE = """
    import sys
    import threading

    def test_nothing_is_loaded():
        heavy = {"flask", "numpy", "httptools", "jinja2", "faker", "yaml", "jsonschema", "jsonschema_rs", "orjson", "click"}
        assert not heavy & set(sys.modules)
        mine = sorted(name for name in sys.modules if name.startswith("mockserver"))
        plugin = ["mockserver.testing" + name for name in ("", ".options", ".plugin", ".summary")]
        assert mine == ["mockserver", "mockserver.core", "mockserver.core.errors", "mockserver.core.messages", "mockserver.core.text", *plugin]
        assert threading.active_count() == 1
"""
APPS = """
    import pytest
    from helper import call

    def test_an_app_of_ones_own(mockserver, mockserver_admin):
        mockserver.inject("error", name="server_busy")
        assert call(mockserver, {"RoomId": "123456789"})["ErrorCode"] == 1402
        mockserver.use("empty")
        mockserver.advance(seconds=600)
        assert mockserver.appkey in {app["appkey"] for app in mockserver_admin.get("apps")["apps"]}
        seen.append(mockserver.appkey)

    def test_that_knows_nothing_of_the_one_before(mockserver, mockserver_admin):
        assert seen[0] not in {app["appkey"] for app in mockserver_admin.get("apps")["apps"]}
        assert mockserver.appkey not in seen
        assert mockserver.requests == []
        assert call(mockserver, {"RoomId": "987654321"})["ErrorCode"] == 0

    def test_may_remove_its_app_itself(mockserver):
        mockserver.remove()

    seen = []
"""
MARKED = """
    import pytest
    from helper import call

    pytestmark = pytest.mark.mockserver(scenario="empty", readings={"unknown_room": "empty", "window": "enter"})

    def in_force(mock, admin):
        rows = admin.get("readings", appkey=mock.appkey)["readings"]
        return {row["name"]: row["value"] for row in rows}

    def scenario(mock, admin):
        return admin.get("scenario", appkey=mock.appkey)["name"]

    def test_the_modules_marker_holds(mockserver, mockserver_admin):
        assert scenario(mockserver, mockserver_admin) == "empty"
        assert in_force(mockserver, mockserver_admin)["unknown_room"] == "empty"
        assert call(mockserver, {"RoomId": "987654321"})["Users"] == []

    @pytest.mark.mockserver(scenario="document", readings={"window": "leave"})
    class TestMarkedClass:
        def test_the_classs_marker_wins_where_it_speaks(self, mockserver, mockserver_admin):
            assert scenario(mockserver, mockserver_admin) == "document"
            readings = in_force(mockserver, mockserver_admin)
            assert (readings["unknown_room"], readings["window"]) == ("empty", "leave")

        @pytest.mark.mockserver(scenario="default")
        def test_the_functions_marker_wins_over_both(self, mockserver, mockserver_admin):
            assert scenario(mockserver, mockserver_admin) == "default"
            assert in_force(mockserver, mockserver_admin)["window"] == "leave"

    @pytest.mark.parametrize("name", [
        pytest.param("busy-day", marks=pytest.mark.mockserver(scenario="busy-day")),
        pytest.param("recorded-day", marks=pytest.mark.mockserver(scenario="recorded-day")),
    ])
    def test_a_parameters_marker_holds(mockserver, mockserver_admin, name):
        assert scenario(mockserver, mockserver_admin) == name
"""
AFTER = """
    import gc
    import os
    import threading

    def sockets():
        return [number for number in os.listdir("/proc/self/fd") if "socket" in link(number)]

    def link(number):
        try:
            return os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            return ""

    def pytest_unconfigure(config):
        gc.collect()
        with open("after.txt", "w") as file:
            print(threading.active_count(), len(sockets()), file=file)
"""


def test_nothing_is_loaded_until_a_test_uses_the_fixture(tmp_path: Path) -> None:
    """Otherwise there are a few small modules, but no server, section or thread."""
    write(tmp_path, {"test_idle.py": IDLE})
    done = run(tmp_path, fresh=True)
    assert (done.code, done.outcomes, done.section) == (0, {"passed": 1}, ""), done.output


def test_every_test_has_its_own_app_and_nothing_is_left(tmp_path: Path) -> None:
    """Apps are isolated, markers combine, and no thread, socket or file remains."""
    write(tmp_path, {"test_apps.py": APPS, "tests/test_marked.py": MARKED, "conftest.py": AFTER})
    done = run(tmp_path, "-p", "no:rerunfailures", "-p", "no:schemathesis", alone=False, fresh=True)
    assert (done.code, done.outcomes) == (0, {"passed": 8}), done.output
    assert (tmp_path / "after.txt").read_text() == "1 0\n"
    files = {path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files == {"pytest.ini", "helper.py", "conftest.py", "after.txt", "test_apps.py", "test_marked.py"}


def test_the_plugin_works_with_a_conftest_and_another_rootdir(tmp_path: Path) -> None:
    """Even if tests change the current folder."""
    conftest = """
        import os
        import pytest

        @pytest.fixture
        def room(mockserver, tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            return mockserver.answer("query_room_info", patch={"Users": []})

        @pytest.fixture(scope="session", autouse=True)
        def elsewhere(tmp_path_factory):
            os.chdir(tmp_path_factory.mktemp("elsewhere"))
    """
    test = """
        from helper import call

        def test_it(mockserver, room):
            assert call(mockserver, {"RoomId": "987654321"})["Users"] == []
    """
    write(tmp_path, {"inner/conftest.py": conftest, "inner/test_it.py": test})
    folder = tmp_path / "inner"
    done = run(folder, "--rootdir=..", "--import-mode=append", "--mockserver-report=report.json", PYTHONPATH="..")
    assert done.code == 0, done.output
    assert (folder / "report.json").is_file()


def test_an_interrupted_run_is_reported(tmp_path: Path) -> None:
    """After `pytest.exit` the journal is read before the server stops, and the exit code stays."""
    test = """
        import pytest
        from helper import call

        def test_one(mockserver):
            call(mockserver, {"RoomId": "987654321", "Wrong": 1})
            pytest.exit("enough")

        def test_two(mockserver):
            pass
    """
    write(tmp_path, {"test_it.py": test})
    done = run(tmp_path, "--mockserver-fail-on-violations")
    assert done.code == 2, done.output
    assert "unknown_field body:/Wrong" in done.section
