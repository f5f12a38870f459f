"""The building blocks of admin resources: the route row, the parsed request, and the context that handlers act on."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import flask

from mockserver.core.errors import AdminError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang, Text
from mockserver.engine.pipeline import Engine
from mockserver.engine.state import AppState, MemoryStore
from mockserver.server.guard import admin_error
from mockserver.server.wsgi import OVERLONG, TRANSPORT, WAIT, WAITED
from mockserver.validation.json_body import find_encoding

Json = dict[str, Any]
MAX_BODY_BYTES = 1_048_576


@dataclass(frozen=True)
class AdminRequest:
    """A parsed admin request. Without an appkey it concerns all apps."""

    appkey: str | None = None
    path: Mapping[str, str] = field(default_factory=dict)  # The variables of the route's path.
    query: Mapping[str, str] = field(default_factory=dict)  # The query parameters other than `appkey`.
    body: Mapping[str, Any] = field(default_factory=dict)
    environ: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def can_suspend(self) -> bool:
        """Whether `suspend` is possible: only on our transport, and once per request."""
        return TRANSPORT in self.environ and not self.waited

    @property
    def waited(self) -> bool:
        """Whether the handler is called again after `suspend`."""
        return WAITED in self.environ

    def suspend(self, future: Future[None], seconds: float, after: Callable[[], object]) -> None:
        """Wait without a thread: the handler is called again when the future is done or `seconds` have passed."""
        self.environ[WAIT] = future, seconds, after

    def fields(self, **types: tuple[type, ...]) -> Json:
        """Return the fields of the body. Raises AdminError for an unknown field or a value of another type.

        Without types the body must be empty.
        """
        for name, value in self.body.items():
            if name not in types:
                raise AdminError(422, "unknown_field", unknown("field", name, types))
            if (isinstance(value, bool) and bool not in types[name]) or not isinstance(value, types[name]):
                allowed = " or ".join(kind.__name__ for kind in types[name])
                raise admin_error("invalid_field.type", name=name, types=allowed)
        return dict(self.body)


@dataclass(frozen=True, slots=True)
class AdminContext:
    """What admin handlers act on: the running engine, and the responses that the transport delays."""

    engine: Engine
    release: Callable[[str | None], int] = lambda appkey: 0
    """Ends the delays and hangs of one app, or of all apps for None. Returns their number."""
    public_url: str | None = None  # The URL under which clients reach the server, if it is behind a reverse proxy.
    warnings: dict[Text, None] = field(default_factory=dict)
    """Warnings about configurations in which the server works but its results are unreliable."""

    @property
    def lang(self) -> Lang:
        """The language of messages and descriptions."""
        return self.engine.lang

    @property
    def appkeys(self) -> list[str]:
        """The keys of all registered apps, those of apps.yaml first."""
        return [*self.engine.config.apps, *list(self.engine.apps)]

    def warn(self, text: Text) -> bool:
        """Add a warning. Return whether it is new."""
        before = len(self.warnings)
        self.warnings[text] = None
        return len(self.warnings) > before

    def state(self, appkey: str) -> AppState:
        """Return the state of a registered app. Raises AdminError 404 for any other."""
        if self.engine.app(appkey) is None:
            raise self.unknown_app(appkey)
        state = self.engine.store.app(appkey)
        with self.engine.changing:
            # Scenario faults can be listed and removed before the app's first request.
            state.install_faults(self.engine.config.scenarios[state.scenario].faults)
        return state

    def states(self, appkey: str | None) -> list[AppState]:
        """Return the state of one app, or of all apps including those that have not called yet."""
        if appkey is not None:
            return [self.state(appkey)]
        registered = [self.state(key) for key in self.appkeys]
        return [*registered, *(state for state in self.engine.store.states() if state not in registered)]

    def scope(self, appkey: str | None) -> MemoryStore | AppState:
        """Return the object with scenario, readings, answers and clock: the app's state, or the store for all apps."""
        return self.engine.store if appkey is None else self.state(appkey)

    def unknown_app(self, appkey: str) -> AdminError:
        """Return the 404 for an app that is not registered."""
        return AdminError(404, "unknown_appkey", unknown("app", appkey, self.appkeys))


Handler: TypeAlias = Callable[[AdminContext, AdminRequest], Json | bytes | flask.Response]
"""Returns JSON, as a mapping or encoded already, or a whole response."""
Registered = TypeVar("Registered", bound=Handler)


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the admin API: method and path below the prefix, handler, and help text."""

    method: str
    path: str
    handler: Handler
    text: Text  # The help text.
    status: int = 200
    query: tuple[str, ...] | None = ()  # Query parameters beside `appkey`; None if the handler checks them itself.
    probe: str = ""  # The key of the answer that is returned to a probe without the token.


NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of responses that browsers must neither store nor interpret as another type."""


class Routes(list[Route]):
    """The routes of one module of admin resources."""

    def add(
        self, method: str, path: str, zh: str, *, status: int = 200, query: tuple[str, ...] | None = (), probe: str = ""
    ) -> Callable[[Registered], Registered]:
        """Register the decorated handler. The first paragraph of its docstring is the English help text."""

        def register(handler: Registered) -> Registered:
            summary = (inspect.getdoc(handler) or "").partition("\n\n")[0]
            en = " ".join(summary.split()).removesuffix(".")
            self.append(Route(method, path, handler, Text(en, zh), status, query, probe))
            return handler

        return register


def parse_request(incoming: flask.Request, route: Route, path: Mapping[str, str]) -> AdminRequest:
    """Parse query and body. Raises AdminError for unknown or repeated parameters.

    Otherwise a misspelt `appkey` would mean all apps.
    """
    known = None if route.query is None else ("appkey", *route.query)
    for name, values in incoming.args.lists():
        if len(values) > 1:
            raise admin_error("invalid_parameter.repeated", name=name, count=len(values))
        if known is not None and name not in known:
            raise AdminError(422, "invalid_parameter", unknown("parameter", name, known))
    query = incoming.args.to_dict()
    return AdminRequest(query.pop("appkey", None), path, query, _parse_body(incoming), incoming.environ)


def _parse_body(incoming: flask.Request) -> Json:
    if incoming.method in ("GET", "HEAD", "DELETE"):
        return {}
    raw = incoming.stream.read(MAX_BODY_BYTES + 1)
    # Our transport passes on an empty body if the body exceeds the transport's own limit.
    if len(raw) > MAX_BODY_BYTES or incoming.environ.get(OVERLONG):
        raise admin_error("body_too_large")
    try:
        body = json.loads(
            raw or b"{}", parse_constant=_finite_float, parse_float=_finite_float, object_pairs_hook=_unique_keys
        )
    except (ValueError, RecursionError):
        encoding = find_encoding(raw)
        raise admin_error(
            "malformed_json.encoded" if encoding else "malformed_json.no_json", encoding=encoding
        ) from None
    if not isinstance(body, dict):
        raise admin_error("malformed_json.no_object")
    return body


def _finite_float(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(f"{literal} is not a number of JSON")
    return number


def _unique_keys(pairs: list[tuple[str, Any]]) -> Json:
    if len(unique := dict(pairs)) < len(pairs):
        raise ValueError("duplicate key")
    return unique
