"""https by three settings: files of one's own, or a certificate made for the run; and a client that trusts it."""

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
    """Status and body of a GET that trusts `ca_file` alone."""
    context = ssl.create_default_context(cafile=str(ca_file))
    wire = http.client.HTTPSConnection("localhost", mock.port, timeout=5, context=context)
    wire.request("GET", path, headers=headers)
    response = wire.getresponse()
    told = response.status, json.loads(response.read())
    wire.close()
    return told


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    told = {**os.environ, **environ}
    return subprocess.run([*MOCKSERVER, *words], capture_output=True, text=True, timeout=30, env=told)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A folder with cert.pem, key.pem, both.pem, other.pem (another key) and ca.pem."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    leaf, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    other.private_key_pem.write_to_path(folder / "other.pem")
    return folder


def test_a_certificate_is_made_for_the_run():
    """Its CA is written for clients; the operations and the admin API speak https, also with an Origin of their own."""
    with MockServer(scenario="document", tls=True) as mock:
        assert mock.url == f"https://127.0.0.1:{mock.port}"
        assert mock.app().signed_url("count_qos_by_day").startswith(f"{mock.url}/v2/video/")
        assert "PRIVATE" not in mock.ca_file.read_text(encoding="ascii")
        assert get(mock, mock.ca_file, "/v2/video/count_qos_by_day")[1]["ErrorCode"] != 0
        origin = f"https://localhost:{mock.port}"
        assert get(mock, mock.ca_file, "/__admin/health", Origin=origin)[0] == 200
        insecure = origin.replace("https", "http")
        assert get(mock, mock.ca_file, "/__admin/health", Origin=insecure)[0] == 403


def test_the_ca_file_goes_with_the_server():
    """Nothing stays in the temporary folder."""
    mock = MockServer(scenario="document", tls=True)
    folder = mock.ca_file.parent
    assert folder.is_dir()
    del mock
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize(
    "files", [{"tls_cert": "cert.pem", "tls_key": "key.pem"}, {"tls_cert": "both.pem"}], ids=["two", "one"]
)
def test_files_of_ones_own_are_used(own, files):
    """Certificate and key, in two files or in one; there is no CA of ours then."""
    settings = {name: str(own / file) for name, file in files.items()}
    with MockServer(scenario="document", **settings) as mock:
        assert mock.ca_file is None
        assert get(mock, own / "ca.pem", "/__admin/health")[0] == 200


WRONG = {
    "both ways at once": (("--tls", "--tls-cert", "cert.pem"), "--tls", "leave out"),
    "a made one with a key": (("--tls", "--tls-key", "key.pem"), "--tls", "leave out"),
    "a key alone": (("--tls-key", "key.pem"), "--tls-key", "add --tls-cert"),
    "a certificate alone": (("--tls-cert", "cert.pem"), "--tls-cert", "not a PEM certificate"),
    "another certificate's key": (
        ("--tls-cert", "cert.pem", "--tls-key", "other.pem"),
        "--tls-cert",
        "not a PEM certificate",
    ),
    "no such file": (("--tls-cert", "none.pem"), "--tls-cert", "No such file"),
    "a folder": (("--tls-cert", "."), "--tls-cert", "Is a directory"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_go_together_is_a_clear_error(own, name):
    """The option is named, in both languages, before any port is opened."""
    words, place, says = WRONG[name]
    settings, pairs = {}, iter(words)
    for option in pairs:
        value = True if option == "--tls" else str(own / next(pairs))
        settings[option[2:].replace("-", "_")] = value
    with pytest.raises(ConfigurationError) as caught:
        MockServer(scenario="document", **settings)
    (problem,) = caught.value.problems
    assert problem.place == place
    assert says in problem.show("en")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.show("zh"))


def test_a_wrong_combination_ends_serve_with_exit_code_2(own):
    """From the command line as from the environment."""
    told = run("serve", "--tls", "--tls-cert", str(own / "cert.pem"))
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("--tls: generates its own certificate")
    told = run("serve", MOCKSERVER_TLS_KEY=str(own / "key.pem"))
    assert (told.returncode, told.stderr[:10]) == (2, "--tls-key:")


def test_serve_and_call_over_https(tmp_path):
    """The ready line and the ready file name the CA file; `call --ca` trusts it, without it a call is refused."""
    ready = tmp_path / "ready.json"
    with serving("--tls", "--ready-file", str(ready), "--scenario", "document") as server:
        told = json.loads(ready.read_text(encoding="utf-8"))
        assert server.line.startswith(f"mockserver ready on {told['url']} ")
        assert server.line.endswith(f", CA file {told['ca_file']})\n")
        ask = ("call", "2.2", "--url", told["url"], "--json")
        good = run(*ask, "--ca", told["ca_file"])
        assert (good.returncode, json.loads(good.stdout)["RoomId"]) == (0, "123456789")
        assert run(*ask, MOCKSERVER_CA=told["ca_file"]).returncode == 0
        bad = run(*ask)
        assert bad.returncode == 2
        assert "not trusted" in bad.stderr
        assert "--ca FILE" in bad.stderr
        assert server.stop()[0] == 0
    assert not Path(told["ca_file"]).exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--url", "http://127.0.0.1:9"), "is not https"),
        (("--url", "https://127.0.0.1:9"), "no certificates to trust"),
    ],
    ids=["http", "not a certificate"],
)
def test_a_ca_that_cannot_be_used_is_a_clear_error(tmp_path, words, says):
    """Exit code 2 and the option's name, before anything is sent."""
    empty = tmp_path / "empty.pem"
    empty.touch()
    told = run("call", "2.2", "--ca", str(empty), *words)
    assert (told.returncode, told.stderr[:5]) == (2, "--ca:")
    assert says in told.stderr


def test_curl_is_told_what_to_trust():
    """The printed command carries --cacert."""
    told = run("curl", "2.2", "--url", "https://localhost:8443", "--ca", "/tmp/my ca.pem")
    assert "curl -sS --cacert '/tmp/my ca.pem' 'https://localhost:8443/v2/video/" in told.stdout
