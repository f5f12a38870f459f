"""What is shown beside a failed test: the violations of its client, and a clock that explains them."""

from __future__ import annotations

from pathlib import Path

from helpers.pytest_suites import run, write

SECTION = "Captured mockserver call"
FAILING = """
    import time
    import pytest
    from helper import call
    from mockserver.contract.apps import Credentials
    from mockserver.contract.checksum import sign

    def by_the_machine(mock):
        return sign(Credentials(mock.appkey, mock.appsecret, mock.restapikey), time.time())

    def test_frozen(mockserver):
        mockserver.freeze("2019-12-10T15:30+08:00")
        assert call(mockserver, {"RoomId": "987654321"}, by_the_machine(mockserver))["ErrorCode"] == 0

    def test_frozen_and_asserted(mockserver):
        mockserver.freeze("2019-12-10T15:30+08:00")
        call(mockserver, {"RoomId": "987654321"}, by_the_machine(mockserver))
        mockserver.assert_no_violations()

    def test_advanced_and_called(mockserver):
        mockserver.advance(seconds=301)
        call(mockserver, {"RoomId": "987654321"}, by_the_machine(mockserver))
        mockserver.assert_called("query_room_info", accepted=True)

    def test_frozen_but_old(mockserver):
        mockserver.freeze("2019-12-10T15:30+08:00")
        query = mockserver.sign()
        mockserver.advance(seconds=1000)
        assert call(mockserver, {"RoomId": "987654321"}, query)["ErrorCode"] == 0

    def test_nothing_wrong(mockserver):
        call(mockserver, {"RoomId": "987654321"})
        raise ValueError("of its own")

    def test_skipped(mockserver):
        call(mockserver, {"RoomId": "987654321", "Extra": 1})
        pytest.skip("late")
"""


def test_a_failed_test_shows_the_violations_of_its_client(tmp_path: Path) -> None:
    """Each once, with the clock that explains it; nothing beside a failure of another kind."""
    write(tmp_path, {"test_failing.py": FAILING})
    done = run(tmp_path)
    assert done.outcomes == {"failed": 5}, done.output
    shown = {}
    for part in done.output.split("\n____")[1:]:
        name, _, text = part.strip("_ ").partition(" ")
        shown[name] = text.split("\n====")[0]
    frozen = "the client signs with the machine's time, but the app's clock is frozen at 2019-12-10T15:30:00+08:00"
    section = shown["test_frozen"].partition(SECTION)[2]
    assert "query:curtime: curtime is" in section
    assert frozen in section
    for name, text in (
        ("test_frozen_and_asserted", frozen),
        ("test_advanced_and_called", "but the app's clock is 301 s ahead"),
    ):
        assert shown[name].count(text) == 1, shown[name]
    assert SECTION not in shown["test_frozen_and_asserted"]
    assert "error is checksum_expired" not in shown["test_advanced_and_called"]
    assert "answer is refused with checksum_expired, expected accepted" in shown["test_advanced_and_called"]
    assert "checksum_expired" in shown["test_frozen_but_old"].partition(SECTION)[2]
    assert "machine's time" not in shown["test_frozen_but_old"]
    assert SECTION not in shown["test_nothing_wrong"]
    assert "test_skipped" not in shown
