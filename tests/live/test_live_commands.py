"""`verify` and `learn` against real servers: the README's examples, exit codes, files and one-line errors."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.markdown import blocks
from helpers.server_process import serving
from helpers.shell import run
from live.test_target import free_port

import mockserver
from mockserver import MockServer
from mockserver.live import verify
from mockserver.live.record_checks import INVARIANTS as OF_RECORDS
from mockserver.live.statistic_checks import INVARIANTS as OF_STATISTICS

README = Path(verify.__file__).with_name("README.md")
FIXTURES = Path(mockserver.__file__).parents[1] / "fixtures"
APPS = str(FIXTURES / "apps.yaml")
READINGS = ("window=enter", "unknown_room=empty", "signing=v1", "tick_seconds=300")


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, MockServer]]:
    """A second mock server with other readings and another error number, and the folder that holds its files."""
    folder = tmp_path_factory.mktemp("partner")
    (folder / "partner").mkdir()
    for name in ("apps.yaml", "errors.yaml"):
        text = (FIXTURES / name).read_text("utf-8")
        (folder / "partner" / name).write_text(text.replace("code: 1301", "code: 40401"), "utf-8")
    readings = [each for each in READINGS if not each.startswith("unknown_room")]
    with MockServer(fixtures=folder / "partner", reading=readings) as server:
        yield folder, server


def test_the_example_of_the_readme_runs(partner: tuple[Path, MockServer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command prints the lines below it, where `…` stands for anything; the twin answers like the target."""
    folder, server = partner
    monkeypatch.chdir(folder)
    steps = [step for block in blocks(README, "console") for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert [step.split()[1] for step in steps] == ["verify", "learn", "check"]
    for step in steps:
        command, _, shown = step.rstrip("\n").partition("\n")
        done = run(*shlex.split(command.replace("http://127.0.0.1:8081", server.url))[1:])
        assert (done.returncode, done.stderr) == (0, "")
        pattern = ".*".join(re.escape(part) for part in shown.split("…"))
        assert re.search(pattern, done.stdout, re.DOTALL), done.stdout
    assert server.url in (folder / "twin" / "learned.md").read_text("utf-8")
    with MockServer(fixtures=folder / "twin", scenario="live") as twin:
        done = run("verify", "--target", twin.url, "--target-apps", APPS, "--rate", "0", "--format", "json")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert next(row["code"] for row in result["errors"] if row["name"] == "room_not_found") == 40401
    values = {row["name"]: row["value"] for row in result["readings"]}
    decided = [each.split("=") for each in READINGS if not each.startswith("unknown_room")]
    assert [(name, str(values[name])) for name, _ in decided] == [(name, value) for name, value in decided]


def test_the_example_of_recording_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording is served without the backend; the HAR of the requests is valid."""
    monkeypatch.chdir(tmp_path)
    (block,) = (each for each in blocks(README, "bash") if "mockserver record" in each)
    record, call, har, check, serve = (shlex.split(line, comments=True)[1:] for line in block.splitlines()[1:])
    now = int(time.time())
    call[2:] = [f"BeginTime={now - 7_200}", f"EndTime={now - 6_600}"]
    with MockServer() as server:
        app = server.app()
        keys = {"APPKEY": app.appkey, "APPSECRET": app.appsecret, "RESTAPIKEY": app.restapikey}
        environ = {f"MOCKSERVER_TARGET_{name}": value for name, value in keys.items()}
        record[record.index("https://backend.example")] = server.url
        with serving(*record[1:], command=record[0], **environ) as recorder:
            answers = [run(*call, MOCKSERVER_URL=recorder.url).stdout]
            Path(har[-1]).write_text(run(*har[:-2], MOCKSERVER_URL=recorder.url).stdout, "utf-8")
            recorder.stop()
    assert run(*check).returncode == 0
    with serving(*serve[1:], command=serve[0]) as replay:
        answers += [run(*call, MOCKSERVER_URL=replay.url).stdout]
        assert (
            '"ErrorCode": 1403'
            in run(*call[:2], "BeginTime=1000000000", "EndTime=1000000001", MOCKSERVER_URL=replay.url).stdout
        )
    assert json.loads(answers[0]) == json.loads(answers[1])
    assert json.loads(answers[0])["UsersList"]


def test_the_readme_lists_every_invariant() -> None:
    """In the order of the report."""
    table = README.read_text("utf-8").partition("|invariant|condition|")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\|`(\w+)`\|", table, re.MULTILINE)) == (*OF_RECORDS, *OF_STATISTICS)


def test_expectations_fail_a_run(partner: tuple[Path, MockServer], tmp_path: Path) -> None:
    """Another reading than expected gives exit code 1; the report is a file; the keys are in the environment."""
    _, server = partner
    report = tmp_path / "report.xml"
    keys = {
        "APPKEY": "123456789",
        "APPSECRET": "MADE/UP+secret+of+the+mock+one==",
        "RESTAPIKEY": "made-up-restapikey-one",
    }
    environ = {f"MOCKSERVER_TARGET_{name}": value for name, value in keys.items()} | {"MOCKSERVER_TARGET": server.url}
    done = run(
        "verify", "--rate", "0", "--reading", "window=overlap", "--format", "junit", "--output", str(report), **environ
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert "the target has window=enter, overlap was expected" in report.read_text("utf-8")
    assert [secret for secret in list(keys.values())[1:] if secret in report.read_text("utf-8")] == []


def test_trouble_is_one_line_and_exit_code_2(partner: tuple[Path, MockServer], tmp_path: Path) -> None:
    """Nothing is written then."""
    _, server = partner
    (tmp_path / "apps.yaml").write_text(
        "apps: [{appkey: stranger, appsecret: planted-secret-1, restapikey: planted-rest-1, identifiers: [planted-id]}]\n"
    )
    own = str(tmp_path / "apps.yaml")
    for target, said in (
        (f"http://127.0.0.1:{free_port()}", "unreachable"),
        (server.url, "refuses the credentials: 1102"),
        ("https://user:planted-password@host", "not the URL of a server"),
    ):
        for words in (("verify",), ("learn", "--output", str(tmp_path / "out"))):
            done = run(*words, "--target", target, "--target-apps", own, "--rate", "0")
            assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done
            assert said in done.stderr
            assert "planted" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apps.yaml"]
    done = run("learn", "--output", str(tmp_path), "--target", server.url, "--target-apps", own)
    assert (done.returncode, "--force" in done.stderr) == (2, True)


def test_a_whole_backend_can_be_too_quiet(tmp_path: Path) -> None:
    """Without calls nothing is checked, which is a failure."""
    with MockServer(scenario="empty") as server:
        done = run("verify", "--target", server.url, "--target-apps", APPS, "--rate", "0", "--lang", "zh")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "未通过：没有可检查的数据；请用 --day 指定有通话的日期"
