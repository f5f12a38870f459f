"""https: with the user's certificate or with one generated for the run, and a client that trusts it."""

from __future__ import annotations

import gc
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from helpers.server_process import MOCKSERVER, serving
from helpers.shell import run_in_process

from mockserver.core.addresses import parse_server_url, scheme_advice
from mockserver.core.errors import ConfigurationError
from mockserver.testing.admin_client import AdminClient
from mockserver.testing.mock_server import MockServer


def get(mock: MockServer, ca_file: Path, path: str, **headers: str) -> tuple[int, dict]:
    """Return status and body of a GET that trusts only `ca_file`."""
    context = ssl.create_default_context(cafile=str(ca_file))
    connection = http.client.HTTPSConnection("localhost", mock.port, timeout=5, context=context)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    result = response.status, json.loads(response.read())
    connection.close()
    return result


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a mockserver command."""
    command, env = [*MOCKSERVER, *arguments], {**os.environ, **environ}
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=env)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with cert.pem, key.pem, both.pem, ca.pem and other.pem (the key of another certificate)."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    leaf, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    other.private_key_pem.write_to_path(folder / "other.pem")
    return folder


def test_tls_generates_a_certificate():
    """Its CA is written for clients; API and admin API use https, and the Origin check knows the scheme."""
    with MockServer(scenario="document", tls=True) as mock:
        assert mock.url == f"https://127.0.0.1:{mock.port}"
        assert mock.app().signed_url("count_qos_by_day").startswith(f"{mock.url}/v2/video/")
        assert "PRIVATE" not in mock.ca_file.read_text(encoding="ascii")
        assert get(mock, mock.ca_file, "/v2/video/count_qos_by_day")[1]["ErrorCode"] != 0
        origin = f"https://localhost:{mock.port}"
        assert get(mock, mock.ca_file, "/__admin/health", Origin=origin)[0] == 200
        insecure = origin.replace("https", "http")
        assert get(mock, mock.ca_file, "/__admin/health", Origin=insecure)[0] == 403


def test_the_ca_file_is_deleted_with_the_server():
    """Nothing is left in the temporary folder."""
    mock = MockServer(scenario="document", tls=True)
    folder = mock.ca_file.parent
    assert folder.is_dir()
    del mock
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize(
    "files", [{"tls_cert": "cert.pem", "tls_key": "key.pem"}, {"tls_cert": "both.pem"}], ids=["two", "one"]
)
def test_the_users_certificate_is_used(folder, files):
    """Certificate and key in two files or in one; no CA is generated."""
    settings = {name: str(folder / file) for name, file in files.items()}
    with MockServer(scenario="document", **settings) as mock:
        assert mock.ca_file is None
        assert get(mock, folder / "ca.pem", "/__admin/health")[0] == 200


INVALID = {
    "generated and own certificate": (("--tls", "--tls-cert", "cert.pem"), "--tls", "leave out"),
    "generated certificate with own key": (("--tls", "--tls-key", "key.pem"), "--tls", "leave out"),
    "key without certificate": (("--tls-key", "key.pem"), "--tls-key", "add --tls-cert"),
    "certificate without key": (("--tls-cert", "cert.pem"), "--tls-cert", "not a PEM certificate"),
    "key of another certificate": (
        ("--tls-cert", "cert.pem", "--tls-key", "other.pem"),
        "--tls-cert",
        "not a PEM certificate",
    ),
    "no such file": (("--tls-cert", "none.pem"), "--tls-cert", "No such file"),
    "a folder": (("--tls-cert", "."), "--tls-cert", "Is a directory"),
    "name without --tls": (("--tls-name", "mock.test"), "--tls-name", "add --tls"),
    "name of a certificate of one's own": (
        ("--tls-name", "mock.test", "--tls-cert", "both.pem"),
        "--tls-name",
        "add --tls",
    ),
    "not a host name": (("--tls", "--tls-name", "mock..test"), "--tls-name", "mock..test"),
    "a URL": (("--tls", "--tls-name", "https://mock.test"), "--tls-name", "https://mock.test"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_combinations_are_clear_errors(folder, name):
    """The option is named, in both languages, before a port is opened."""
    arguments, place, message = INVALID[name]
    settings, rest = {}, iter(arguments)
    for option in rest:
        value = True if option == "--tls" else next(rest)
        if option in ("--tls-cert", "--tls-key"):
            value = str(folder / value)
        settings[option[2:].replace("-", "_")] = value
    with pytest.raises(ConfigurationError) as error:
        MockServer(scenario="document", **settings)
    (problem,) = error.value.problems
    assert problem.place == place
    assert message in problem.show("en")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.show("zh"))


def test_serve_exits_with_2_for_invalid_tls_options(folder):
    """From the command line and from the environment."""
    result = run("serve", "--tls", "--tls-cert", str(folder / "cert.pem"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("--tls: generates its own certificate")
    result = run("serve", MOCKSERVER_TLS_KEY=str(folder / "key.pem"))
    assert (result.returncode, result.stderr[:10]) == (2, "--tls-key:")


def test_the_generated_certificate_has_the_names_given():
    """Host names, a wildcard and an address, in addition to localhost; clients reach the server by each of them."""
    names = ["mock.test", "*.mock.test", "192.0.2.7"]
    with MockServer(scenario="document", tls=True, tls_name=names) as mock:
        context = ssl.create_default_context(cafile=str(mock.ca_file))
        for name in ("mock.test", "api.mock.test", "192.0.2.7", "localhost", "127.0.0.1"):
            with (
                socket.create_connection(("127.0.0.1", mock.port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=name) as sock,
            ):
                assert sock.version()


def test_the_commands_name_the_other_scheme():
    """http:// to the https port and the reverse: `call`, `report` and the client of the plugin say which URL to use."""
    with MockServer(scenario="document", tls=True) as secure, MockServer(scenario="document") as plain:
        for mock, wrong, right in ((secure, "http", "https"), (plain, "https", "http")):
            url, advice = f"{wrong}://127.0.0.1:{mock.port}", f"use {right}://127.0.0.1:{mock.port}"
            for command in (("call", "2.2"), ("report",)):
                result = run_in_process(*command, "--url", url)
                assert result.returncode == 2
                assert advice in result.stderr
            with pytest.raises(ConfigurationError, match=re.escape(advice)):
                AdminClient(url).get("health")


@pytest.mark.parametrize(
    ("received", "advised"),
    [
        (http.client.BadStatusLine("\x15\x03\x03\x00\x02\x02F"), True),
        (b"<html>The plain HTTP request was sent to HTTPS port</html>", True),
        (b"Client sent an HTTP request to an HTTPS server.", True),
        (http.client.BadStatusLine("SSH-2.0"), False),
        (ConnectionResetError("reset"), False),
        (b'{"error": "invalid_parameter"}', False),
    ],
)
def test_what_other_servers_send_to_plain_http_is_understood(received, advised):
    """The alert of OpenSSL, the pages of nginx and Go; but no other error."""
    advice = scheme_advice(parse_server_url("http://[::1]:8443"), received)
    assert bool(advice) is advised
    assert not advice or "https://[::1]:8443" in advice.en


def test_serve_and_call_use_https(tmp_path):
    """The ready line and the ready file name the CA file; `call --ca` trusts it, and without it the call fails."""
    ready = tmp_path / "ready.json"
    # A new interpreter removes its files at exit, a forked one does not.
    with serving("--tls", "--ready-file", str(ready), "--scenario", "document", fresh=True) as server:
        info = json.loads(ready.read_text(encoding="utf-8"))
        assert server.line.startswith(f"mockserver ready on {info['url']} ")
        assert server.line.endswith(
            f", for other commands: export MOCKSERVER_URL={info['url']} MOCKSERVER_CA={info['ca_file']},"
            f" CA file {info['ca_file']})\n"
        )
        call = ("call", "2.2", "--url", info["url"], "--json")
        trusted = run(*call, "--ca", info["ca_file"])
        assert (trusted.returncode, json.loads(trusted.stdout)["RoomId"]) == (0, "123456789")
        assert run(*call, MOCKSERVER_CA=info["ca_file"]).returncode == 0
        untrusted = run(*call)
        assert untrusted.returncode == 2
        assert "not trusted" in untrusted.stderr
        assert "--ca FILE" in untrusted.stderr
        assert server.stop()[0] == 0
    assert not Path(info["ca_file"]).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--url", "http://127.0.0.1:9"), "is not https"),
        (("--url", "https://127.0.0.1:9"), "contains no CA certificates"),
    ],
    ids=["http", "not a certificate"],
)
def test_an_unusable_ca_is_a_clear_error(tmp_path, arguments, message):
    """Exit code 2 with the option's name, before anything is sent."""
    empty = tmp_path / "empty.pem"
    empty.touch()
    result = run("call", "2.2", "--ca", str(empty), *arguments)
    assert (result.returncode, result.stderr[:5]) == (2, "--ca:")
    assert message in result.stderr


def test_the_curl_command_names_the_ca():
    """The printed command contains --cacert."""
    result = run("curl", "2.2", "--url", "https://localhost:8443", "--ca", "/tmp/my ca.pem")
    assert "curl -sS --cacert '/tmp/my ca.pem' 'https://localhost:8443/v2/video/" in result.stdout
