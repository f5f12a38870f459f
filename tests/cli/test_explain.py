"""`mockserver explain` finds the request in pasted text, reports if there is none, and never prints a traceback."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from helpers.length import length
from helpers.server_process import CLEAN, MOCKSERVER, serving
from helpers.shell import run
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY, sha1
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver import MockServer
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text
from mockserver.testing.admin_client import AdminClient
from mockserver.validation.curl_command import is_curl
from mockserver.validation.pasted_text import read_request

CURTIME = "1575962150"
RIGHT = sha1(APPSECRET + RESTAPIKEY + CURTIME)
V1 = sha1(APPSECRET + CURTIME)
PATH = "/v2/video/query_room_info"
HOST = "https://api.youme.im"
QUERY = f"appkey={APPKEY}&identifier=admin&curtime={CURTIME}&checksum={V1}&seq=1"
URL = f"{HOST}{PATH}?{QUERY}"
JSON_LINE = json.dumps({"msg": "sent", "url": URL, "status": 200}, separators=(",", ":"))

OWN = "(checked as of its own curtime, 2019-12-10 15:15:50 +08:00; add --now now to check its age)\n"

WHOLE = {
    "as it is": URL,
    "blanks around": f"  {URL}\n",
    "without scheme": URL.removeprefix("https://"),
    "host and port": f"127.0.0.1:8080{PATH}?{QUERY}",
    "localhost": f"localhost:8080{PATH}?{QUERY}",
    "IPv6": f"[::1]:8080{PATH}?{QUERY}",
    "without host": f"{PATH}?{QUERY}",
    "without slash": f"{PATH[1:]}?{QUERY}",
    "quotes": f'"{URL}"',
    "Chinese quotes": f"“{URL}”",
    "angle brackets": f"<{URL}>",
    "Markdown": f"[the call]({URL}), see above",
    "full stop": f"{URL}.",
    "Chinese full stop": f"请求 {URL}。",
    "request line": f"POST {PATH}?{QUERY} HTTP/1.1",
    "request line with host": f'"POST {URL} HTTP/1.1" 200',
    "access log": f'10.0.0.1 - - [10/Dec/2019:15:15:50 +0800] "POST {PATH}?{QUERY} HTTP/1.1" 200 57 "https://example.com/ref" "okhttp/3"',
    "application log": f"2019-12-10 15:15:50 INFO Client - url={URL}, took 3 ms",
    "JSON log": JSON_LINE,
    "JSON log with escapes": JSON_LINE.replace("/", r"\/").replace("&", r"\u0026"),
    "JSON log in JSON": json.dumps(JSON_LINE),
    "HTML": URL.replace("&", "&amp;"),
    "fetch": f'await fetch("{URL}", {{"method": "POST"}});',
    "fragment": f"{URL}#top",
    "blank in a value": URL.replace("identifier=admin", "identifier=ad min"),
}  # fmt: skip


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_a_request_is_found_in_a_pasted_text(text: str) -> None:
    """The same diagnosis as for the bare URL and nothing else: the path and every parameter are read."""
    done = run("explain", text, "--json")
    assert [(row["where"], row["diagnosis"]) for row in json.loads(done.stdout)] == [("query:checksum", "v1_formula")]
    assert done.returncode == 1


@pytest.mark.parametrize(
    "text", [QUERY, f"?{QUERY}", f"params: {QUERY}", f'query="{QUERY}" body={{}}', QUERY.replace("&", "&amp;")]
)
def test_a_query_string_is_checked_without_a_path(text: str) -> None:
    """A note says that no path was given."""
    done = run("explain", text, "--json")
    assert [row["where"] for row in json.loads(done.stdout)] == ["query:checksum"]
    assert "no path given" in done.stderr
    assert "未给出路径" in run("explain", text, "--lang", "zh").stderr


@pytest.mark.parametrize(
    ("text", "method"),
    [(f"GET {URL} HTTP/1.1", "GET"), (f'"DELETE {PATH}?{QUERY} HTTP/1.1" 404', "DELETE"), (f"INFO {URL}", None)],
)  # fmt: skip
def test_the_method_is_read_from_a_log_line(text: str, method: str | None) -> None:
    """Only if the word is a method; --method takes precedence."""
    where = [row["where"] for row in json.loads(run("explain", text, "--json").stdout)]
    assert ("method" in where) is (method is not None)
    assert "method" not in run("explain", text, "--method", "POST").stdout


NOTHING = [
    "", "  ", "\n", "garbage", "foo=bar&x=y", "see /etc/passwd now", "http://", "2019-12-10 15:15:50 INFO started",
    "curl", "curlish thing", "'", '"', "<>", "？", "%", "&&&", "#", "{}",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTHING)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_text_without_a_request_is_rejected(text: str, lang: str) -> None:
    """One line that says what can be pasted, exit code 2."""
    done = run("explain", text, "--lang", lang)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("REQUEST: ")
    assert "curl" in line
    assert bool(re.search("[一-鿿]", line)) is (lang == "zh")


def test_an_invalid_host_does_not_matter() -> None:
    """The signature of a URL with a host that no parser accepts is still checked."""
    done = run("explain", f"http://[oops]{PATH}?{QUERY}")
    assert done.returncode == 1
    assert "v1 formula" in done.stdout


def test_a_url_cut_by_the_shell_gets_a_hint() -> None:
    """Without quotes only the first parameter arrives."""
    assert "a shell ends an unquoted URL" in run("explain", URL.partition("&")[0]).stderr
    assert "unquoted URL" not in run("explain", URL).stderr


@pytest.mark.parametrize(
    "curtime", ["1575962150123", "1575962150123456", "1575962150.5", " 1575962150", "'1575962150'"]
)
def test_an_old_request_is_checked_as_of_its_own_curtime(curtime: str) -> None:
    """In any unit: the unit is reported, the age is not."""
    done = run("explain", f"{HOST}{PATH}?appkey={APPKEY}&identifier=admin&curtime={curtime}&checksum={RIGHT}&seq=1")
    expected = done.stdout + done.stderr
    assert "query:curtime" in expected
    assert not re.search("behind|ahead|expired|checked as of now", expected)


@pytest.mark.parametrize("curtime", ["yesterday", "0000000001", "12", "%E4%B8%80"])
def test_a_curtime_that_is_not_a_time_is_checked_as_of_now(curtime: str) -> None:
    """A note says so and points to --now."""
    url = URL.replace(CURTIME, curtime)
    assert "checked as of now" in run("explain", url).stderr
    assert "checked as of now" not in run("explain", url, "--now", CURTIME).stderr


# curl


def curl_command(*words: str) -> str:
    """Return a curl command with the URL in quotes."""
    return " ".join(["curl", *words, f"'{URL.replace(V1, RIGHT)}'"])


BODY = '{"RoomId": "77"}'
JSON_TYPE = "-H 'Content-Type: application/json'"
FINE = {
    "usual": curl_command("-X POST", JSON_TYPE, f"-d '{BODY}'"),
    "our own": run("curl", "2.2", "RoomId=77", "--now", CURTIME).stdout,
    "joined": curl_command("-sSXPOST", "-H'content-type:application/json'", f"-d'{BODY}'"),
    "long": curl_command("--request POST", "--header 'Content-Type: application/json'", f"--data '{BODY}'"),
    "raw": curl_command(JSON_TYPE, f"--data-raw '{BODY}'", "--compressed", "--insecure", "-o /dev/null", "--max-time 3"),
    "binary": curl_command(JSON_TYPE, f"--data-binary '{BODY}'"),
    "json": curl_command(f"--json '{BODY}'"),
    "url option": curl_command(JSON_TYPE, f"-d '{BODY}'", "--url"),
    "lines": "$ " + curl_command("-X POST \\\n ", JSON_TYPE, f"\\\n  -d '{BODY}' \\\n "),
    "lines of PowerShell": curl_command("-X POST `\n ", JSON_TYPE, f"`\n  -d '{BODY}' `\n "),
    "of cmd": f'curl ^"{URL.replace(V1, RIGHT).replace("&", "^&")}^" ^\n -H ^"Content-Type: application/json^" ^\n -d ^"{{^\\^"RoomId^\\^": ^\\^"77^\\^"}}^"',
    "of a browser": curl_command(JSON_TYPE, r"""--data-raw $'{"RoomId": "it\'s \u623f\x41\n"}'""".replace(r"\n", "")),
    "piped": curl_command(JSON_TYPE, f"-d '{BODY}'") + " | jq . > out.json",
    "two data": curl_command(JSON_TYPE, """-d '{"RoomId": "a'""", """-d 'b"}'"""),
    "user agent": curl_command("-A 'x -d y'", JSON_TYPE, f"-d '{BODY}'"),
}  # fmt: skip


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_a_curl_command_is_read_as_curl_reads_it(text: str) -> None:
    """URL, method, headers and body: no mistakes are found, and the body was checked."""
    done = run("explain", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no mistakes found\n", OWN)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), {"method", "header:Content-Type"}),
        (("-X POST",), {"header:Content-Type", "body:"}),
        ((f"-d '{BODY}'",), {"header:Content-Type"}),
        ((f"-X PUT {JSON_TYPE} -d '{BODY}'",), {"method"}),
        ((f"-G -d extra=1 {JSON_TYPE}",), {"method", "query:extra"}),
        (("-I", JSON_TYPE), {"method"}),
        ((JSON_TYPE, """--data-raw '{"roomid": 1}'"""), {"body:/RoomId", "body:/roomid"}),
        ((JSON_TYPE, "--data-raw '@nowhere'"), {"body:"}),
        (("-F a=b",), {"header:Content-Type"}),
    ],
)  # fmt: skip
def test_defaults_of_curl_are_checked(words: tuple[str, ...], expected: set[str]) -> None:
    """GET without data, a form Content-Type for -d without a header, an empty body for a bare POST."""
    found = json.loads(run("explain", curl_command(*words), "--json").stdout)
    assert {row["where"] for row in found} == expected


def test_options_override_the_pasted_text() -> None:
    """--method, --header and --body."""
    text = curl_command("-X PUT", "-d '{}'")
    done = run("explain", text, "--method", "post", "--header", "Content-Type: application/json", "--body", BODY)
    assert (done.returncode, done.stderr) == (0, OWN)


@pytest.mark.parametrize("word", ["-d", "--data", "--data-binary", "--json", "-sSd"])
@pytest.mark.parametrize("name", ["/dev/zero", "-", "nowhere.json", "{file}"])
def test_no_file_that_a_pasted_command_names_is_opened(tmp_path: Path, word: str, name: str) -> None:
    """Another person may have written the command: a note says so, and the rest is checked."""
    file = tmp_path / "body.json"
    file.write_text('{"private": 1}', encoding="utf-8")
    done = run("explain", curl_command(JSON_TYPE, f"{word} @{name.format(file=file)}"))
    assert "files named with @ are not opened" in done.stderr
    assert "private" not in done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("piece", ["http://", " a&seq=", "<http://a/", "curl\t\t", "/v2/video/?appkey=1&seq="])
def test_a_text_of_any_length_takes_bounded_time(piece: str) -> None:
    """Only a bounded part of it is searched."""
    done = run("explain", "-", stdin=piece * 20_000)
    assert "Traceback" not in done.stderr
    assert (done.returncode == 2) == ("no request found" in done.stderr or "curl command" in done.stderr)


@pytest.mark.parametrize(
    ("text", "says"), [(f"curl '{URL}", "never closed"), ("curl -X POST", "no URL"), ("curl -d x -H", "has no value")]
)
def test_a_broken_curl_command_is_rejected(text: str, says: str) -> None:
    """One line, exit code 2."""
    done = run("explain", text)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert says in done.stderr


def test_a_request_is_read_from_standard_input() -> None:
    """`pbpaste | mockserver explain -`."""
    done = subprocess.run([*MOCKSERVER, "explain", "-"], input=FINE["usual"], capture_output=True, text=True, timeout=60, env=CLEAN)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "no mistakes found\n")


# Whole requests


RAW = f"POST {PATH}?{QUERY.replace(V1, RIGHT)} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
DUMPS = {
    "raw": RAW + BODY,
    "unix": (RAW + BODY).replace("\r", "") + "\n",
    "with its answer": RAW + BODY + "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}",
    "of HTTPie": RAW.replace("\r", "") + '{\n    "RoomId": "77"\n}\n\n\nHTTP/1.1 200 OK\n',
    "curl -v": "$ " + curl_command("-v", JSON_TYPE, f"-d '{BODY}'") + "\n*   Trying 127.0.0.1...\n> POST / HTTP/1.1\n> x: don't\n",
}  # fmt: skip


@pytest.mark.parametrize("text", DUMPS.values(), ids=DUMPS)
def test_a_raw_request_is_read_with_its_body(text: str) -> None:
    """A correct body passes, and the mistakes of a wrong one are found."""
    done = run("explain", text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no mistakes found\n", OWN)
    done = run("explain", text.replace("RoomId", "roomid"), "--json")
    assert {row["where"] for row in json.loads(done.stdout)} == {"body:/RoomId", "body:/roomid"}


def test_the_output_of_curl_v_is_checked_without_a_body() -> None:
    """`curl -v` prints no body: a note says so, and the headers are read."""
    shown = "".join(f"> {line}\n" for line in RAW.replace("application/json", "text/plain").split("\r\n")[:-1])
    done = run("explain", f"* Connected\n{shown}< HTTP/1.1 200 OK\n", "--json")
    assert [row["where"] for row in json.loads(done.stdout)] == ["header:Content-Type"]
    assert "the body was not checked" in done.stderr


@pytest.mark.parametrize(
    "text", [f"{URL}\n{URL}2", RAW + BODY + "\r\n" + RAW, "\n".join([FINE["usual"], FINE["json"]])]
)
def test_the_first_of_several_requests_is_checked(text: str) -> None:
    """A note says so in both languages."""
    assert "several requests found; only the first" in run("explain", text).stderr
    assert "其中有多个请求" in run("explain", text, "--lang", "zh").stderr


def test_a_body_without_an_operation_is_not_reported_as_missing() -> None:
    """The body was given; the path is missing."""
    done = run("explain", QUERY, "--body", "x")
    assert "the body was not checked: its schema depends on the operation" in done.stderr
    assert "no --body given" not in done.stderr


def test_the_age_is_checked_with_now() -> None:
    """`--now now`, as the note on stderr says."""
    done = run("explain", URL.replace(V1, RIGHT), "--now", "now")
    assert done.returncode == 1
    assert re.search(r"curtime is [0-9]+ s \(over [0-9]+ days\) behind .* \[checksum_expired/", done.stdout)
    assert "checked as of" not in done.stderr


@pytest.mark.parametrize("form", ["entry", "element", "list", "answer"])
def test_a_journal_entry_is_read(form: str) -> None:
    """Method, path, query, headers and body; its own diagnosis of the shortened checksum is kept."""
    with MockServer("document") as mock:
        asked = urllib.request.Request(f"{mock.url}{PATH}?{QUERY}", b'{"roomid": "1"}', {"Content-Type": "text/plain"}, method="PUT")  # fmt: skip
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(asked, timeout=10).close()
        entry = AdminClient(mock.url).get("requests")["requests"][0]
    text = {"entry": entry, "element": entry["request"], "list": [entry], "answer": {"requests": [entry, entry]}}[form]
    done = run("explain", json.dumps(text), "--json")
    found = [(row["name"], row["diagnosis"]) for row in json.loads(done.stdout)]
    names = ["wrong_method", "content_type_wrong", "missing_field", "unknown_field"]
    assert [name for name, _ in found if name in names] == names
    assert (("checksum_mismatch", "v1_formula") in found) is (form != "element")
    assert ("checksum_expired" in dict(found)) is (form != "element")
    assert ("checked as of its arrival" in done.stderr) is (form != "element")
    assert "the journal stores six digits of a checksum" in done.stderr
    assert ("several requests" in done.stderr) is (form == "answer")


@pytest.mark.parametrize(
    "value",
    [{"path": "/x", "query": {"checksum": "1…"}, "violations": [3, {"where": "query:checksum", "name": "x"}]},
     {"request": {"path": "/x", "query": {}, "body_base64": "?", "headers": 3}, "at": "x"}, {"requests": []}, [[]], 3],
)  # fmt: skip
def test_a_malformed_journal_entry_gives_no_traceback(value: object) -> None:
    """It is checked or rejected."""
    assert run("explain", json.dumps(value)).returncode in (1, 2)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_lines_of_the_log_and_of_requests_are_refused_with_what_to_give_instead(log_format: str) -> None:
    """They contain no signature; the whole entry, which the message names, does."""
    with serving("--scenario", "document", "--log-format", log_format) as server:
        url = f"{server.url}{PATH}?{QUERY}"
        urllib.request.urlopen(urllib.request.Request(url, b"{}", method="POST"), timeout=10).close()
        form = ("--json",) if log_format == "json" else ()
        row = run("requests", *form, "--url", server.url).stdout
        _, log = server.stop()
    for lines in (row * 2, log):
        done = run("explain", "-", stdin=lines)
        assert (done.returncode, done.stdout) == (2, "")
        assert "/__admin/requests/00000001 |" in done.stderr


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        f"{URL}&appsecret={APPSECRET}",
        URL.replace(V1, APPSECRET),
        f"{HOST}/{APPSECRET}?{QUERY}",
        f"appkey={APPKEY}&{RESTAPIKEY}={APPSECRET}",
        f"{APPSECRET} {RESTAPIKEY}",
        f"curl -X {APPSECRET} -H '{RESTAPIKEY}: {APPSECRET}' '{URL}' -d '{{\"{APPSECRET}\": \"{RESTAPIKEY}\"}}'",
        f"curl '{URL}' -d '{APPSECRET}",
        f"http://{APPSECRET}",
        f"http://[{APPSECRET}]{PATH}?{QUERY}",
    ],
)
def test_no_secret_and_no_correct_checksum_is_printed(text: str) -> None:
    """Wherever it was pasted, in both formats and languages."""
    for more in ((), ("--json",), ("--lang", "zh")):
        done = run("explain", text, *more)
        shown = done.stdout + done.stderr
        assert shown
        assert not [secret for secret in (APPSECRET, RESTAPIKEY, RIGHT, V1) if secret in shown]


PIECES = st.sampled_from(
    [URL, PATH, QUERY, HOST, "curl ", "http://", "//", "[", "]", "?", "&", "&amp;", "=", "#", "%", "%ff", "'", '"', "\\", "$'", "^\"", "-d", "-X",
     "@", "-", " ", "\n", "\t", "\x00", "\u3000", "\udc80", "{", "}", "<", ">", "POST ", "appkey=", "curtime=99999999999999", f"POST {URL} HTTP/1.1\n", "a: b\n", "\n\n", "fetch(", f"{URL}',{{}}", '{"path": "/", "query": {}}', "：", "。", "\\ud800"]
)  # fmt: skip


@settings(max_examples=length(150, 400), deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60)))
@example("curl $'\\ud800' -d $'\\xff'")
@example("http://a?appkey=1 &seq=")
@example(f"curl 'POST {URL} HTTP/1.1\n'")
@example(f"curl -G {URL} -d '\n'")
def test_any_text_is_read_or_rejected(text: str) -> None:
    """No other exception than ConfigurationError, and a result that the engine accepts."""
    try:
        found = read_request(text.replace("@-", "@ "))
    except ConfigurationError:
        return
    assert found.path is None or found.path.startswith("/")
    assert found.path or found.query
    assert "\n" not in (found.path or "") + found.query
    assert all(isinstance(note, Text) and note.en and note.zh for note in found.notes)
    found.query.encode("utf-8", "surrogateescape")


def test_only_curl_commands_are_read_as_curl() -> None:
    """Not a word that begins with curl, and not a URL about curl."""
    assert is_curl("curl x")
    assert is_curl("  $ curl.exe x")
    assert not is_curl("curly x")
    assert not is_curl("https://curl.se/?a=1")
