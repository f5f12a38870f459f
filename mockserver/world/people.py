"""The people behind the ids, and a Faker provider for call data; the only module that imports Faker.

Importing Faker takes longer than the rest of a request, so request code imports this module only when it is needed.
Every Faker is new and seeded by its key: the same key draws the same values in every thread and process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from faker import Faker
from faker.providers import BaseProvider

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.bounded_faker import BoundedFaker, BoundedRandom
from mockserver.world.demographics import CARRIERS
from mockserver.world.generated import GeneratedWorld, generated_world
from mockserver.world.random_numbers import subkey
from mockserver.world.sessions import Sessions
from mockserver.world.sources import World

LOCALE = "zh_CN"
_PREFIXES = {
    "中国移动": ("135", "136", "137", "138", "139", "150", "151", "158", "182", "187"),
    "中国电信": ("133", "153", "177", "180", "181", "189"),
    "中国联通": ("130", "131", "132", "155", "156", "185", "186"),
}
_LOOK_BACK = (3_600, DAY_SECONDS, 31 * DAY_SECONDS)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a generated world; the same in every process with the same seed and version of Faker."""

    user_id: str
    name: str
    phone: str
    carrier: str
    country: str
    province: str
    city: str


def person(world: GeneratedWorld, user_id: str) -> Person | None:
    """Return the person behind a UserId, or None if the id is unknown."""
    home = world.home_of(user_id)
    if home is None:
        return None
    fake = Faker(LOCALE)
    fake.seed_instance(subkey(world.key, "person", user_id))
    carrier = fake.random_element([name for name, share in CARRIERS for _ in range(share)])
    return Person(
        user_id=user_id,
        name=fake.name(),
        phone=fake.numerify(f"{fake.random_element(_PREFIXES[carrier])}########"),
        carrier=carrier,
        country=home.country,
        province=home.province,
        city=home.city,
    )


def make_faker(*key: str | int, world: World | None = None, now: int | None = None) -> BoundedFaker:
    """Return a new zh_CN Faker for one answer, seeded by `key`, with the call provider of `world` at `now`."""
    fake = Faker(LOCALE)
    fake.factories[0].random = BoundedRandom()
    fake.add_provider(CallProvider(fake.factories[0], world, now))
    fake.seed_instance(subkey(0, "fake", *key))
    return BoundedFaker(fake)


@lru_cache(maxsize=1)
def _default_world() -> World:
    return generated_world({})


class CallProvider(BaseProvider):
    """Call data for a Faker: `fake.add_provider(CallProvider)`. A server with the same world knows the ids.

    Every value comes from a call that ended in the last hour (or day, or month, if there was none) before `now`. The
    default is the default world at the end of the document's day, 2019-12-10; for another one use
    `CallProvider(fake.factories[0], world, now)`.
    """

    def __init__(self, generator: Any, world: World | None = None, now: int | None = None) -> None:
        super().__init__(generator)
        self._world = world
        self._now = parse_day("20191211") if now is None else now
        self._recent: Sessions | None = None

    def user_id(self) -> str:
        """The UserId of a user with a call."""
        return self._call_world.user_ids(self._draw().user)[0]

    def room_id(self) -> str:
        """The RoomId of a call."""
        return self._call_world.room_ids(self._draw().room)[0]

    def network_type(self) -> str:
        """A network type, as frequent as in calls."""
        return self._label("network")

    def country(self) -> str:
        """A country or region, as frequent as in calls."""
        return self._label("country")

    def province(self) -> str:
        """A province, as frequent as in calls."""
        return self._label("province")

    def city(self) -> str:
        """A city, as frequent as in calls."""
        return self._label("city")

    def carrier(self) -> str:
        """A mobile carrier, weighted by its share of subscribers."""
        return str(self.random_element([name for name, share in CARRIERS for _ in range(share)]))

    def call_seconds(self) -> int:
        """How long a user was in a call, in seconds."""
        row = self._draw()
        return int(row.leave[0] - row.enter[0])

    def audio_seconds(self) -> int:
        """The audio duration of a session, in seconds."""
        return int(self._draw().audio[0])

    def video_seconds(self) -> int:
        """The video duration of a session, in seconds; often 0."""
        return int(self._draw().video[0])

    def packet_loss(self) -> float:
        """The audio loss of a session in percent, with up to three decimals."""
        return int(self._draw().audio_loss[0]) / 1_000

    def delay_ms(self) -> float:
        """The audio delay of a session in milliseconds, with up to three decimals."""
        return int(self._draw().audio_delay[0]) / 1_000

    def stamp(self) -> str:
        """A time in the day before `now`, as the document writes timestamps."""
        return str(self._now - self.random_int(1, DAY_SECONDS))

    def stay(self) -> dict[str, Any]:
        """A row of §2.3.6 with consistent values."""
        row = self._draw()
        return {
            "UserId": self._call_world.user_ids(row.user)[0],
            "RoomId": self._call_world.room_ids(row.room)[0],
            "CreateTime": str(row.create[0]),
            "EnterTime": str(row.enter[0]),
            "LeaveTime": str(row.leave[0]),
            "AudioDuration": int(row.audio[0]),
            "VideoDuration": int(row.video[0]),
        }

    @property
    def _call_world(self) -> World:
        if self._world is None:
            self._world = _default_world()
        return self._world

    def _rows(self) -> Sessions:
        """The most recent calls that ended before `now`."""
        if self._recent is None:
            for seconds in _LOOK_BACK:
                rows = self._call_world.sessions_between(self._now - seconds, self._now)
                self._recent = rows.take(np.flatnonzero(rows.leave < self._now))
                if len(self._recent):
                    break
        if self._recent is None or not len(self._recent):
            raise LookupError("this world had no call in the month before now")
        return self._recent

    def _draw(self) -> Sessions:
        rows = self._rows()
        index = self.random_int(0, len(rows) - 1)
        return rows.take(slice(index, index + 1))

    def _label(self, dimension: str) -> str:
        code = int(getattr(self._draw(), dimension)[0])
        return self._call_world.labels(dimension)[code]
