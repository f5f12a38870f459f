"""A mock server in this process, for tests and notebooks: `with MockServer(scenario="document") as mock: mock.url`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from mockserver.contract.envelope import encode_json, failure
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.snapshots import take_snapshot
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.build import make_engine, resolve_settings
from mockserver.engine.pipeline import Engine
from mockserver.server.api import APPKEY
from mockserver.server.app import build_app
from mockserver.server.guard import Guard, is_loopback
from mockserver.server.server import Server
from mockserver.server.tls import TLS
from mockserver.server.watching import Watcher
from mockserver.testing.admin_client import Admin
from mockserver.testing.app import MockApp


class _Inside(Admin):
    """The admin API of a server in this process: the same questions and answers, without a socket."""

    def __init__(self, url: str, token: str | None, app: Any) -> None:
        super().__init__(url, token)
        self._app = app

    def _exchange(self, method: str, target: str, content: bytes | None) -> tuple[int, bytes]:
        headers = self._headers(writes=content is not None)
        with self._app.test_client(use_cookies=False) as client:
            answer = client.open(target, method=method, base_url=self.url, data=content, headers=headers)
            return answer.status_code, answer.data


class MockServer:
    """A mock server on a port of this machine, from `start` (or `with`) to `stop`.

    Takes the settings of `mockserver settings`; port 0 finds a free one, and files are watched only when `reload` is
    asked for. ConfigurationError tells what is wrong.
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
        chosen = resolve_settings(settings)
        _refuse_open_door(host, chosen["admin_token"])
        tls = _tls(host, chosen)
        self.ca_file: Path | None = tls.ca_file if tls else None
        """The CA to trust, where the certificate was made for this run."""
        user = Path(chosen["fixtures"]) if chosen["fixtures"] else None
        seen = take_snapshot(user) if reload else None
        self.engine: Engine = make_engine(scenario=scenario, **settings)
        self._watcher = Watcher(self.engine, user, seen) if seen else None
        self._token: str | None = settings.get("admin_token")
        guard = Guard.for_host(host, self._token)
        self._app = build_app(self.engine, release=self._release, guard=guard)
        journal = self.engine.journal
        self._server = Server(
            self._app, host=host, port=port, tls=tls, envelope=self._envelope, on_stop=journal.close
        )

    def _release(self, appkey: str | None) -> int:
        if appkey is None:
            return self._server.release()
        return self._server.release(lambda environ: environ.get(APPKEY) == appkey)

    def _envelope(self, error: str, text: Text) -> bytes:
        """What the transport refuses is told like everything else: by the catalogue, in the chosen language."""
        row = self.engine.config.catalogue[error]
        return encode_json(failure(row.code, text.to(self.engine.lang)))

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, or https, without a slash at the end."""
        return self._server.url

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def admin(self) -> Admin:
        """The admin API, asked without a socket: it works before the start, with a token and over https, too."""
        return _Inside(self.url, self._token, self._app)

    def app(self, appkey: str | None = None) -> MockApp:
        """A registered app, the first one unless told otherwise; AdminError when there is none of that name."""
        known = {**self.engine.config.apps, **self.engine.apps}
        app = next(iter(known.values())) if appkey is None else known.get(appkey)
        if app is None:
            raise AdminError(404, "unknown_appkey", unknown("app", appkey, known))
        return MockApp(self.admin, app.credentials)

    def new_app(self) -> MockApp:
        """A fresh app with credentials, scenario, faults, clock and journal of its own: what a test of the plugin gets."""
        return MockApp.fresh(self.admin)

    def inject(self, fault: str, *, appkey: str | None = None, **fields: Any) -> str:
        """Put a fault to work on one app, or on all: `inject("connection_reset", times=1)`; gives its id."""
        return str(self.admin.send("POST", "faults", {"fault": fault, **fields}, appkey=appkey)["id"])

    def use(self, scenario: str, *, appkey: str | None = None) -> None:
        """Let another scenario answer one app, or all."""
        self.admin.send("PUT", "scenario", {"name": scenario}, appkey=appkey)

    def reset(self, *, appkey: str | None = None) -> None:
        """Scenario, clock, faults, answers and journal of one app, or of all, as at the start."""
        self.admin.send("POST", "reset", appkey=appkey)

    def run(self, on_ready: Callable[[str], object]) -> None:
        """Listen in this thread until SIGTERM or SIGINT; `on_ready` gets the URL."""
        with ExitStack() as stack:
            if self._watcher:
                stack.enter_context(self._watcher)
            self._server.run(on_ready)

    def start(self) -> MockServer:
        """Listen; returns once the first request can be answered."""
        self.engine.journal.open()
        self._server.start()
        if self._watcher:
            self._watcher.start()
        return self

    def stop(self) -> None:
        """Finish the requests in flight and close every connection."""
        if self._watcher:
            self._watcher.stop()
        self._server.stop()

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _refuse_open_door(host: str, token: str | None) -> None:
    """Off loopback the admin API is anybody's: only with a token."""
    if not is_loopback(host) and not token:
        text = Text(
            f"{host} can be reached from other machines: add --admin-token TOKEN",
            f"{host} 可从其他机器访问：请加 --admin-token TOKEN",
        )
        raise ConfigurationError.at("--host", text)


def _tls(host: str, chosen: dict[str, Any]) -> TLS | None:
    """What the three settings about https come to; ConfigurationError when they contradict each other."""
    cert, key = chosen["tls_cert"], chosen["tls_key"]
    if chosen["tls"] and (cert or key):
        text = Text(
            "makes a certificate of its own: leave out --tls-cert and --tls-key, or --tls",
            "会自动生成证书：请去掉 --tls-cert 和 --tls-key，或去掉 --tls",
        )
        raise ConfigurationError.at("--tls", text)
    if key and not cert:
        text = Text("is the key of a certificate: add --tls-cert FILE", "是证书的私钥：请加 --tls-cert FILE")
        raise ConfigurationError.at("--tls-key", text)
    if cert:
        return TLS.from_files(cert, key)
    # Compared, not bound.
    wildcard = host in ("", "0.0.0.0", "::")  # nosec B104
    return TLS.throwaway(() if wildcard else (host,)) if chosen["tls"] else None
