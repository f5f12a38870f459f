"""A Redis server of its own for tests, that can be killed, restarted and frozen."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from helpers.programs import need


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class RedisProcess:
    """A server on a free port. Every write is on disk before it is acknowledged."""

    def __init__(self, *options: str) -> None:
        need("redis-server")
        self.folder = Path(tempfile.mkdtemp(prefix="mockserver-redis-"))
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self._options = options
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start the server with the data it had; return when it answers."""
        words = ["--port", str(self.port), "--dir", str(self.folder), "--save", "", "--appendonly", "yes"]
        words += ["--appendfsync", "always", *self._options]
        self.process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill the server as a crash would."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Kill the server and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words: str) -> bytes:
        """Return the raw answer to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
            sock.sendall(
                b"".join(
                    [
                        b"*%d\r\n" % len(words),
                        *(b"$%d\r\n%b\r\n" % (len(word), word) for word in map(str.encode, words)),
                    ]
                )
            )
            return sock.recv(1 << 20)

    def _answers(self) -> bool:
        try:
            return not self.command("PING").startswith(b"-LOADING")
        except OSError:
            return False


class Proxy:
    """A TCP proxy in front of a port that can be frozen: it accepts connections then, but passes nothing on."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._held = False
        self._closed = False
        self._pairs: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Pass nothing on until `thaw`."""
        self._flowing.clear()

    def holds_back(self) -> bool:
        """Return whether data is waiting."""
        return self._held

    def thaw(self) -> None:
        """Pass on what was held back, and everything from now on."""
        self._held = False
        self._flowing.set()

    def close(self) -> None:
        """End all connections."""
        self._closed = True
        self._flowing.set()
        for sock in (self._listener, *self._pairs):
            with contextlib.suppress(OSError):
                sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._flowing.wait()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server, client:
            self._pairs += [client, server]
            while not self._closed:
                for source in select.select([client, server], [], [], 0.1)[0]:
                    data = source.recv(65_536)
                    self._held = not self._flowing.is_set()
                    self._flowing.wait()
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
