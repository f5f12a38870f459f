"""The state of one mock server in Redis, shared by any number of processes and hosts.

A `RedisStore` is a `MemoryStore` that follows the documents in Redis: one for all apps, and one for each app with
different settings. Every change has a version. Redis accepts the journal entry of a request only if it was handled with
the latest documents; otherwise the request is handled again, under the same id. Thus a change applies to every request
that starts after it, and a request without claims waits for Redis only once, when its entry is added. Decisions for all
processes (`Claims`, `FaultCounts`) are made by Redis, once per request id.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.contract.apps import App
from mockserver.contract.readings import Value
from mockserver.core.addresses import StoreAddress
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError
from mockserver.core.http import Response
from mockserver.core.machine_time import machine_time, monotonic
from mockserver.core.text import Text
from mockserver.engine.config import message
from mockserver.engine.redis_connection import Script, StoreRefused, texts
from mockserver.engine.redis_lane import Lane
from mockserver.engine.redis_state import RedisAppState, dump_shared, dump_state, follow_files, load_app, load_shared
from mockserver.engine.state import MemoryStore, StoreUnavailable, T

if TYPE_CHECKING:
    import asyncio

    from mockserver.engine.pipeline import Engine

log = logging.getLogger("mockserver")

SCRIPT = Script(Path(__file__).with_name("redis_store.lua").read_text(encoding="utf-8"))
ALL = "*"  # The scope of the document for all apps.
_MAX_ATTEMPTS = 100  # Maximum attempts at a request or change, each overtaken by another change.
_CLAIM_SECONDS = 30 * 86_400  # Lifetime of the claims of an app of the configuration after its last request.
_FOLLOW_SECONDS = 0.5


class Stale(Exception):
    """The request was handled with outdated documents."""


@dataclass(slots=True)
class _Run:
    """One request."""

    number: int
    id: str
    version: int = -1  # The version of the documents with which it is handled.


_RUN: ContextVar[_Run | None] = ContextVar("run", default=None)


class RedisStore(MemoryStore):
    """The states of all apps in Redis."""

    kind = "redis"

    def __init__(
        self,
        clock: Clock,
        scenario: str,
        *,
        address: StoreAddress,
        prefix: str,
        seed: int,
        app_ttl: float,
        overrides: dict[str, Value],
    ) -> None:
        super().__init__(clock, scenario, seed=seed, app_ttl=app_ttl)
        self.prefix = prefix
        self.requests, self._admin = Lane(address, [SCRIPT]), Lane(address, [SCRIPT])
        self.run = self.requests.run
        self.overrides = overrides
        """The readings for all scenarios. The engine loads the files with this object."""
        self._first_overrides = dict(overrides)
        self.files = ""  # Changes with every announced reload.
        self.releases: list[tuple[str, str | None]] = []  # The last releases of delays: random id, app or None.
        self.tokens = (secrets.token_hex(6), secrets.token_hex(6))
        """The tokens of apps without a document; see `RedisClaims`."""
        self.new_token: Callable[[], str] = partial(secrets.token_hex, 6)
        self.engine: Engine | None = None  # The documents refer to its configuration.
        self._version = -1
        self._documents: dict[str, str] = {}
        self._applying = threading.RLock()
        self._writing = threading.RLock()
        self._process = (0, "")
        self._timer: asyncio.TimerHandle | None = None
        self._last_expiry = 0.0

    def bind(self, engine: Engine) -> None:
        """Set the engine whose configuration the documents refer to."""
        self.engine = engine

    def join(self) -> bool:
        """Adopt the state in Redis, or create it. Return whether it differs. Do nothing while Redis is unavailable."""
        with self._applying:
            first = self._dump()[ALL]
        try:
            self.refresh()
        except StoreRefused as error:
            raise ConfigurationError.at("--store", error.text) from None
        except StoreUnavailable:
            return False
        return self._documents[ALL] != first

    def open(self, loop: asyncio.AbstractEventLoop) -> Callable[[Callable[[], object]], None]:
        """Connect in the event loop that handles requests. Return the function that runs a request that may wait."""
        self.requests.open(loop)
        self._follow(loop)
        return self.requests.spawn

    def close(self) -> None:
        """End the connections."""
        if self._timer is not None:
            self._timer.cancel()
        self.requests.close()
        self._admin.close()

    @property
    def problem(self) -> Text | None:
        """The reason why the state cannot be read or written; None while it can."""
        try:
            self._admin.call("PING")
        except StoreUnavailable as error:
            return error.text
        return None

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Regularly apply changes, even without requests, and remove expired apps."""

        def follow() -> None:
            with contextlib.suppress(StoreUnavailable):
                self.refresh()
                if monotonic() - self._last_expiry > min(60.0, self.app_ttl / 4):
                    self._last_expiry = monotonic()
                    self.expired_apps()

        self.requests.spawn(follow)
        self._timer = loop.call_later(_FOLLOW_SECONDS, self._follow, loop)

    def call(self, function: str, *arguments: Any) -> Any:
        """Return the result of a function of the script."""
        return self.command(*SCRIPT.command(self.prefix, function, *arguments))

    def command(self, *command: Any) -> Any:
        """Return the reply to a command: in a request without blocking others, elsewhere over a separate connection."""
        return (self._admin if self.requests.request is None else self.requests).call(*command)

    def claim(self, appkey: str, name: str, kind: str, key: str, *arguments: Any) -> Any:
        """Return the decision of Redis, made once per request and `name`. Raise Stale if a document has changed."""
        run = _RUN.get()
        version, request = (run.version, run.id) if run else (self._version, secrets.token_hex(8))
        seconds = int(self.app_ttl) + 1 if appkey in self.apps else _CLAIM_SECONDS
        result = self.call("claim", appkey, version, f"{request}:{name}", seconds, kind, key, *arguments)
        if result is None:
            raise Stale
        return result

    @property
    def request_version(self) -> int:
        """The version of the documents with which the current request is handled."""
        run = _RUN.get()
        return run.version if run else self._version

    def answer(self, handle: Callable[[], Response]) -> Response:
        """Return the result of `handle` for one request; call it again while documents change."""
        assert self.engine is not None
        number = next(self._request_numbers)
        if self._process[0] != os.getpid():
            self._process = os.getpid(), secrets.token_hex(5)
        run = _Run(number, f"{self._process[1]}-{number:08d}")
        token = _RUN.set(run)
        try:
            for _ in range(_MAX_ATTEMPTS):
                if self._version < 0:
                    self.refresh()
                run.version = self._version
                try:
                    return handle()
                except Stale:
                    self.refresh()
            raise StoreUnavailable(message("too_busy"))
        except StoreUnavailable as error:
            return self.engine.busy(error.text)
        finally:
            _RUN.reset(token)

    def read(self, act: Callable[[], T]) -> T:
        """Return the result of an administrative action on the latest state."""
        self.refresh()
        return act()

    def change(self, act: Callable[[], T]) -> T:
        """Return the result of `act` after writing its changes to Redis. Raise StoreUnavailable if that fails."""
        with self._writing:
            for _ in range(_MAX_ATTEMPTS):
                self.refresh()
                version = self._version
                try:
                    result = act()
                    if self._commit(version):
                        return result
                except BaseException:
                    # The next refresh discards the changes made here.
                    self._version = -1
                    raise
                self._version = -1
            raise StoreUnavailable(message("too_busy"))

    def release(self, appkey: str | None) -> int:
        """End the delays of the responses to an app, or to all for None, in every process."""
        self.releases = [*self.releases[-9:], (secrets.token_hex(6), appkey)]
        return super().release(appkey)

    def announce_reload(self) -> None:
        """Make the other processes read their files again before their next request."""
        self.files = secrets.token_hex(6)

    def request_id(self) -> tuple[int, str]:
        """Return the number of the current request in this process, and its id."""
        run = _RUN.get()
        return (run.number, run.id) if run else (0, "")

    def answer_id(self) -> str:
        """Return the id of a new answer."""
        return f"given-{self.command('INCR', self.prefix + 'answers')}"

    def expired_apps(self) -> list[str]:
        """Remove in Redis the apps that have not been used for `app_ttl` seconds."""
        with contextlib.suppress(StoreUnavailable):
            if self.call("expire", f"{machine_time() - self.app_ttl:.3f}"):
                self.refresh()
        return []

    def use_app(self, appkey: str) -> App | None:
        """Return an app created at run time. Its journal entries show that it is used."""
        return self.apps.get(appkey)

    def use_scenario(self, scenario: str) -> None:
        """Change the scenario of all apps, present and future."""
        with self._same_tokens():
            super().use_scenario(scenario)
            self.tokens = self.tokens[0], self.new_token()

    def reset(self) -> None:
        """Restore the initial state."""
        with self._same_tokens():
            super().reset()
            self.overrides |= self._first_overrides
            self.tokens = self.new_token(), self.new_token()

    @contextlib.contextmanager
    def _same_tokens(self) -> Any:
        """Give all apps the same tokens, so that those without a document need none."""
        token, before = secrets.token_hex(6), self.new_token
        self.new_token = lambda: token
        try:
            yield
        finally:
            self.new_token = before

    def refresh(self) -> None:
        """Apply the changes in Redis."""
        have, reply = self._version, self.call("read", self._version)
        if not reply:
            with self._applying:
                first = self._dump()[ALL]
            self.call("create", first, int(machine_time() * 1e6), secrets.token_hex(16))
            have = self._version = -1
            reply = self.call("read", have)
        version, scopes, changed = int(reply[0]), texts(reply[1]), texts(reply[2])
        documents = dict(zip(changed[::2], changed[1::2], strict=True))
        if version < have:  # An older state was restored.
            self._version = -1
            return self.refresh()
        follow_files(self, {scope: json.loads(text) for scope, text in documents.items() if text})
        with self._applying:
            if have <= self._version < version:
                self._apply(set(scopes), documents)
                self._version = version

    def _apply(self, scopes: set[str], changed: dict[str, str]) -> None:
        if ALL in changed:
            load_shared(self, json.loads(changed[ALL]))
        self._documents = {
            scope: text for scope, text in (self._documents | changed).items() if scope in scopes and text
        }
        for scope, text in changed.items():
            if scope != ALL and text:
                self._states[scope] = load_app(self, scope, json.loads(text), self._states.get(scope))
        for appkey in self.apps.keys() - self._documents.keys():
            self.apps.pop(appkey, None)
        if ALL in changed or len(self._states) > len(self._documents):
            self._states = {appkey: state for appkey, state in self._states.items() if appkey in self._documents}

    def _commit(self, version: int) -> bool:
        """Write the changed documents. Return False if another process changed them first."""
        with self._applying:
            new = self._dump()
        changed = {scope: text for scope, text in new.items() if text != self._documents.get(scope)}
        changed |= dict.fromkeys(self._documents.keys() - new.keys(), "")
        if not changed:
            return True
        if any((scope in self._documents) != (scope in new) for scope in changed):
            # This also affects requests of apps that were unknown before.
            changed[ALL] = new[ALL]
        rows = [part for scope, text in changed.items() for part in (scope, text, int(scope in self.apps))]
        written = int(self.call("write", secrets.token_hex(8), version, f"{machine_time():.3f}", *rows))
        if not written:
            return False
        with self._applying:
            self._documents = new
            if ALL in changed:
                self._states = {appkey: state for appkey, state in self._states.items() if appkey in new}
            if self._version == version and written == version + 1:
                self._version = written
        return True

    def _dump(self) -> dict[str, str]:
        """Return the documents of the current state."""
        plain = self._create("")
        default = dump_state(plain, None)
        documents = {ALL: dump_shared(self)}
        for appkey in {*self._states, *self.apps}:
            made = self.apps.get(appkey)
            document = dump_state(self._states.get(appkey) or plain, made)
            if made or document != default:
                documents[appkey] = document
        return documents

    def new_state(self, appkey: str, scenario: str) -> RedisAppState:
        """Return the initial state of an app."""
        return RedisAppState(self, appkey, Clock(self.clock.now), scenario, self._seed)
