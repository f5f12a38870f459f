"""`mockserver export`: other tools accept its output, and the requests in it are signed correctly."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from helpers import shell
from helpers.engine_client import EngineClient
from helpers.request_builder import NOW, SAMPLES
from helpers.signer import APPKEY, APPSECRET, OTHER, RESTAPIKEY, checksum, sha1
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright._impl._driver import compute_driver_executable

from mockserver.cli import cli
from mockserver.contract.operations import OPERATIONS
from mockserver.core.http import Request

OWN_APPS = """\
apps:
  - {name: ours, appkey: "555", appsecret: "quite+secret==", restapikey: "secret-too", identifiers: [boss]}
"""
RUN = """
const { script, values } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const hashed = [];
const sha1 = (text) => {
  hashed.push(text);
  return require("crypto").createHash("sha1").update(text, "utf8").digest("hex");
};
const set = (name, value) => { values[name] = value; };
const replaceIn = (text) => text.replace(/\\{\\{(\\w+)\\}\\}/g, (all, name) => values[name] ?? all);
const pm = { variables: { set, replaceIn } };
const request = { variables: { set }, environment: { get: (name) => values[name] ?? null } };
const crypto = { sha1: () => ({ updateWithText: (text) => ({ digest: () => ({ toHex: () => sha1(text) }) }) }) };
const modules = { "crypto-js": { SHA1: (text) => ({ toString: () => sha1(text) }) } };
new Function("pm", "request", "crypto", "require", script)(pm, request, crypto, (name) => modules[name]);
console.log(JSON.stringify({ hashed, values }));
"""
"""Runs a pre-request script with what Postman and the JetBrains HTTP Client provide; prints the result."""


def exported(*words: str) -> str:
    """Return what the command prints."""
    done = CliRunner().invoke(cli, ["export", *words])
    assert done.exit_code == 0, done.output
    return done.output


def own_fixtures(tmp_path: Path) -> str:
    """Return a folder with an app of the user."""
    (tmp_path / "apps.yaml").write_text(OWN_APPS, encoding="utf-8")
    return str(tmp_path)


# OpenAPI


@pytest.mark.parametrize(
    ("lang", "title"), [("en", "YouMe call records and statistics"), ("zh", "游密通话记录与统计接口")]
)
def test_openapi_is_printed_in_the_chosen_language(lang: str, title: str) -> None:
    """The document is valid, in the language, and names the server."""
    found = json.loads(exported("openapi", "--lang", lang, "--url", "https://mock.example:8443"))
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    assert found["info"]["title"] == title
    assert found["servers"] == [{"url": "https://mock.example:8443"}]


def test_openapi_follows_the_readings() -> None:
    """A reading on the command line changes the document."""
    found = json.loads(exported("openapi", "--reading", "http_status=rest"))
    assert "404" in found["paths"]["/v2/video/query_room_info"]["post"]["responses"]


def test_openapi_contains_no_secret(tmp_path: Path) -> None:
    """Of the user's credentials only the appkey appears, as an example."""
    text = exported("openapi", "--fixtures", own_fixtures(tmp_path))
    assert '"555"' in text
    assert "quite+secret" not in text
    assert "secret-too" not in text


# Postman


def collection(*words: str) -> dict[str, Any]:
    """Return the printed collection."""
    found: dict[str, Any] = json.loads(exported("postman", *words))
    return found


def variables(found: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a collection by name."""
    return {variable["key"]: variable["value"] for variable in found["variable"]}


def run(script: str, values: dict[str, str]) -> dict[str, Any]:
    """Return what a pre-request script hashes and sets, run by a real JavaScript engine."""
    node, _ = compute_driver_executable()
    given = json.dumps({"script": script, "values": values})
    done = subprocess.run([node, "-e", RUN], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def run_script(found: dict[str, Any], **values: str) -> dict[str, Any]:
    """Return what the pre-request script of a collection hashes and sets."""
    lines = next(event["script"]["exec"] for event in found["event"] if event["listen"] == "prerequest")
    return run("\n".join(lines), {**variables(found), **values})


def test_the_collection_has_the_postman_2_1_format() -> None:
    """Info, variables, events and two folders with the six requests, each with method, URL, header and body."""
    found = collection()
    assert found["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    requests = [item["request"] for folder in found["item"] for item in folder["item"]]
    assert ["/" + "/".join(request["url"]["path"]) for request in requests] == [
        operation.path for operation in OPERATIONS.values()
    ]
    for request, sample in zip(requests, SAMPLES.values(), strict=True):
        assert request["method"] == "POST"
        assert request["header"] == [{"key": "Content-Type", "value": "application/json"}]
        assert json.loads(request["body"]["raw"]) == sample["body"]
        query = "&".join(f"{parameter['key']}={parameter['value']}" for parameter in request["url"]["query"])
        assert request["url"]["raw"] == f"{{{{baseUrl}}}}/{'/'.join(request['url']['path'])}?{query}"
        assert query == "&".join(
            f"{name}={{{{{name}}}}}" for name in ("appkey", "identifier", "curtime", "checksum", "seq")
        )


def test_the_collection_signs_each_request() -> None:
    """The script hashes secret, restapikey and curtime in this order, and an engine accepts the result."""
    found = collection()
    result = run_script(found)
    values = result["values"]
    assert result["hashed"] == [APPSECRET + RESTAPIKEY + values["curtime"]]
    assert values["checksum"] == checksum(values["curtime"])
    assert re.fullmatch(r"[0-9]{16}", values["seq"])
    for folder in found["item"]:
        for item in folder["item"]:
            raw = re.sub(r"\{\{(\w+)\}\}", lambda word: values[word[1]], item["request"]["url"]["raw"])
            parts = urlsplit(raw)
            call = Request("POST", parts.path, parts.query, {"content-type": "application/json"}, item["request"]["body"]["raw"].encode())  # fmt: skip
            answer = json.loads(EngineClient(now=float(values["curtime"])).engine.handle(call).body)
            assert answer["Status"] == "OK", answer


def test_each_request_of_the_collection_has_its_own_seq() -> None:
    """`seq` is generated for each request."""
    found = collection()
    assert len({run_script(found)["values"]["seq"] for _ in range(4)}) > 1


@pytest.mark.parametrize(
    ("readings", "lead"),
    [((), 150), (("--reading", "freshness_seconds=60"), 30), (("--reading", "freshness_seconds=0"), 0)],
)
def test_each_request_of_the_collection_has_its_own_curtime(readings: tuple[str, ...], lead: int) -> None:
    """So a server that accepts a checksum once accepts a run; no curtime is further ahead than half the lifetime."""
    found = collection(*readings)
    now = int(time.time())
    following = int(run_script(found, curtime=str(now + 5))["values"]["curtime"])
    assert following == now + 6 or lead < 6
    limit = int(run_script(found, curtime=str(now + 10_000))["values"]["curtime"])
    assert now + lead <= limit <= int(time.time()) + lead


def test_the_collection_signs_by_the_chosen_formula() -> None:
    """Reading signing=v1 leaves the restapikey out."""
    result = run_script(collection("--reading", "signing=v1"))
    assert result["values"]["checksum"] == sha1(APPSECRET + result["values"]["curtime"])


@pytest.mark.parametrize(
    ("readings", "lang", "status", "info"),
    [
        ((), "en", (200, "OK"), "signature verification failed"),
        (("--reading", "http_status=rest"), "zh", (401, "Unauthorized"), "签名校验失败"),
    ],
)
def test_each_request_of_the_collection_has_example_answers(
    readings: tuple[str, ...], lang: str, status: tuple[int, str], info: str
) -> None:
    """The document's sample, and a failure with the request that gets it."""
    items = [item for folder in collection(*readings, "--lang", lang)["item"] for item in folder["item"]]
    for item, sample in zip(items, SAMPLES.values(), strict=True):
        success, failed = item["response"]
        assert (success["code"], success["status"]) == (200, "OK")
        assert json.loads(success["body"]) == sample["answer"]
        assert success["originalRequest"] == item["request"]
        assert (failed["code"], failed["status"]) == status
        assert json.loads(failed["body"]) == {"Status": "FAIL", "ErrorCode": 1105, "ErrorInfo": info}
        assert failed["name"] == "1105 checksum_mismatch"
        assert f"checksum={'0' * 40}" in failed["originalRequest"]["url"]["raw"]


def test_the_collection_contains_no_secrets_of_the_user(tmp_path: Path) -> None:
    """The shipped made-up keys are its default values; those of the user are left empty."""
    assert variables(collection())["appsecret"] == APPSECRET
    found = collection("--fixtures", own_fixtures(tmp_path), "--url", "http://10.0.0.7:9000/")
    assert variables(found) == {
        "baseUrl": "http://10.0.0.7:9000",
        "appkey": "555",
        "appsecret": "",
        "restapikey": "",
        "identifier": "boss",
    }
    assert "secret-too" not in json.dumps(found)


# .http


def http_requests(text: str) -> list[tuple[str, str, dict[str, str], Any]]:
    """Return method, target, headers and body of each request of a file, as editors read it."""
    found = []
    for block in re.split(r"^###.*\n", text, flags=re.MULTILINE)[1:]:
        block = re.sub(r"^[<>] \{%\n.*?^%\}\n", "", block, flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in block.strip().split("\n") if not line.startswith("#")]
        empty = lines.index("")
        method, target = lines[0].split(" ", 1)
        headers = dict(line.split(": ", 1) for line in lines[1:empty])
        found.append((method, target, headers, json.loads("\n".join(lines[empty:]))))
    return found


def send(method: str, target: str, headers: dict[str, str], body: Any, **engine: Any) -> Any:
    """Return an engine's answer to a request of a file."""
    parts = urlsplit(target.replace("{{baseUrl}}", "http://mock"))
    content = {"content-type": headers["Content-Type"]}
    call = Request(method, parts.path, parts.query, content, json.dumps(body).encode())
    return json.loads(EngineClient(**engine).engine.handle(call).body)


def test_the_http_file_signs_each_request() -> None:
    """An engine accepts each request as its script signs it; no two have the same second or seq."""
    text = exported("http", "--url", "http://10.0.0.7:9000/")
    values = dict(re.findall(r"^@(\w+) = (.*)$", text, re.MULTILINE))
    assert values == {"baseUrl": "http://10.0.0.7:9000", "appkey": APPKEY, "identifier": "admin"}
    scripts = re.findall(r"^< \{%\n(.*?)^%\}$", text, re.MULTILINE | re.DOTALL)
    found = http_requests(text)
    signed = []
    for script, (method, target, headers, body), sample in zip(scripts, found, SAMPLES.values(), strict=True):
        result = run(script, {**values, "baseUrl": "http://mock"})
        filled = re.sub(r"\{\{(\w+)\}\}", lambda word, known=result["values"]: known[word[1]], target)  # type: ignore[misc]
        assert result["hashed"] == [APPSECRET + RESTAPIKEY + result["values"]["curtime"]]
        assert body == sample["body"]
        assert send(method, filled, headers, body, now=time.time())["Status"] == "OK"
        signed.append((result["values"]["curtime"], result["values"]["seq"]))
    assert len({curtime for curtime, _ in signed}) == len({seq for _, seq in signed}) == len(OPERATIONS)


def test_the_http_file_takes_its_keys_from_the_environment(tmp_path: Path) -> None:
    """Those of the environment come first, and the file contains no secret of the user."""
    script = re.findall(r"^< \{%\n(.*?)^%\}$", exported("http"), re.MULTILINE | re.DOTALL)[0]
    result = run(script, {"appsecret": "mine", "restapikey": "too"})
    assert result["hashed"] == ["minetoo" + result["values"]["curtime"]]
    text = exported("http", "--fixtures", own_fixtures(tmp_path))
    assert "@appkey = 555\n@identifier = boss" in text
    assert "quite+secret" not in text
    assert "secret-too" not in text


def test_the_http_file_signs_by_the_chosen_formula() -> None:
    """Reading signing=v1 leaves the restapikey out."""
    text = exported("http", "--reading", "signing=v1")
    assert "updateWithText(appsecret + curtime)" in text
    assert "restapikey" not in text.partition("###")[2]


def test_the_http_file_checks_each_answer() -> None:
    """HTTP 200 alone proves nothing, so every request asserts `Status`."""
    text = exported("http")
    assert text.count('client.assert(response.body.Status === "OK"') == len(OPERATIONS)


def test_the_signed_http_file_has_six_signed_requests() -> None:
    """An engine accepts each at the time of signing, with the sample's body, its own second and its own seq."""
    text = exported("http", "--signed", "--now", str(NOW))
    assert "@baseUrl = http://127.0.0.1:8080\n" in text
    assert "%}" not in text
    found = http_requests(text)
    assert [target.partition("?")[0] for _, target, _, _ in found] == [
        f"{{{{baseUrl}}}}{operation.path}" for operation in OPERATIONS.values()
    ]
    for (method, target, headers, body), sample in zip(found, SAMPLES.values(), strict=True):
        assert (method, headers) == ("POST", {"Content-Type": "application/json"})
        assert body == sample["body"]
        assert send(method, target, headers, body) == sample["answer"]
    for name in ("seq", "curtime", "checksum"):
        assert len({parse_qs(target)[name][0] for _, target, _, _ in found}) == len(OPERATIONS)


def test_the_signed_http_file_states_its_lifetime() -> None:
    """Time, app and lifetime stand at its head, in both languages."""
    words = ("http", "--signed", "--reading", "freshness_seconds=60")
    head = exported(*words, "--now", str(NOW)).partition("@baseUrl")[0]
    assert "2019-12-10T17:46:40+00:00" in head
    assert APPKEY in head
    assert "60 seconds" in head
    assert "60 秒内有效" in exported(*words, "--lang", "zh")


def test_the_signed_http_file_is_signed_for_the_app_and_by_the_formula() -> None:
    """According to --appkey and the reading signing."""
    words = ("http", "--signed", "--now", str(NOW))
    query = parse_qs(http_requests(exported(*words, "--appkey", OTHER[0]))[0][1].partition("?")[2])
    assert (query["appkey"], query["checksum"]) == ([OTHER[0]], [checksum(str(NOW), "other_app")])
    query = parse_qs(http_requests(exported(*words, "--reading", "signing=v1"))[0][1].partition("?")[2])
    assert query["checksum"] == [checksum(str(NOW), "v1")]


@pytest.mark.parametrize("kind", ["openapi", "postman", "http"])
def test_an_unknown_app_is_rejected(kind: str) -> None:
    """A wrong --appkey gives a hint, not an empty file."""
    done = CliRunner().invoke(cli, ["export", kind, "--appkey", "12345678"])
    assert done.exit_code != 0
    assert "did you mean 123456789" in str(done.exception)


# Sessions


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("--day", "20191210"), ""),
        (("--day", "20991231"), "is in the future"),
        (("--day", "20200101", "--scenario", "empty"), "(the scenario has no sessions on 20200101)"),
    ],
)
def test_sessions_of_a_day_come_with_a_note_on_what_is_unusual(words: tuple[str, ...], note: str) -> None:
    """A day that has not begun, or one without sessions, of which only the header is printed."""
    done = shell.run("export", "sessions", *words)
    assert (done.returncode, note in done.stderr, bool(done.stderr)) == (0, True, bool(note))
    assert done.stdout.startswith("RoomId,UserId,enter,leave,")
