"""Files that change while the server runs: a good save answers soon and whole, a bad one changes nothing and is told."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import threading
import time
from pathlib import Path

import pytest
from helpers import driving
from helpers.length import length
from helpers.sending import NOW
from helpers.serving import serving

from mockserver.core.snapshots import take_snapshot
from mockserver.engine.build import make_engine
from mockserver.server import watching
from mockserver.server.watching import Watcher
from mockserver.testing.mock_server import MockServer

EDITS = length(12, 300)
"""Random edits under load; the long suite sets 300."""
SHIPPED = Path(__file__).parents[2]
SCENARIO = """title: Generation {number}
extends: document
world:
  source: recorded
  rooms:
    - {{RoomId: "77", stays: [{{UserId: "u{number}", enter: 1575990000, leave: 1575990060}}]}}
answers:
  - on: query_room_info
    reply: {{error: room_not_found, info: "generation {number}"}}
"""
BREAKS = {
    "scenarios/watched.yaml": [
        ("title:", "title: [", "not YAML"),
        ("extends: document", "extends: documnet", "no such scenario to build on"),
        ("answers:", "anwsers:", "a misspelt key"),
        ("error: room_not_found", "error: room_not_fond", "an unknown error"),
        ("leave: 1575990060", "leave: 1575980000", "a stay that ends before it begins"),
        ("on: query_room_info", "on: query_room", "an unknown operation"),
        ("source: recorded", "source: recalled", "an unknown source"),
        ("title:", "\ttitle:", "a tab"),
    ],
    "errors.yaml": [
        ("name: room_not_found", "name: room_not_fond", "a name that is needed is missing"),
        ("status: 404", "status: high", "a text where a number is due"),
        ("errors:", "errors: {", "not YAML"),
    ],
    "apps.yaml": [
        ('appkey: "123456789"', "appkey: 123456789", "a number where a text is due"),
        ("appsecret:", "appsecert:", "a misspelt key"),
    ],
    "schemas/query_room_info.request.json": [
        ('"type": "object"', '"type": "objekt"', "no JSON Schema"),
        ("{", "{{", "not JSON"),
    ],
}
"""What people get wrong in a file, as (text, what it becomes, why that is wrong)."""


def files_of(number: int) -> dict[str, str]:
    """A whole set of files that tells its number in two of them."""
    errors = (SHIPPED / "fixtures/errors.yaml").read_text(encoding="utf-8")
    return {
        "scenarios/watched.yaml": SCENARIO.format(number=number),
        "errors.yaml": errors.replace("code: 1301", f"code: {20_000 + number}"),
        "apps.yaml": (SHIPPED / "fixtures/apps.yaml").read_text(encoding="utf-8"),
        "schemas/query_room_info.request.json": (SHIPPED / "schemas/query_room_info.request.json").read_text(
            encoding="utf-8"
        ),
    }


def write(folder: Path, files: dict[str, str]) -> Path:
    """The files in a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """A user's folder in its first generation."""
    return write(tmp_path / "mine", files_of(1))


@pytest.fixture
def watcher(folder, monkeypatch) -> Watcher:
    """A watcher that looks only when it is told to, and waits for nobody."""
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.001)
    seen = take_snapshot(folder)
    return Watcher(make_engine(scenario="watched", fixtures=str(folder), now=str(NOW)), folder, seen)


class Client:
    """Asks over one kept connection."""

    def __init__(self, mock: MockServer) -> None:
        self._mock, self._app = mock, mock.app()
        self._wire = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
        self.headers: dict[str, str] = {}

    def ask(self, operation: str, body: dict[str, str]) -> dict:
        """The answer's body; the headers stay at hand."""
        target = self._app.signed_url(operation).removeprefix(self._mock.url)
        self._wire.request("POST", target, json.dumps(body), {"Content-Type": "application/json"})
        response = self._wire.getresponse()
        assert response.status == 200
        self.headers = dict(response.getheaders())
        return json.loads(response.read())

    def generation(self) -> int:
        """The number that the error code tells, which is the one that its text tells too."""
        answer = self.ask("query_room_info", {"RoomId": "any"})
        assert answer["ErrorInfo"] == f"generation {answer['ErrorCode'] - 20_000}"
        return answer["ErrorCode"] - 20_000

    def world(self) -> int:
        """The number that the world's rows tell."""
        answer = self.ask("query_all_instance_by_time", {"BeginTime": "1575990000", "EndTime": "1575990060"})
        (row,) = answer["UsersList"]
        return int(row["UserId"].removeprefix("u"))

    def admin(self, path: str) -> tuple[int, dict]:
        """Status and body of a GET to the admin API."""
        self._wire.request("GET", f"/__admin/{path}")
        response = self._wire.getresponse()
        return response.status, json.loads(response.read())

    def close(self) -> None:
        """End the connection."""
        self._wire.close()


@pytest.fixture
def running(folder):
    """A server that watches the folder, and a client of it."""
    with MockServer("watched", fixtures=str(folder), now=str(NOW), reload=True) as mock:
        client = Client(mock)
        yield mock, client
        client.close()


def within(seconds: float, happened) -> float:
    """How long it took until it happened, which must not be longer than that."""
    start = time.monotonic()
    while not happened():
        assert time.monotonic() - start < seconds, "it never happened"
        time.sleep(0.01)
    return time.monotonic() - start


def test_the_judge_is_the_content(watcher, folder):
    """A file that is touched, or written as it was, is not read anew; one other character is enough."""
    before = watcher._engine.config
    path = folder / "apps.yaml"
    path.write_bytes(path.read_bytes())
    os.utime(path, (1, 1))
    assert watcher.check() is False
    assert watcher._engine.config is before
    path.write_text(path.read_text(encoding="utf-8") + "#", encoding="utf-8")
    assert watcher.check() is True
    assert watcher._engine.config is not before


@pytest.mark.parametrize(
    ("name", "text", "wrong", "why"),
    [(name, *one) for name, breaks in BREAKS.items() for one in breaks],
    ids=[f"{name}: {why}" for name, breaks in BREAKS.items() for _, _, why in breaks],
)
def test_a_bad_save_keeps_the_last_good_set_and_names_its_place(
    watcher, folder, caplog, name, text, wrong, why
):
    """The log and the problems name file, line and column; the next good save clears them."""
    engine = watcher._engine
    before = engine.config
    path = folder / name
    good = path.read_text(encoding="utf-8")
    assert text in good
    path.write_text(good.replace(text, wrong, 1), encoding="utf-8")
    assert watcher.check() is True
    assert engine.config is before
    problem = engine.problems[0]
    assert problem.place == str(path), problem.show()
    assert None not in (problem.line, problem.column), problem.show()
    assert f"{path}:{problem.line}:{problem.column}: " in caplog.text
    path.write_text(good, encoding="utf-8")
    assert watcher.check() is True
    assert engine.problems == ()


def test_a_folder_that_vanishes_is_a_bad_save(watcher, folder):
    """Nobody is suddenly answered by the shipped files because a folder was moved."""
    before = watcher._engine.config
    folder.rename(folder.with_name("away"))
    assert watcher.check() is True
    assert watcher._engine.config is before
    assert "no such folder" in watcher._engine.problems[0].show()
    folder.with_name("away").rename(folder)
    assert watcher.check() is True
    assert watcher._engine.problems == ()


def test_a_scenario_in_use_cannot_be_taken_away(watcher, folder):
    """Its file is gone: that is told, and it goes on answering."""
    engine = watcher._engine
    (folder / "scenarios/watched.yaml").unlink()
    assert watcher.check() is True
    assert "watched" in engine.config.scenarios
    assert "unknown scenario 'watched'" in engine.problems[0].show()


def test_several_files_that_are_saved_in_a_row_are_one_change(watcher, folder, monkeypatch):
    """While files are still being written nothing is read."""
    reads = []
    monkeypatch.setattr(watcher._engine, "reload", lambda: reads.append(take_snapshot(folder)))
    late = iter(files_of(2).items())

    def wait(seconds: float) -> bool:
        for name, text in (next(late, ("", "")),):
            if name:
                write(folder, {name: text})
        return False

    monkeypatch.setattr(watcher._stopping, "wait", wait)
    write(folder, {"scenarios/watched.yaml": SCENARIO.format(number=9)})
    assert watcher.check() is True
    assert reads == [take_snapshot(folder)]
    assert "Generation 2" in (folder / "scenarios/watched.yaml").read_text(encoding="utf-8")


def test_files_that_change_while_they_are_read_are_read_again(folder, monkeypatch):
    """What was written in the middle of it makes neither a set that never was nor a mistake that nobody made."""
    from mockserver.engine import build

    read, counts = build.load_config, []

    def slow(*given, **named):
        config = read(*given, **named)
        counts.append(1)
        if len(counts) < 3:
            write(folder, files_of(len(counts) + 1))
        return config

    monkeypatch.setattr(build, "load_config", slow)
    engine = make_engine(scenario="watched", fixtures=str(folder), now=str(NOW))
    assert len(counts) == 3
    assert engine.config.catalogue["room_not_found"].code == 20_003


@pytest.mark.alone
@pytest.mark.parametrize("events", [True, False], ids=["events", "no events"])
def test_a_good_save_answers_within_two_seconds(folder, monkeypatch, events):
    """Scenario, catalogue, schema and credentials; on a mounted folder that sends no events, too."""
    if not events:

        def no_events(*_, **__):
            raise OSError("this file system has none")

        monkeypatch.setattr(watching, "watch", no_events)
    with MockServer("watched", fixtures=str(folder), now=str(NOW), reload=True) as mock:
        client = Client(mock)
        assert (client.generation(), client.world()) == (1, 1)
        write(folder, files_of(2))
        within(2.0, lambda: client.generation() == 2 and client.world() == 2)
        apps = folder / "apps.yaml"
        apps.write_text(
            apps.read_text(encoding="utf-8").replace('appkey: "987654321"', 'appkey: "555"'), encoding="utf-8"
        )
        within(2.0, lambda: mock.engine.app("555"))
        schema = folder / "schemas/query_room_info.request.json"
        looser = json.loads(schema.read_text(encoding="utf-8"))
        looser["required"] = []
        schema.write_text(json.dumps(looser), encoding="utf-8")
        within(2.0, lambda: client.ask("query_room_info", {})["ErrorInfo"] == "generation 2")
        write(folder, {"scenarios/fresh.yaml": "title: A new one\nextends: watched\n"})
        within(2.0, lambda: "fresh" in mock.engine.config.scenarios)
        client.close()


@pytest.mark.alone
def test_a_folder_that_appears_later_is_watched_too(tmp_path):
    """A user's folder with apps.yaml alone gets its scenarios/ while the server runs."""
    folder = write(tmp_path / "mine", {"apps.yaml": files_of(1)["apps.yaml"]})
    with MockServer("document", fixtures=str(folder), now=str(NOW), reload=True) as mock:
        write(folder, {"scenarios/fresh.yaml": "title: A new one\n"})
        within(2.0, lambda: "fresh" in mock.engine.config.scenarios)
        write(folder, {"scenarios/fresh.yaml": "title: Another\n"})
        within(2.0, lambda: mock.engine.config.scenarios["fresh"].title.en == "Another")


@pytest.mark.alone
def test_a_bad_save_is_told_at_ready_and_in_the_answer_header(running, folder):
    """503 with place, line and column; X-Mock-Problems counts and names the first; both end with the next good save."""
    _, client = running
    assert client.generation() == 1
    assert "X-Mock-Problems" not in client.headers
    path = folder / "scenarios/watched.yaml"
    path.write_text(SCENARIO.format(number=2).replace("room_not_found", "room_not_fond"), encoding="utf-8")
    within(2.0, lambda: client.admin("ready")[0] == 503)
    (problem,) = client.admin("ready")[1]["problems"]
    assert (problem["place"], problem["line"]) == (str(path), 9)
    assert client.generation() == 1
    assert client.headers["X-Mock-Problems"].startswith(f"1; {path}:9:{problem['column']}: ")
    path.write_text(SCENARIO.format(number=1), encoding="utf-8")
    within(2.0, lambda: client.admin("ready") == (200, {"ready": True, "problems": []}))
    assert client.generation() == 1
    assert "X-Mock-Problems" not in client.headers


@pytest.mark.alone
def test_no_file_is_watched_unless_asked_for(folder):
    """An in-process server reads its files once, and has no thread for them."""
    with MockServer("watched", fixtures=str(folder), now=str(NOW)):
        assert not [one for one in threading.enumerate() if one.name == "mockserver:watcher"]


@pytest.mark.alone
def test_the_watcher_ends_with_the_server_and_leaves_nothing(folder):
    """Over many starts and stops no thread stays, and no file or event handle; a stop waits for no tick."""
    before = None
    mock = MockServer("watched", fixtures=str(folder), now=str(NOW), reload=True)
    for cycle in range(10):
        with mock:
            pass
        start = time.monotonic()
        mock.stop()
        assert time.monotonic() - start < 0.5
        if cycle == 1:
            before = (threading.active_count(), len(os.listdir("/proc/self/fd")))
    # The system's event handle is closed a moment after the thread has ended.
    within(2.0, lambda: (threading.active_count(), len(os.listdir("/proc/self/fd"))) <= before)


@pytest.mark.alone
def test_random_edits_under_load_never_give_a_wrong_or_mixed_answer(tmp_path, measured):
    """Half of the edits are broken; each answer tells one good generation, the last or the one just saved, never older."""
    seed = random.randrange(1 << 32)
    draw = random.Random(seed)
    link = tmp_path / "current"
    link.symlink_to(write(tmp_path / "1", files_of(1)))

    def save(number: int, files: dict[str, str]) -> None:
        """All files at once, as a mounted configuration changes: one link is turned."""
        (tmp_path / "next").symlink_to(write(tmp_path / str(number), files))
        (tmp_path / "next").rename(link)

    allowed, stopping, wrong, counts = [frozenset((1,))], threading.Event(), [], []

    def load() -> None:
        newest = 0
        with driving.Client(server.port) as client:
            while not stopping.is_set():
                before = allowed[0]
                try:
                    seen = {generation(client), world(client)}
                except Exception as error:  # told below, in the thread that can fail the test
                    wrong.append(repr(error))
                    return
                if not seen <= before | allowed[0] or min(seen) < newest:
                    wrong.append(f"{seen} where {before} were right, after {newest}")
                newest = max(seen)
                counts.append(2)

    def problems() -> str:
        return json.dumps(client.wire.admin("GET", "ready").json["problems"])

    took, good = [0.0], 1
    served = serving(
        "--scenario", "watched", "--fixtures", str(link), "--now", str(NOW), "--log-format", "json"
    )
    with served as server, driving.Client(server.port) as client:
        crowd = [threading.Thread(target=load) for _ in range(2)]
        for one in crowd:
            one.start()
        for number in range(2, EDITS + 2):
            files = files_of(number)
            if draw.random() < 0.5:
                name = draw.choice(sorted(BREAKS))
                text, broken, _ = draw.choice(BREAKS[name])
                files[name] = files[name].replace(text, broken, 1)
                save(number, files)
                within(5.0, lambda place=f"{link}/{name}": place in problems())
            else:
                allowed[0] = frozenset((good, number))
                save(number, files)
                took.append(within(5.0, lambda number=number: generation(client) == number))
                assert problems() == "[]"
                good, allowed[0] = number, frozenset((number,))
            shutil.rmtree(tmp_path / str(number - 1))
        stopping.set()
        for one in crowd:
            one.join()
    measured(
        f"edits: seed {seed}: {EDITS} edits, {sum(counts)} answers, slowest good save live after {max(took):.2f} s"
    )
    assert not wrong, (seed, wrong[:3])
    assert sum(counts) > EDITS
    assert max(took) < 2.0, sorted(took)


def generation(client: driving.Client) -> int:
    """The number that the error code tells, which is the one that its text tells too."""
    answer = client.call("query_room_info", {"RoomId": "any"}, at=NOW).json
    assert answer["ErrorInfo"] == f"generation {answer['ErrorCode'] - 20_000}"
    return answer["ErrorCode"] - 20_000


def world(client: driving.Client) -> int:
    """The number that the world's rows tell."""
    span = {"BeginTime": "1575990000", "EndTime": "1575990060"}
    (row,) = client.call("query_all_instance_by_time", span, at=NOW).json["UsersList"]
    return int(row["UserId"].removeprefix("u"))
