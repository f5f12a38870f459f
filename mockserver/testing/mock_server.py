"""A mock server in the current process, for tests and notebooks:

with MockServer(scenario="document") as mock:
    print(mock.url)
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.folders import take_snapshot
from mockserver.core.suggestions import unknown
from mockserver.engine.build import make_engine, resolve_settings
from mockserver.engine.pipeline import Engine
from mockserver.server.guard import Guard, is_loopback
from mockserver.server.limits import TEXTS
from mockserver.server.listener import TLS
from mockserver.server.server import Server, is_no_admin_path
from mockserver.server.watching import Watcher
from mockserver.server.workers import Supervisor
from mockserver.testing.admin_client import AdminClient
from mockserver.testing.app import AppControls, MockApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("mockserver")

_IDLE_SECONDS = 0.5


class _InProcessAdmin(AdminClient):
    """The admin API of a server in this process, called without a socket. A forked child calls its parent's server."""

    def __init__(self, server: MockServer, token: str | None, app: Any) -> None:
        # Before the start there may be no port yet, and no connection is made.
        super().__init__(server.url.removesuffix(":0"), token, ca=str(server.ca_file) if server.ca_file else None)
        self.url = server.url
        self._server, self._app = server, app

    def _exchange(self, method: str, target: str, content: bytes | None) -> tuple[int, bytes]:
        if self._server.is_inherited:
            return super()._exchange(method, target, content)
        headers = self._headers(write=content is not None)
        with self._app.test_client(use_cookies=False) as client:
            answer = client.open(target, method=method, base_url=self.url, data=content, headers=headers)
            return answer.status_code, answer.data


class MockServer:
    """A mock server on a port of this machine, from `start` (or `with`) to `stop`.

    Takes the settings listed by `mockserver settings`; port 0 picks a free port, and files are watched only with
    `reload`. Raises ConfigurationError for invalid settings or files.
    """

    def __init__(
        self,
        scenario: str = "default",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        reload: bool = False,
        **settings: Any,
    ) -> None:
        resolved = resolve_settings(settings)
        if not is_loopback(host) and not resolved["admin_token"]:
            raise ConfigurationError.at("--host", TEXTS["needs_token"].format(host=host))
        tls = _tls(host, resolved)
        self.ca_file: Path | None = tls.ca_file if tls else None
        """The CA to trust, if the certificate was generated for this run."""
        fixtures = Path(resolved["fixtures"]) if resolved["fixtures"] else None
        snapshot = take_snapshot(fixtures) if reload else None
        self.engine: Engine = make_engine(scenario=scenario, **settings)
        self._watcher = Watcher(self.engine, fixtures, snapshot) if snapshot else None
        self._token: str | None = resolved["admin_token"]
        self._guard, self._public_url = Guard.for_host(host, self._token), resolved["public_url"]
        self._app: Any = None  # The Flask app, once created.
        self._app_lock = threading.Lock()
        self._host = host
        self._process = 0  # The process that runs the server; 0 while it does not run.
        self._server = Server(
            self._call_app,
            engine=self.engine,
            host=host,
            port=port,
            tls=tls,
            inline=self._is_quick,
            lang=self.engine.lang,
            on_stop=self.engine.journal.close,
        )
        self.engine.store.on_release = self._server.release

    def _flask_app(self) -> Any:
        """Return the Flask app, created when first needed because that takes a fifth of the start-up time."""
        with self._app_lock:
            if self._app is None:
                from mockserver.server.app import build_app

                self._app = build_app(self.engine, guard=self._guard, public_url=self._public_url)
            return self._app

    def _load_when_idle(self, stopped: threading.Event) -> None:
        """Create the Flask app and import jsonschema once the process is idle.

        Otherwise the first page or admin request and the first invalid body would have to wait for them.
        """
        used = 0.0
        while not stopped.wait(_IDLE_SECONDS):
            before, used = used, sum(os.times()[:2])
            if used - before < _IDLE_SECONDS / 10:
                self._flask_app()
                importlib.import_module("jsonschema")
                return

    def _call_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response: Iterable[bytes] = self._flask_app()(environ, start_response)
        return response

    def _is_quick(self, path: str) -> bool:
        """Return whether the event loop may run a request: not if it creates the app or waits for another server."""
        return self._app is not None and is_no_admin_path(path) and self.engine.backend is None

    @property
    def url(self) -> str:
        """`http://HOST:PORT` or `https://HOST:PORT`, without a slash at the end."""
        return self._server.url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def admin(self) -> AdminClient:
        """The admin API, called without a socket: it works before `start` too."""
        return _InProcessAdmin(self, self._token, self._flask_app())

    @property
    def is_inherited(self) -> bool:
        """Whether this process is a forked child of the one that runs the server."""
        return self._process not in (0, os.getpid())

    @property
    def all_apps(self) -> AppControls:
        """Controls that act on all apps: `mock.all_apps.freeze("2019-12-10T15:30+08:00")`."""
        return AppControls(self.admin)

    def app(self, appkey: str | None = None) -> MockApp:
        """Return the handle for a registered app, by default the first. Raises AdminError for an unknown appkey."""
        known = {**self.engine.config.apps, **self.engine.apps}
        app = next(iter(known.values())) if appkey is None else known.get(appkey)
        if app is None:
            raise AdminError(404, "unknown_appkey", unknown("app", appkey, known))
        return MockApp(self.admin, app.credentials)

    def new_app(self) -> MockApp:
        """Create an app with its own credentials, scenario, faults, clock and journal."""
        return MockApp.fresh(self.admin)

    def inject(self, fault: str, *, appkey: str | None = None, **fields: Any) -> str:
        """Inject a fault into one app, or into all: `inject("connection_reset", times=1)`; return its id."""
        return AppControls(self.admin, appkey).inject(fault, **fields)

    def use(self, scenario: str, *, appkey: str | None = None) -> None:
        """Switch one app, or all, to another scenario."""
        AppControls(self.admin, appkey).use(scenario)

    def reset(self, *, appkey: str | None = None) -> None:
        """Restore the initial state of one app and clear its journal, or of all apps, removing those created since."""
        AppControls(self.admin, appkey).reset()

    def run(self, on_ready: Callable[[str], object], sock: socket.socket | None = None) -> None:
        """Serve in this thread until SIGTERM or SIGINT, on `sock` or a new socket.

        Calls `on_ready` with the URL as soon as requests are accepted.
        """
        with ExitStack() as stack:
            if self._watcher:
                self._watcher.start()
                stack.callback(self._watcher.stop)
            stopped = threading.Event()
            loader = threading.Thread(target=self._load_when_idle, args=(stopped,), name="mockserver:loader")
            loader.start()
            stack.callback(loader.join)
            stack.callback(stopped.set)
            self._server.run(on_ready, sock)

    def run_workers(
        self, count: int, on_ready: Callable[[str], object], context: Callable[[], AbstractContextManager[object]]
    ) -> int:
        """Serve in `count` processes, each within a `context`, until SIGTERM or SIGINT. Return the exit status.

        They share the state in the store. Raises ConfigurationError if there is no shared store.
        """
        if self.engine.store.kind == "memory":
            raise ConfigurationError.at("--workers", TEXTS["needs_store"])

        def work(sock: socket.socket, ready: Callable[[], object]) -> None:
            with context():
                self.run(lambda url: ready(), sock)

        def reload() -> bool:
            try:
                self.engine.reload()
            except ConfigurationError as error:
                for problem in error.problems:
                    log.error("not restarted: %s", problem.show(self.engine.lang))
                return False
            return True

        # Forked processes share the memory of what is created before the fork.
        self._flask_app()
        # Forked processes open connections of their own.
        self.engine.store.close()
        supervisor = Supervisor(work, count, host=self._host, port=self._server.port, reload=reload)
        self._server.port = supervisor.port
        return supervisor.run(lambda: on_ready(self.url))

    def start(self) -> MockServer:
        """Start listening; return once requests are answered.

        Raises ConfigurationError if the port is in use, or if gevent or eventlet has replaced this process's threads.
        """
        self.engine.journal.open()
        self._server.start()
        self._process = os.getpid()
        if self._watcher:
            self._watcher.start()
        return self

    def stop(self) -> None:
        """Finish the requests in flight and close every connection; in a forked child, do nothing."""
        if self.is_inherited:
            return
        if self._watcher:
            self._watcher.stop()
        self._server.stop()
        self._process = 0

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _tls(host: str, settings: dict[str, Any]) -> TLS | None:
    """Return the TLS setup of the https settings. Raises ConfigurationError if they contradict each other."""
    cert, key, given = settings["tls_cert"], settings["tls_key"], settings["tls_name"]
    names = [name for text in ([given] if isinstance(given, str) else given) for name in text.split()]
    for wrong, option, name in (
        (settings["tls"] and (cert or key), "--tls", "two_certificates"),
        (key and not cert, "--tls-key", "key_without_certificate"),
        (names and not settings["tls"], "--tls-name", "name_without_tls"),
    ):
        if wrong:
            raise ConfigurationError.at(option, TEXTS[name])
    if cert:
        return TLS.from_files(cert, key)
    # The host is only compared here, not bound.
    wildcard = host in ("", "0.0.0.0", "::")  # nosec B104
    return TLS.throwaway(names if wildcard else (host, *names)) if settings["tls"] else None
