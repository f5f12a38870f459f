"""What `curl` says beside the command that it prints."""

from __future__ import annotations

from helpers.shell import run


def test_a_field_that_is_not_documented_is_warned_of() -> None:
    """On stderr, with the one that was meant; the command is printed nevertheless."""
    done = run("curl", "2.2", "roomid=3", "--now", "2019-12-10")
    assert done.returncode == 0
    assert "curtime=1575907200" in done.stdout
    assert '{"roomid": "3"}' in done.stdout
    assert done.stderr == "(query_room_info has no field roomid; did you mean RoomId?)\n"
    assert "没有字段 roomid；是否为 RoomId？" in run("curl", "2.2", "roomid=3", "--lang", "zh").stderr
    assert run("curl", "2.2", "RoomId=3").stderr == run("curl", "2.2").stderr == ""


def test_a_moment_that_is_none_is_told_in_both_languages() -> None:
    """With a form that is then taken."""
    done = run("sign", "--now", "20191210", "--lang", "zh")
    assert done.returncode == 2
    assert "--now: " in done.stderr
    assert any("一" <= letter <= "鿿" for letter in done.stderr)


def test_an_empty_section_and_an_empty_pointer_are_not_shown() -> None:
    """A wish has no section of the document, and the whole body no pointer."""
    query = run("sign", "--now", "2019-12-10").stdout.strip()
    done = run("explain", f"/v2/video/query_room_info?{query}", "--body", "{")
    assert done.stdout.startswith("body: the body is not JSON: ")
    done = run("explain", f"/v2/video/query_room_info?{query}", "--body", '{"RoomId": "mock:fault=nothing"}')
    assert "[unknown_wish]" in done.stdout
