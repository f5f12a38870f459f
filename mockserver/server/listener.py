"""Binds a port and accepts connections, with or without TLS, the only scheme of the real service (§1.1.1).

Also handles signals and resource limits of the process. Knows sockets, not HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType

from mockserver.core.errors import ConfigurationError
from mockserver.core.messages import missing_extra
from mockserver.core.text import Text
from mockserver.server.connection import Connection
from mockserver.server.limits import TEXTS, Refusal, other_protocol
from mockserver.server.service import Service

BACKLOG = 2048
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SWITCH_INTERVAL = 0.0002  # Seconds. With the default, admin requests wait too long for a busy event loop.
_MAX_OPEN_FILES = 65_536
_UNTRUSTED = ("unknown ca", "bad certificate", "certificate unknown")
"""The alerts of clients that do not trust a certificate, or that expect another name."""
_HTTP_BEGINNINGS = frozenset(bytes((byte,)) for byte in (*b"\r\n", *range(0x20, 0x7F)))
"""First bytes that are text, and therefore cannot begin a TLS handshake."""


def bind(host: str, port: int, *, share: bool = False) -> socket.socket:
    """Return a socket that listens on `host` and `port` (0 picks a free one), or raise ConfigurationError.

    With `share`, several sockets of this user can listen on the port, and each gets a part of the connections.
    """
    if not 0 <= port <= 65_535:
        raise _bind_error(host, port, OverflowError("0-65535"))
    sock: socket.socket | None = None
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, proto)
        if sys.platform != "win32":
            # A server that has just stopped leaves its port in TIME_WAIT.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except (OSError, UnicodeError) as error:
        if sock is not None:
            sock.close()
        raise _bind_error(host, port, error) from None
    return sock


def _bind_error(host: str, port: int, error: Exception) -> ConfigurationError:
    code = getattr(error, "errno", None)
    option, name = "--host", "host_not_usable"
    if code == errno.EADDRINUSE:
        option, name = "--port", "port_in_use"
    elif code == errno.EACCES or isinstance(error, OverflowError):
        option, name = "--port", "port_not_usable"
    return ConfigurationError.at(option, TEXTS[name].format(host=host, port=port, error=error))


class TLS:
    """An SSL context, and the CA file that clients have to trust if the certificate was generated."""

    def __init__(self, context: ssl.SSLContext, ca_file: Path | None = None, names: Iterable[str] = ()) -> None:
        self.context, self.ca_file, self._names = context, ca_file, tuple(names)

    def explain(self, error: ssl.SSLError) -> Text | None:
        """Return why a handshake failed and what to do; None if the client merely disconnected."""
        reason = (error.reason or "").replace("_", " ").lower()
        if not reason or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return None
        if any(alert in reason for alert in _UNTRUSTED):
            ca = Text(str(self.ca_file), f" {self.ca_file}") if self.ca_file else Text("its CA", "其 CA")
            names = f" ({', '.join(self._names)})" if self._names else ""
            return TEXTS["rejected_certificate"].format(reason=reason, ca=ca, names=names)
        return TEXTS["handshake_failed"].format(reason=reason)

    @classmethod
    def from_files(cls, cert: str | os.PathLike[str], key: str | os.PathLike[str] | None = None) -> TLS:
        """Return TLS with the given PEM files; the key may be in the certificate's file.

        Raises ConfigurationError if they are missing, unreadable, or do not match.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Without a password, OpenSSL would prompt on the terminal and block.
            context.load_cert_chain(cert, key, password="")  # nosec B106
        except (OSError, ValueError) as error:
            files = f"{os.fspath(cert)}, {os.fspath(key)}" if key is not None else os.fspath(cert)
            text = TEXTS["not_a_certificate"].format(files=files, error=error)
            raise ConfigurationError.at("--tls-cert", text) from None
        return cls(context)

    @classmethod
    def throwaway(cls, hosts: Iterable[str] = (), folder: str | os.PathLike[str] | None = None) -> TLS:
        """Return TLS for localhost, 127.0.0.1, ::1 and `hosts`, signed by a CA generated for this run.

        The CA certificate, `ca_file`, is written to `folder`, or to a temporary folder that is removed at
        exit. No private key is written. Raises ConfigurationError if the `tls` extra is not installed.
        """
        try:
            import trustme
        except ImportError:
            raise ConfigurationError.at("--tls", missing_extra("tls")) from None
        authority = trustme.CA()
        names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            authority.issue_cert(*names).configure_cert(context)
        except ValueError as error:
            text = TEXTS["not_names"].format(names=", ".join(names), error=error)
            raise ConfigurationError.at("--tls-name", text) from None
        target = Path(tempfile.mkdtemp(prefix="mockserver-tls-") if folder is None else folder)
        ca_file = target / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        tls = cls(context, ca_file, names)
        if folder is None:
            weakref.finalize(tls, _remove, target, os.getpid())
        return tls


def _remove(folder: Path, process: int) -> None:
    """Remove a temporary folder, unless this is a forked child of the process that created it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


class Listener:
    """Accepts connections on a bound socket until it is closed, over TLS if there is a certificate.

    With `shared`, the socket keeps listening for other processes after `close`.
    """

    def __init__(self, service: Service, sock: socket.socket, tls: TLS | None, *, shared: bool = False) -> None:
        self._service, self._sock, self._tls, self._shared = service, sock, tls, shared
        self._loop = service.loop
        self._server: asyncio.Server | None = None
        self._handshakes: dict[asyncio.Task[None], socket.socket] = {}

    async def open(self) -> None:
        """Start accepting connections."""
        if self._tls is not None:
            # `create_server(ssl=…)` gives no access to unfinished handshakes, which would continue after a stop.
            with contextlib.suppress(NotImplementedError):
                self._loop.add_reader(self._sock, self._accept)
                return
        context = self._tls.context if self._tls else None
        self._server = await self._loop.create_server(
            lambda: Connection(self._service), sock=self._sock, backlog=BACKLOG, ssl=context
        )

    def descriptors(self) -> list[int]:
        """Return the descriptors of all sockets: the listening one and those of clients."""
        clients = [each.transport.get_extra_info("socket") for each in self._service.connections]
        sockets = (self._sock, *self._handshakes.values(), *clients)
        return [sock.fileno() for sock in sockets if sock is not None]

    async def close(self) -> None:
        """Stop accepting connections, and abort unfinished handshakes."""
        # Stops listening even if another process holds the socket. Some systems refuse this, and stop on close.
        if not self._shared:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
        if self._server is not None:
            self._server.close()
            return
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for sock in self._handshakes.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self._handshakes:
            await asyncio.wait(list(self._handshakes), timeout=1)

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                # There is no free file descriptor: wait for one instead of spinning.
                self._loop.remove_reader(self._sock)
                self._loop.call_later(0.1, self._resume)
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._open_connection(sock))
        self._handshakes[task] = sock
        task.add_done_callback(self._handshakes.pop)

    def _resume(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock, self._accept)

    async def _open_connection(self, sock: socket.socket) -> None:
        assert self._tls is not None
        try:
            client = str(sock.getpeername()[0])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.wait_for(self._readable(sock), self._service.limits.request_seconds)
            first = sock.recv(1, socket.MSG_PEEK)
            if not first:
                sock.close()
            elif first in _HTTP_BEGINNINGS:
                await self._loop.connect_accepted_socket(lambda: WrongPortConnection(self._service), sock)
            else:
                await self._handshake(sock, self._tls.context)
        except ssl.SSLError as error:
            sock.close()
            if text := self._tls.explain(error):
                self._service.client_log.warn(client, text)
        except (OSError, asyncio.TimeoutError):
            sock.close()

    async def _readable(self, sock: socket.socket) -> None:
        """Wait until the client has sent something, or has disconnected."""
        readable = asyncio.Event()
        self._loop.add_reader(sock, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(sock)

    async def _handshake(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        limits = self._service.limits
        timeouts = {"ssl_handshake_timeout": limits.request_seconds}
        if sys.version_info >= (3, 11) or type(self._loop).__module__.startswith("uvloop"):
            timeouts["ssl_shutdown_timeout"] = limits.linger_seconds
        await self._loop.connect_accepted_socket(lambda: Connection(self._service), sock, ssl=context, **timeouts)


class WrongPortConnection(Connection):
    """A connection without TLS to an https port. Answers with an explanation."""

    def data_received(self, data: bytes) -> None:
        """Refuse the request, whatever it is."""
        self.refuse(Refusal(400, other_protocol(data) or "https_port"))


@contextlib.contextmanager
def stop_signals(stop: Callable[[bool], object]) -> Iterator[list[int]]:
    """Call `stop(force)` on SIGTERM and SIGINT: False on the first, True on the second. Yield those received.

    After the second signal the system's default action is restored.
    """
    received: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop(len(received) > 1)
        if len(received) > 1:
            signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, on_signal) for number in _STOP_SIGNALS}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def raise_process_limits() -> None:
    """Allow as many open connections as the system permits, and shorten the thread switch interval."""
    sys.setswitchinterval(_SWITCH_INTERVAL)
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < limit:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
