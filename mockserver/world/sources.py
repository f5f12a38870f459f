"""Where a scenario's world comes from: made when first needed, kept while nothing it depends on has changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from mockserver.world.generated import generated_world
from mockserver.world.recorded import depends_on_now, recorded_world
from mockserver.world.stays import World

MOST_KEPT = 8


class WorldSource:
    """The world of a `world:` block, for any app and any now."""

    def __init__(self, spec: Mapping[str, Any], seed: int | None = None) -> None:
        generated = spec["source"] == "generated"
        self.spec = {**spec, "seed": seed} if generated and seed is not None else spec
        self._generated = generated
        self._moves = not generated and depends_on_now(spec)
        self._per_app = generated and bool(spec.get("per_app"))
        self._kept: dict[object, World] = {}
        self._lock = threading.Lock()

    def check(self, now: int) -> None:
        """SpecError unless a world can be made of the block; most of them are never asked anything, so none is kept."""
        self._make("", now)

    def scope(self, appkey: str) -> str:
        """The appkey where every app has a world of its own, otherwise the same for all."""
        return appkey if self._per_app else ""

    def at(self, appkey: str, now: int) -> World:
        """The world of an app; one with relative moments is the world as it is at `now`."""
        key = (self.scope(appkey), now if self._moves else 0)
        world = self._kept.get(key)
        if world is None:
            with self._lock:
                world = self._kept.get(key) or self._make(appkey, now)
                while len(self._kept) >= MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = world
        return world

    def _make(self, appkey: str, now: int) -> World:
        if self._generated:
            return generated_world(self.spec, appkey=appkey)
        return recorded_world(self.spec, now)
