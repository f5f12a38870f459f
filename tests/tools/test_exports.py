"""The exports in the hands of other people's tools: `npm ci` in this folder and the extra `test` install them."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import shell
from helpers.length import FULL
from helpers.programs import JVM_OPTIONS, need
from helpers.server_process import CLEAN, ServerProcess, serving
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"
READINGS = {"a checksum is accepted once": ("--reading", "checksum_reuse=once")}
if FULL:
    READINGS["checksums may repeat"] = ()


def run(command: list[str | Path], folder: Path, **environ: str) -> tuple[int, str]:
    """Run a program in a folder to its end; return the exit code and all that it printed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder, env={**CLEAN, "NO_COLOR": "1", "CI": "true", "NODE_PATH": str(HERE / "node_modules"), **environ},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=150, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def tool(name: str) -> Path:
    """Return a program that npm has installed."""
    if not PROGRAMS.exists() and os.environ.get("MOCKSERVER_TEST_WITHOUT_NPM"):
        pytest.skip("npm could not reach its registry")
    need("node", str(PROGRAMS / name))
    return PROGRAMS / name


def export(folder: Path, *words: str) -> Path:
    """Write an export into a folder and return its file."""
    file = folder / {"http": "youme.http"}.get(words[0], f"{words[0]}.json")
    done = shell.run("export", *words)
    assert done.returncode == 0, done
    file.write_text(done.stdout, encoding="utf-8")
    return file


@pytest.fixture(scope="module", params=READINGS)
def running(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A server of the document's samples."""
    with serving("--scenario", "document", *READINGS[request.param]) as process:
        yield process


@pytest.fixture
def server(running: ServerProcess) -> ServerProcess:
    """The server in its initial state: no checksum of another test is used up."""
    assert shell.run("reset", "--url", running.url).returncode == 0
    return running


def test_newman_runs_the_postman_collection_twice(server: ServerProcess, tmp_path: Path) -> None:
    """All its requests are signed and their assertions hold; nothing in it is deprecated."""
    collection = export(tmp_path, "postman", "--url", server.url)
    code, output = run([tool("newman"), "run", collection, "--iteration-count", "2", "--color", "off"], tmp_path)
    assert code == 0, output
    assert "deprecat" not in output.lower()


def test_bruno_runs_the_converted_collection(server: ServerProcess, tmp_path: Path) -> None:
    """Bruno's own converter keeps the script that signs."""
    collection = export(tmp_path, "postman", "--url", server.url)
    folder = tmp_path / "bruno"
    bru = tool("bru")
    code, output = run(["node", HERE / "bruno.js", collection, folder], HERE)
    assert code == 0, output
    code, output = run([bru, "run", "-r", "--sandbox", "developer"], folder)
    assert code == 0, output


def test_httpyac_runs_the_http_file(server: ServerProcess, tmp_path: Path) -> None:
    """Every request signs itself and asserts `Status`."""
    file = export(tmp_path, "http", "--url", server.url)
    code, output = run([tool("httpyac"), "send", file, "--all"], tmp_path)
    assert code == 0, output
    assert '"Status": "OK"' in output or '"Status":"OK"' in output


@pytest.fixture(scope="module")
def openapi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported OpenAPI document."""
    return export(tmp_path_factory.mktemp("openapi"), "openapi")


def test_redocly_and_spectral_have_no_complaint(openapi: Path, tmp_path: Path) -> None:
    """The recommended rules of both, warnings included."""
    code, output = run(
        [tool("redocly"), "lint", openapi, "--extends", "recommended"], tmp_path, REDOCLY_TELEMETRY="off"
    )
    assert code == 0, output
    assert "You have" not in output, output
    (tmp_path / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n', encoding="utf-8")
    code, output = run([tool("spectral"), "lint", "--fail-severity", "hint", openapi], tmp_path)
    assert code == 0, output


USE_OF_TYPES = """
import type { paths } from "./api";
type Answer = paths["/v2/video/query_room_info"]["post"]["responses"]["200"]["content"]["application/json"];
export function users(answer: Answer): string[] {
  return answer.Status === "OK" ? answer.Users.map((user) => user.UserId) : [String(answer.ErrorCode)];
}
"""


def test_typescript_narrows_an_answer_by_its_status(openapi: Path, tmp_path: Path) -> None:
    """openapi-typescript makes a union in which `Status` distinguishes success and failure."""
    code, output = run([tool("openapi-typescript"), openapi, "-o", tmp_path / "api.ts"], tmp_path)
    assert code == 0, output
    (tmp_path / "use.ts").write_text(USE_OF_TYPES, encoding="utf-8")
    compiler = [
        tool("tsc"),
        "--strict",
        "--skipLibCheck",
        "--noEmit",
        "--target",
        "es2022",
        "--moduleResolution",
        "bundler",
    ]
    code, output = run([*compiler, "--module", "esnext", "use.ts"], tmp_path)
    assert code == 0, output


GENERATORS = {"openapi_python_client.cli": "app", "openapi_generator_cli": "cli"}  # Their entry points.


def signed(valid: bool = True) -> dict[str, str]:
    """Return query parameters with a valid or a wrong checksum."""
    curtime = str(int(time.time()))
    checksum = hashlib.sha1((APPSECRET + RESTAPIKEY + curtime).encode()).hexdigest() if valid else "0" * 40
    return {"appkey": APPKEY, "identifier": "admin", "curtime": curtime, "checksum": checksum, "seq": curtime}


@pytest.fixture(scope="module")
def document_server() -> Iterator[ServerProcess]:
    """A server of the document's samples."""
    with serving("--scenario", "document") as running:
        yield running


def generated(
    monkeypatch: pytest.MonkeyPatch, folder: Path, command: list[str | Path], name: str, **environ: str
) -> Any:
    """Generate a client and import its package."""
    main = f"import sys; from {command[0]} import {GENERATORS[str(command[0])]} as main; sys.exit(main())"
    code, output = run([sys.executable, "-c", main, *command[1:]], folder, **environ)
    assert code == 0, output
    monkeypatch.syspath_prepend(str(folder / "client"))
    return importlib.import_module(name)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="openapi-python-client requires Python 3.11")
def test_a_client_of_openapi_python_client_gets_typed_answers(
    openapi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document_server: ServerProcess
) -> None:
    """Success and failure are types of their own."""
    (tmp_path / "config.yaml").write_text("package_name_override: youme_client\n", encoding="utf-8")
    command: list[str | Path] = ["openapi_python_client.cli", "generate", "--path", openapi, "--meta", "none"]
    command += ["--config", tmp_path / "config.yaml", "--output-path", tmp_path / "client" / "youme_client"]
    (tmp_path / "client").mkdir()
    package = generated(monkeypatch, tmp_path, command, "youme_client")
    call = importlib.import_module("youme_client.api.records.query_room_info").sync
    body = importlib.import_module("youme_client.models").QueryRoomInfoRequest(room_id="123456789")
    with package.Client(base_url=document_server.url) as client:
        answer = call(client=client, body=body, **signed())
        failure = call(client=client, body=body, **signed(valid=False))
    assert (type(answer).__name__, answer.users[0].user_id) == ("QueryRoomInfoSuccess", "ccccc")
    assert (type(failure).__name__, int(failure.error_code)) == ("Failure", 1105)


def test_a_client_of_openapi_generator_gets_typed_answers(
    openapi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document_server: ServerProcess
) -> None:
    """The union of success and failure matches exactly one of the two."""
    need("java")
    command: list[str | Path] = ["openapi_generator_cli", "generate", "-g", "python", "-i", openapi]
    command += ["-o", tmp_path / "client"]
    options = " ".join(JVM_OPTIONS)
    client = generated(monkeypatch, tmp_path, command, "openapi_client", JDK_JAVA_OPTIONS=options)
    api = client.RecordsApi(client.ApiClient(client.Configuration(host=document_server.url)))
    body = client.QueryRoomInfoRequest(RoomId="123456789")
    answer = api.query_room_info(query_room_info_request=body, **signed()).actual_instance
    assert (type(answer).__name__, answer.users[0].user_id) == ("QueryRoomInfoSuccess", "ccccc")
    failure = api.query_room_info(query_room_info_request=body, **signed(valid=False)).actual_instance
    api.api_client.rest_client.pool_manager.clear()
    assert (type(failure).__name__, int(failure.error_code)) == ("Failure", 1105)


def test_the_lock_file_names_no_registry() -> None:
    """The tools are installed from the registry in the user's own configuration."""
    packages = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]
