"""A store with TLS and a password, and the messages when one of them is wrong."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
import trustme
from helpers import shell
from helpers.http_client import Client
from helpers.redis_process import RedisProcess
from helpers.server_process import serving

PASSWORD = "s3cret&word"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server, in which password, host and name of the CA's file are to be filled in."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    files = ("--tls-cert-file", str(folder / "cert.pem"), "--tls-key-file", str(folder / "key.pem"))
    options = (
        "--tls-port",
        str(port),
        *files,
        "--tls-ca-cert-file",
        str(folder / "ca.pem"),
        "--tls-auth-clients",
        "no",
    )
    with contextlib.closing(RedisProcess(*options, "--requirepass", PASSWORD)):
        yield f"rediss://:{{password}}@{{host}}:{port}/0?ssl_ca_certs={folder}/{{ca}}.pem"


def test_a_store_with_tls_and_a_password_works(store: str) -> None:
    """The password is on no page and in no log."""
    url = store.format(password="s3cret%26word", host="localhost", ca="ca")
    with serving(MOCKSERVER_STORE=url) as server, Client(server.port) as client:
        request_id = client.call().headers["x-mock-request-id"]
        assert client.get(f"requests/{request_id}")["id"] == request_id
        pages = b"".join(client.wire.admin("GET", path).body for path in ("settings", "ready", "metrics", "docs"))
        status, log = server.stop()
        assert (status, [part for part in ("s3cret", "&word", "%26") if part in server.line + log]) == (0, [])
    assert b"s3cret" not in pages


@pytest.mark.parametrize(
    ("password", "host", "ca", "message"),
    [
        ("wr0ng%26word", "localhost", "ca", "wrong user or password"),
        ("", "localhost", "ca", "a password is required"),
        ("s3cret%26word", "localhost", "other", "the certificate is not trusted: self-signed"),
        ("s3cret%26word", "127.0.0.1", "ca", "the certificate is not trusted: IP address mismatch"),
        ("s3cret%26word", "localhost", "missing", "missing.pem contains no CA certificates"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(store: str, password: str, host: str, ca: str, message: str) -> None:
    """Without the password: a wrong or missing password, another CA, another name, no file."""
    url = store.format(password=password, host=host, ca=ca)
    refused = shell.run("serve", "--port", "0", MOCKSERVER_STORE=url)
    (line,) = filter(None, refused.stderr.splitlines())
    assert (refused.returncode, line.startswith("--store: ")) == (2, True)
    assert message in line
    assert not [part for part in ("s3cret", "wr0ng", "%26", "&word") if part in refused.stderr]
