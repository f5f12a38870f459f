"""Sessions in CSV files: what is read, what is refused and where, and that a day survives the way through a file."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_worlds import few

from mockserver.contract.readings import DEFAULTS
from mockserver.core.clock import parse_day
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import take_snapshot
from mockserver.engine.build import make_engine
from mockserver.world.recorded import recorded_world
from mockserver.world.session_files import EXPORTED, FIELDS, read_sessions, write_rows
from mockserver.world.views import ask, session_rows

START = parse_day("20191210")
HEADER = "RoomId,UserId,enter,leave,audio,video\n"


def written(folder: Path, text: str | bytes) -> Path:
    """A file of sessions with this text."""
    path = folder / "sessions.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(path: Path) -> list[tuple[int | None, int | None, str]]:
    """Line, column and text of everything that is wrong with a file that is read as a world."""
    with pytest.raises(ConfigurationError) as caught:
        recorded_world({"source": "recorded", "sessions": path}, START)
    assert all(problem.place == str(path) and problem.text.zh for problem in caught.value.problems)
    return [(problem.line, problem.column, problem.text.en) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}77,aaa,{START},{START + 60},5,6\n78,bbb,{START},,,\n",
        f"\ufeff{HEADER}77,aaa,{START},{START + 60},5,6\n\n78,bbb,{START},,,\n,,,,,\n",
        f"{HEADER}77,aaa,{START},{START + 60},5,6\n78,bbb,{START},,,".replace("\n", "\r\n"),
        f'{HEADER}"77","aaa",{START},{START + 60},5,6\n78,bbb,{START},,"",\n',
        f"{HEADER}77,aaa,2019-12-10T00:00:00+08:00,2019-12-10T00:01:00+08:00,5,6\n78,bbb,2019-12-10,,,\n",
        f"{HEADER}77,aaa,{START},{START + 60},5,6\n78,bbb,{START},,,\n".replace(",", ";"),
        f"audio,video,enter,leave,UserId,RoomId\n5,6,{START},{START + 60},aaa,77\n,,{START},,bbb,78\n",
    ],
    ids=["plain", "BOM and blank lines", "CRLF", "quotes", "ISO 8601", "semicolons", "another order"],
)
def test_every_spelling_of_a_file_means_the_same(tmp_path: Path, text: str) -> None:
    """Spreadsheets write CSV in many ways."""
    table = read_sessions(written(tmp_path, text))
    assert (table.texts["RoomId"], table.texts["UserId"]) == (["77", "78"], ["aaa", "bbb"])
    assert table.columns["enter"].tolist() == [START, START]
    assert table.columns["leave"].tolist() == [START + 60, 9_999_999_999]
    assert (table.columns["audio"].tolist(), table.columns["video"].tolist()) == ([5, 0], [6, 0])
    assert (table.texts["network"], table.columns["audio_delay"].tolist()) == (["WiFi"], [45_000, 45_000])


def test_every_wrong_cell_is_reported_with_line_and_column(tmp_path: Path) -> None:
    """All of them at once, also below a quoted line break; those of a row of another length mean nothing."""
    text = f'{HEADER}"a\nb",aaa,{START},{START + 9},1,1\n77,aaa,x,{START},-1,1\n77,,{START},now,1,1\n77,aaa,1,2\n'
    found = problems(written(tmp_path, text))
    assert [(line, column) for line, column, _ in found] == [(2, 1), (4, 8), (4, 21), (5, 4), (5, 16), (6, 1)]
    assert found[1][2].startswith("'x' is not a time")
    assert found[5][2] == "4 cells, but the first line has 6: add or remove some, or quote a cell with a comma"


def test_rows_of_another_length_do_not_shift_the_lines_below(tmp_path: Path) -> None:
    """Nor do blank ones; an empty `enter` is no time, because it has no default."""
    text = f"{HEADER},,,,,,x\n\n,,,,,\n77,aaa,,{START},0,0\n77,aaa,0,{START},0,0\n"
    found = problems(written(tmp_path, text))
    assert [(line, column, text[:18]) for line, column, text in found] == [
        (2, 1, "7 cells, but the f"),
        (5, 8, "'' is not a time: "),
        (6, 8, "'0' is before 1973"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("RoomId,UserID,enter\n", 1, 8, "unknown field 'UserID'"),
        ("RoomId,UserId\n", 1, 1, "the first line lacks enter: name every column"),
        ("", 1, 1, "the first line lacks RoomId, UserId, enter"),
        ("RoomId,UserId,enter,enter\n", 1, 21, "duplicate field enter: keep one column"),
        (HEADER.encode() + "77,a张,1,2,3,4\n".encode("gbk"), 2, 5, "not UTF-8: save it as CSV UTF-8"),
        (f"{HEADER}77,aaa,{START},{START + 5},6,0\n", 2, 30, "audio is longer than leave - enter: at most 5 s"),
        (f"{HEADER}77,aaa,{'9' * 30},,0,0\n", 2, 8, f"'{'9' * 30}' is not a"),
        (f"{HEADER}77,a\x85a,{START},,0,0\n", 2, 4, "too long or not printable"),
        (f"{HEADER}77,aaa,now-2h,,0,0\n", 2, 8, "'now-2h' is not a time: write seconds, or an absolute time"),
        (f'{HEADER}77,"a\na",{START},,0,0\n77,"aaa,{START},,0,0\n', 4, 4, "not CSV from here on (unexpected end of"),
        (f'{HEADER}77,"a"a,{START},,0,0\n', 2, 4, "not CSV from here on (',' expected after '\"'): check"),
        (f"{HEADER}77,aaa,{START},{START},0,0\n", 2, 19, "leave must be after enter"),
        (f"{HEADER}77,a,{START + 9},{START + 20},0,0\n78,a,{START},{START + 10},0,0\n", 2, 6, "at 2019-12-10T00:00:09"),
        (
            f"RoomId,UserId,enter,city,province\n1,a,{START},x,y\n2,b,{START},x,z\n",
            3,
            16,
            "x is in y elsewhere and in z",
        ),
    ],
)
def test_what_is_wrong_with_a_file(
    tmp_path: Path, text: str | bytes, line: int | None, column: int | None, message: str
) -> None:
    """Sessions must be possible, as those in a scenario."""
    found = problems(written(tmp_path, text))[0]
    assert (found[:2], found[2][: len(message)]) == ((line, column), message)


def test_a_wrong_cell_hides_no_other_mistake(tmp_path: Path) -> None:
    """Wrong ids, names of columns and impossible sessions are reported together, but no consequence of a wrong cell."""
    rows = [
        f"77,,{START + 9},{START},99,0",
        f"77,,{START},x,99,0",
        f"77,a,{START},{START + 60},x,99",
        f"78,a,{START + 30},{START + 90},0,0",
        f"78,a,x,{START + 40},0,0",
    ]
    found = problems(written(tmp_path, HEADER + "\n".join(rows)))
    assert [(line, column, text[:12]) for line, column, text in found] == [
        (2, 4, "empty: write"),
        (2, 16, "leave must b"),
        (3, 4, "empty: write"),
        (3, 16, "'x' is not a"),
        (4, 28, "'x' is not a"),
        (4, 30, "video is lon"),
        (5, 6, "at 2019-12-1"),
        (6, 6, "'x' is not a"),
    ]
    found = problems(written(tmp_path, HEADER.replace("UserId", "UserID") + "\n".join(rows)))
    assert [(line, column) for line, column, _ in found] == [(1, 8), (1, 1), (3, 16), (4, 28), (6, 6)]


def test_long_lists_of_mistakes_are_cut(tmp_path: Path) -> None:
    """Twenty mistakes and a count are enough."""
    found = problems(written(tmp_path, HEADER + f"1,a,x,{START},0,0\n" * 50))
    assert (len(found), found[-1][2]) == (21, "30 more cells are invalid")


def test_ids_and_numbers_as_people_write_them(tmp_path: Path) -> None:
    """Emoji of several characters, blanks of other scripts, and leading zeros."""
    text = f"{HEADER[:-1]},audio_loss\n\u3000房间,👨‍👩‍👧,{START},{START + 60},007,0,00.5\n"
    table = read_sessions(written(tmp_path, text))
    assert (table.texts["RoomId"], table.texts["UserId"]) == (["\u3000房间"], ["👨‍👩‍👧"])
    assert (table.columns["audio"].tolist(), table.columns["audio_loss"].tolist()) == ([7], [500])


@pytest.mark.parametrize("scenario", ["default", "recorded-day"])
def test_a_day_answers_the_same_from_a_file(tmp_path: Path, scenario: str) -> None:
    """What `export sessions` writes of any world answers all records of that day as the world does."""
    now, day = START + 40 * 3_600, "20191210"
    world = make_engine(scenario=scenario, now=now).config.scenarios[scenario].world.at("", now)
    file = io.StringIO()
    write_rows(file, EXPORTED, session_rows(world, day))
    path = written(tmp_path, file.getvalue())
    # Joins that failed are no sessions: a room beside the file has them.
    failed = world.failed_joins(START, START + 86_400).tolist()
    copy = recorded_world(
        {"source": "recorded", "sessions": path, "rooms": [{"RoomId": "failed", "failed_joins": failed}]}, now
    )

    def both(operation: str, **body: Any) -> Any:
        expected, got = (ask(each, operation, body, now, DEFAULTS).fields for each in (world, copy))
        assert got == expected
        return got

    window = {"BeginTime": str(START), "EndTime": str(START + 86_399)}
    rows = both("query_all_instance_by_time", **window)["UsersList"]
    assert len(rows) > 5
    for row in rows[:: len(rows) // 5]:
        both("query_instance_all_records_by_time", UserId=row["UserId"], **window)
        both("query_room_info", RoomId=row["RoomId"])
    both("count_qos_by_day", QueryDate=day)
    for count_by in (1, 2, 3, 4):
        both("count_business_total_volume_by_day", QueryDate=day, CountBy=count_by)
        got, expected = (
            ask(each, "count_business_distribute_volume_by_day", {"QueryDate": day, "CountBy": count_by}, now, DEFAULTS)
            for each in (copy, world)
        )
        key = str
        assert sorted(map(key, got.fields["DistributeData"])) == sorted(map(key, expected.fields["DistributeData"]))


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    """A reload of other files does not take as long as a start; a changed file is seen."""
    path = written(tmp_path, f"{HEADER}77,aaa,{START},{START + 60},5,6\n")
    spec = {"source": "recorded", "sessions": path}
    assert recorded_world(spec, START + 99).has_user("aaa")
    path.write_text(f"{HEADER}77,bbb,{START},{START + 60},5,6\n")
    os.utime(path, ns=(1, 1))
    world = recorded_world(spec, START + 99)
    assert (world.has_user("aaa"), world.has_user("bbb")) == (False, True)


def test_a_change_of_the_file_is_noticed(tmp_path: Path) -> None:
    """Snapshots, by which a server notices changes, have the files of sessions too."""
    (tmp_path / "scenarios").mkdir()
    path = written(tmp_path / "scenarios", HEADER)
    before = take_snapshot(tmp_path)
    path.write_text(f"{HEADER}77,aaa,{START},{START + 60},5,6\n")
    assert before.changed(take_snapshot(tmp_path, before)) == [str(path)]


def test_many_sessions_are_one_array_each(tmp_path: Path) -> None:
    """Enough rows for several chunks, with quoted cells in the first and the last one; they are sorted by enter."""
    lines = [f"{n // 3},u{n},{START + n},{START + n + 5},1,2\n" for n in range(30_000)]
    lines[0] = lines[0].replace("u0", '"u,""0"""')
    table = read_sessions(written(tmp_path, HEADER + "".join(lines) + f'"x",u,{START},{START + 1},0,0\n'))
    assert set(table.columns) == set(FIELDS)
    assert np.array_equal(table.columns["enter"], np.insert(START + np.arange(30_000), 1, START))
    assert table.rows.tolist() == [0, 30_000, *range(1, 30_000)]
    assert table.texts["UserId"][::10_000] == ['u,"0"', "u10000", "u20000", "u"]


NOTATIONS: dict[str, list[str]] = {
    "RoomId": ["77", "房间", "", "x" * 300, "a\x1fb", "a\0", "\u3000"],
    "UserId": ["aaa", "bbb", "", "👨‍👩‍👧"],
    "enter": [str(START), "2019-12-10T00:00:00+08:00", "2019-12-10 00:00:00.5Z", " 2019-12-10", "x", "", "now", "1"],
    "leave": [str(START + 60), "2019-12-09T17:00:00Z", "", "9" * 19, "2019-13-10T00:00:00Z"],
    "audio": ["0", "007", "", "-1", "1.5", "１"],
    "network": ["WiFi", "4G", "", "5G\x85"],
    "audio_loss": ["0.3", "100", "", "1e1", " 2", "100.1", "nan", ".", "５"],
}


@few
@given(
    st.lists(st.tuples(*map(st.sampled_from, NOTATIONS.values())), max_size=9), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_a_file_without_quotes_is_read_as_one_with_quotes(tmp_path_factory: Any, rows: Any, end: str) -> None:
    """All rows at once, or one by one by a CSV parser: the same sessions, or the same mistakes of the same cells."""

    def read(quoting: int) -> Any:
        file = io.StringIO()
        csv.writer(file, quoting=quoting, lineterminator=end).writerows([tuple(NOTATIONS), *rows])
        try:
            table = read_sessions(written(tmp_path_factory.mktemp("files"), file.getvalue()))
            table.check()
        except ConfigurationError as error:
            return [(problem.line, problem.text) for problem in error.problems]
        return table.texts, {name: values.tolist() for name, values in table.columns.items()}

    assert read(csv.QUOTE_MINIMAL) == read(csv.QUOTE_ALL)
