"""The world of a scenario: built when first needed, and cached until something that it depends on changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, TypeAlias

from mockserver.core.errors import Mistake
from mockserver.world.generated import GeneratedWorld, generated_world
from mockserver.world.recorded import RecordedWorld, depends_on_now, future_sessions, recorded_world

MAX_CACHED = 8
World: TypeAlias = GeneratedWorld | RecordedWorld
"""A call log. Both kinds have the same methods; spans are closed unless they say otherwise, in seconds since 1970."""


class WorldSource:
    """The world of a `world:` block, for any app and any now."""

    def __init__(self, spec: Mapping[str, Any], seed: int | None = None) -> None:
        self._spec, self._seed = spec, seed
        self._generated = spec["source"] == "generated"
        self._relative = not self._generated and depends_on_now(spec)
        self._per_app = self._generated and bool(spec.get("per_app"))
        self.undecided = frozenset[str](spec.get("undecided", ()))  # Readings that a recording does not decide.
        self._worlds: dict[object, World] = {}
        self._lock = threading.Lock()

    def check(self, now: int) -> Mistake | None:
        """Raise WorldError unless the block is valid; return a warning if it has sessions in the future.

        The world is not cached: most of them are never used.
        """
        world = self._build("", now)
        if "sessions" in self._spec and not self._relative:
            self._worlds["", 0] = world  # A file of sessions takes seconds to read.
        return None if self._generated else future_sessions(self._spec, now)

    def scope(self, appkey: str) -> str:
        """Return the appkey if each app has its own world, otherwise an empty string."""
        return appkey if self._per_app else ""

    def is_ready(self, appkey: str, now: int) -> bool:
        """Return whether `at` returns at once. A recorded world may have to be built first."""
        return self._generated or (self.scope(appkey), now if self._relative else 0) in self._worlds

    def at(self, appkey: str, now: int) -> World:
        """Return the world of an app; relative times are resolved at `now`."""
        key = (self.scope(appkey), now if self._relative else 0)
        world = self._worlds.get(key)
        if world is None:
            with self._lock:
                world = self._worlds.get(key) or self._build(appkey, now)
                while len(self._worlds) >= MAX_CACHED:
                    self._worlds.pop(next(iter(self._worlds)))
                self._worlds[key] = world
        return world

    def _build(self, appkey: str, now: int) -> World:
        if self._generated:
            return generated_world(self._spec, seed=self._seed, appkey=appkey)
        return recorded_world(self._spec, now)
