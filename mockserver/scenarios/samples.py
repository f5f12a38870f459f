"""Sample bodies that a scenario answers with data, for the console and the command line."""

from __future__ import annotations

import contextlib
from typing import Any

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.schemas import Schemas
from mockserver.core.clock import show_time, start_of_day
from mockserver.world.recorded import RecordedWorld
from mockserver.world.sessions import WorldError
from mockserver.world.sources import World, WorldSource

_MAX_SPAN = 3_600  # Seconds of a query; a real backend may refuse longer ones.


def sample_bodies(schemas: Schemas, source: WorldSource, appkey: str, now: int) -> dict[str, dict[str, Any]]:
    """Return the document's samples by operation, with ids and times of another call if the world lacks their user."""
    bodies = {name: schemas.request(name).schema["examples"][0] for name in OPERATIONS}
    known: dict[str, str] = {}
    # A world of relative times may be impossible at some hours.
    with contextlib.suppress(WorldError):
        world = source.at(appkey, now)
        if not world.has_user(bodies["query_instance_all_records_by_time"]["UserId"]):
            known = _first_call(world, now)
    return {name: {field: known.get(field, body[field]) for field in body} for name, body in bodies.items()}


def _first_call(world: World, now: int) -> dict[str, str]:
    """Return the fields that find the first recorded call, or one generated at noon yesterday; empty without a call."""
    noon = start_of_day(now) - 12 * 3_600
    found = world.sessions_between(*((0, now) if isinstance(world, RecordedWorld) else (noon, noon + 600)))
    if not len(found):
        return {}
    index = int(found.enter.argmin())
    first = found.take(slice(index, index + 1))
    enter, leave = int(first.enter[0]), int(first.leave[0])
    return {
        "UserId": world.user_ids(first.user)[0],
        "RoomId": world.room_ids(first.room)[0],
        "BeginTime": str(enter),
        "EndTime": str(min(leave, enter + _MAX_SPAN, now)),
        "QueryDate": show_time(enter)[:10].replace("-", ""),
    }
