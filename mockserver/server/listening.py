"""Binds a port and accepts connections on it, TLS ones included; it knows sockets and no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on `host` and `port` (0: a free one); ConfigurationError when that cannot be."""
    if not 0 <= port <= 65_535:
        raise _error(host, port, OverflowError("0-65535"))
    sock: socket.socket | None = None
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, proto)
        if sys.platform != "win32":
            # A server that was just stopped leaves its port in TIME_WAIT.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except (OSError, UnicodeError) as error:
        if sock is not None:
            sock.close()
        raise _error(host, port, error) from None
    return sock


def _error(host: str, port: int, error: Exception) -> ConfigurationError:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return ConfigurationError.at(
            "--port",
            Text(
                f"port {port} on {host} is taken: stop the other program or choose another (0: a free one)",
                f"{host} 的端口 {port} 已被占用：请停止占用它的程序，或换一个端口（0 表示自动选择空闲端口）",
            ),
        )
    if code == errno.EACCES or isinstance(error, OverflowError):
        return ConfigurationError.at(
            "--port",
            Text(
                f"port {port} on {host} cannot be used ({error}): choose one from 1024 to 65535, or 0",
                f"{host} 的端口 {port} 无法使用（{error}）：请选择 1024 到 65535 之间的端口，或用 0 自动选择",
            ),
        )
    return ConfigurationError.at(
        "--host",
        Text(f"cannot listen on {host} port {port}: {error}", f"无法监听 {host} 端口 {port}：{error}"),
    )


class Listener:
    """Accepts connections on a bound socket until it is closed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext | None,
        *,
        handshake_seconds: float,
        goodbye_seconds: float,
    ) -> None:
        self._loop, self._sock, self._protocol, self._context = loop, sock, protocol, context
        self._times: dict[str, Any] = {"ssl_handshake_timeout": handshake_seconds}
        if sys.version_info >= (3, 11) or type(loop).__module__.startswith("uvloop"):
            self._times["ssl_shutdown_timeout"] = goodbye_seconds
        self._server: asyncio.Server | None = None
        self._greeting: dict[asyncio.Task[None], socket.socket] = {}

    async def open(self) -> None:
        """Begin to accept."""
        if self._context is not None:
            # Not `create_server(ssl=…)`: it keeps unfinished handshakes to itself, and they outlive the stop.
            with contextlib.suppress(NotImplementedError):
                self._loop.add_reader(self._sock, self._accept)
                return
        self._server = await self._loop.create_server(
            self._protocol, sock=self._sock, backlog=BACKLOG, ssl=self._context
        )

    async def close(self) -> None:
        """Accept no more, and give up handshakes that are not done."""
        if self._server is not None:
            self._server.close()
            return
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for sock in self._greeting.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self._greeting:
            await asyncio.wait(list(self._greeting), timeout=1)

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                # Nothing is free to accept with: do not spin meanwhile.
                self._loop.remove_reader(self._sock)
                self._loop.call_later(0.1, self._resume)
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._greet(sock))
        self._greeting[task] = sock
        task.add_done_callback(self._greeting.pop)

    def _resume(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock, self._accept)

    async def _greet(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, sock, ssl=self._context, **self._times)
        except (OSError, asyncio.TimeoutError):
            # What a client does wrong in its handshake is the client's affair (ssl.SSLError is an OSError).
            sock.close()
