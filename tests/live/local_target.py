"""A `Target` that calls a backend in this process, with a clock that only moves by waiting and requests."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from helpers.engine_client import shipped_config
from live.second_backend import APP, Backend

from mockserver.contract.apps import Credentials
from mockserver.contract.readings import Value
from mockserver.core.clock import Clock
from mockserver.core.http import Request
from mockserver.engine.config import Config
from mockserver.engine.journal import Journal
from mockserver.engine.pipeline import Engine
from mockserver.engine.state import MemoryStore
from mockserver.live.recorder import Recorder
from mockserver.live.target import JSON_HEADERS, Target, TargetCredentials
from mockserver.live.verify import Focus, Result, examine

CREDENTIALS = TargetCredentials(Credentials(APP["appkey"], APP["appsecret"], APP["restapikey"]), APP["identifier"])
START = 1_793_001_600.25  # 2026-10-26 in the afternoon, UTC+8.
Handle = Callable[[str, str, str, Mapping[str, str], bytes], tuple[Any, ...]]
"""Takes method, path, query, headers and body; returns status, body and, if they are not those of JSON, headers."""


class Time:
    """A clock."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class _Answer:
    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] = JSON_HEADERS) -> None:
        self.status, self._body, self.headers = status, body, headers

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        yield self._body

    def release_conn(self) -> None:
        pass


class _Pool:
    def __init__(self, handle: Handle, time: Time) -> None:
        self._handle, self._time = handle, time

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str], **options: Any) -> _Answer:
        parts = urlsplit(url)
        self._time.now += 0.01
        return _Answer(*self._handle(method, parts.path, parts.query, headers, body))


def local_target(
    handle: Handle, time: Time, credentials: TargetCredentials = CREDENTIALS, max_requests: int | None = None
) -> Target:
    """Return a client of a backend that is a function."""
    target = Target(
        "http://target.example", credentials, max_requests=max_requests, clock=time, ticks=time, pause=time.pause
    )
    target._pool = _Pool(handle, time)  # type: ignore[assignment]
    return target


def examine_backend(
    readings: Mapping[str, Any] | None = None,
    *,
    defects: tuple[str, ...] = (),
    habits: tuple[str, ...] = (),
    codes: Mapping[str, int] | None = None,
    seed: int = 1,
    thorough: bool = False,
    expected: Mapping[str, Value] | None = None,
    max_requests: int = 0,
    day: str | None = None,
) -> tuple[Backend, Result, Target]:
    """Examine a second backend with these readings, error codes and defects."""
    time = Time()
    backend = Backend(
        readings or {}, codes=codes, defects=frozenset(defects), habits=frozenset(habits), clock=time, seed=seed
    )
    limit = max_requests or (300 if thorough else 200)
    target = local_target(backend.handle, time, max_requests=limit)
    config = shipped_config()
    result = examine(
        target, config.schemas, config.catalogue, focus=Focus(day=day), expected=expected, thorough=thorough
    )
    return backend, result, target


def examine_engine(
    config: Config,
    scenario: str,
    *,
    now: float = START,
    day: str | None = None,
    thorough: bool = False,
    time: Time | None = None,
    recorder: Recorder | None = None,
) -> Result:
    """Examine a mock server of this process, at a time or by a clock; with `recorder`, it records."""
    time = time or Time(now)
    app = next(iter(config.apps.values()))
    engine = Engine(lambda: config, MemoryStore(Clock(time), scenario), Journal(max_entries=1))
    engine.backend = recorder
    target = local_target(
        functools.partial(_handle, engine), time, TargetCredentials(app.credentials), 300 if thorough else 200
    )
    return examine(target, config.schemas, config.catalogue, focus=Focus(day=day), thorough=thorough)


def _handle(
    engine: Engine, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes, dict[str, str]]:
    lowered = {name.lower(): value for name, value in headers.items()}
    overlong = len(body) > 1_048_576
    request = Request(
        method, path, query, lowered, b"" if overlong else body, overlong=overlong, length=len(body) * overlong
    )
    response = engine.handle(request)
    return response.status, response.body, dict(response.headers)
