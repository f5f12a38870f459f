"""The people behind the ids, and a Faker provider for call data: the only room that knows Faker.

Importing it costs what importing Faker costs, so nothing that answers a request imports it before it must. A
Faker is made afresh for each key and never shared: the same key draws the same in every thread and process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from faker import Faker
from faker.providers import BaseProvider

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.generated import GeneratedWorld, generated_world
from mockserver.world.places import CARRIERS
from mockserver.world.prf import subkey
from mockserver.world.stays import Stays, World

LOCALE = "zh_CN"
_PREFIXES = {
    "中国移动": ("135", "136", "137", "138", "139", "150", "151", "158", "182", "187"),
    "中国电信": ("133", "153", "177", "180", "181", "189"),
    "中国联通": ("130", "131", "132", "155", "156", "185", "186"),
}
_LOOK_BACK = (3_600, DAY_SECONDS, 31 * DAY_SECONDS)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a generated world: the same in every process under the same seed and the same Faker."""

    user_id: str
    name: str
    phone: str
    carrier: str
    country: str
    province: str
    city: str


def person(world: GeneratedWorld, user_id: str) -> Person | None:
    """The person behind a UserId; None when the world does not know the id."""
    home = world.home(user_id)
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


def fake_for(*key: str | int, world: World | None = None, now: int | None = None) -> Faker:
    """A zh_CN Faker of its own with the call provider of `world` at `now`, seeded by the key alone."""
    fake = Faker(LOCALE)
    fake.add_provider(CallProvider(fake.factories[0], world, now))
    fake.seed_instance(subkey(0, "fake", *key))
    return fake


@lru_cache(maxsize=1)
def _default_world() -> World:
    return generated_world({})


class CallProvider(BaseProvider):
    """Call data for a Faker: `fake.add_provider(CallProvider)`; a server knows its ids.

    Every value comes from a call that ended in the last hour (or day, or month, when there was none) before
    `now`. By itself it speaks of the default world at the end of the document's day, 2019-12-10;
    `CallProvider(fake.factories[0], world, now)` speaks of another.
    """

    def __init__(self, generator: Any, world: World | None = None, now: int | None = None) -> None:
        super().__init__(generator)
        self._world = world
        self._now = parse_day("20191211") if now is None else now
        self._recent: Stays | None = None

    def user_id(self) -> str:
        """The UserId of somebody with a call."""
        return self._calls.user_ids(self._draw().user)[0]

    def room_id(self) -> str:
        """The RoomId of a call."""
        return self._calls.room_ids(self._draw().room)[0]

    def network_type(self) -> str:
        """A network type, as often as calls use it."""
        return self._label("network")

    def country(self) -> str:
        """A country or region, as often as calls come from it."""
        return self._label("country")

    def province(self) -> str:
        """A province, as often as calls come from it."""
        return self._label("province")

    def city(self) -> str:
        """A city, as often as calls come from it."""
        return self._label("city")

    def carrier(self) -> str:
        """A mobile carrier by its share of subscribers."""
        return str(self.random_element([name for name, share in CARRIERS for _ in range(share)]))

    def call_seconds(self) -> int:
        """How long somebody stayed in a call, seconds."""
        row = self._draw()
        return int(row.leave[0] - row.enter[0])

    def audio_seconds(self) -> int:
        """The audio stream of a stay, seconds."""
        return int(self._draw().audio[0])

    def video_seconds(self) -> int:
        """The video stream of a stay, seconds; 0 for many."""
        return int(self._draw().video[0])

    def packet_loss(self) -> float:
        """The audio loss of a stay, percent with up to three decimals."""
        return int(self._draw().audio_loss[0]) / 1_000

    def delay_ms(self) -> float:
        """The audio delay of a stay, milliseconds with up to three decimals."""
        return int(self._draw().audio_delay[0]) / 1_000

    def stamp(self) -> str:
        """A second of the day before `now`, as the document writes stamps."""
        return str(self._now - self.random_int(1, DAY_SECONDS))

    def stay(self) -> dict[str, Any]:
        """A whole row of §2.3.6 whose values belong together."""
        row = self._draw()
        return {
            "UserId": self._calls.user_ids(row.user)[0],
            "RoomId": self._calls.room_ids(row.room)[0],
            "CreateTime": str(row.create[0]),
            "EnterTime": str(row.enter[0]),
            "LeaveTime": str(row.leave[0]),
            "AudioDuration": int(row.audio[0]),
            "VideoDuration": int(row.video[0]),
        }

    @property
    def _calls(self) -> World:
        if self._world is None:
            self._world = _default_world()
        return self._world

    def _rows(self) -> Stays:
        """Calls that ended before `now`, the latest there are."""
        if self._recent is None:
            for seconds in _LOOK_BACK:
                rows = self._calls.stays_between(self._now - seconds, self._now)
                self._recent = rows.take(np.flatnonzero(rows.leave < self._now))
                if len(self._recent):
                    break
        if self._recent is None or not len(self._recent):
            raise LookupError("this world had no call in the month before now")
        return self._recent

    def _draw(self) -> Stays:
        rows = self._rows()
        at = self.random_int(0, len(rows) - 1)
        return rows.take(slice(at, at + 1))

    def _label(self, dimension: str) -> str:
        code = int(getattr(self._draw(), dimension)[0])
        return self._calls.labels(dimension)[code]
