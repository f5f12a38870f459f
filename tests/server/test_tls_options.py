"""https: with the user's certificate or with one generated for the run, and a client that trusts it."""

from __future__ import annotations

import gc
import http.client
import json
import os
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from helpers.server_process import MOCKSERVER, serving

from mockserver.core.errors import ConfigurationError
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
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_combinations_are_clear_errors(folder, name):
    """The option is named, in both languages, before a port is opened."""
    arguments, place, message = INVALID[name]
    settings, rest = {}, iter(arguments)
    for option in rest:
        value = True if option == "--tls" else str(folder / next(rest))
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


def test_serve_and_call_use_https(tmp_path):
    """The ready line and the ready file name the CA file; `call --ca` trusts it, and without it the call fails."""
    ready = tmp_path / "ready.json"
    with serving("--tls", "--ready-file", str(ready), "--scenario", "document") as server:
        info = json.loads(ready.read_text(encoding="utf-8"))
        assert server.line.startswith(f"mockserver ready on {info['url']} ")
        assert server.line.endswith(f", CA file {info['ca_file']})\n")
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
