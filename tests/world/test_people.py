"""The people behind the ids, and the Faker provider for call data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from faker import Faker

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.demographics import CARRIERS, NETWORKS
from mockserver.world.generated import GeneratedWorld, generated_world
from mockserver.world.people import CallProvider, Person, make_faker, person

ROOT = Path(__file__).parents[2]
NOW = parse_day("20200603") + 15 * 3_600
PLAIN = ("network_type", "country", "province", "city", "carrier", "call_seconds", "audio_seconds",
         "video_seconds", "packet_loss", "delay_ms", "stamp", "user_id", "room_id")  # fmt: skip


@pytest.fixture(scope="module")
def world() -> GeneratedWorld:
    return generated_world({"seed": 42})


def run(code: str, **environment: str) -> str:
    """Return what another process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


class TestPerson:
    """Every user has a name, a phone number, a carrier and a home."""

    def test_a_person_is_stable(self, world):
        """The same seed and id give the same person, also in another world object."""
        ids = world.user_ids(np.arange(5))
        again = generated_world({"seed": 42})
        people = [person(world, user) for user in ids]
        assert people == [person(again, user) for user in reversed(ids)][::-1]
        assert len({someone.name for someone in people}) > 3

    def test_a_person_lives_where_the_calls_come_from(self, world):
        """The home is the city of most of the person's calls, and the phone number is one of the carrier's."""
        user = world.user_ids(np.array([17]))[0]
        someone = person(world, user)
        assert isinstance(someone, Person)
        rows = world.sessions_of_user(user, NOW - 30 * DAY_SECONDS, NOW)
        cities = Counter(world.labels("city")[code] for code in rows.city.tolist())
        assert cities.most_common(1)[0][0] == someone.city
        assert someone.carrier in dict(CARRIERS)
        assert len(someone.phone) == 11
        assert someone.phone.isdigit()

    def test_pinned_users_are_people(self, world):
        """The document's users have names; an unknown id has no person."""
        assert person(world, "aaaaa").city == "广州市"
        assert person(world, "nobody") is None

    def test_carriers_are_spread(self, world):
        """China Mobile has the most customers, and every carrier has some."""
        carriers = Counter(person(world, user).carrier for user in world.user_ids(np.arange(150)))
        assert carriers.most_common(1)[0][0] == "中国移动"
        assert len(carriers) == 3


class TestCallProvider:
    """`fake.add_provider(CallProvider)` in a user's test suite."""

    @pytest.fixture
    def fake(self) -> Faker:
        fake = Faker("zh_CN")
        fake.add_provider(CallProvider)
        fake.seed_instance(1)
        return fake

    def test_it_draws_documented_shapes(self, fake):
        """Every value has the type and the range of the document's field."""
        for _ in range(50):
            assert fake.network_type() in NETWORKS
            assert 1 <= fake.call_seconds() <= 14_400
            assert 0 <= fake.video_seconds() <= 14_400
            assert 0 <= fake.audio_seconds() <= 14_400
            assert 0 <= fake.packet_loss() <= 100
            assert fake.delay_ms() > 0
            assert fake.carrier() in dict(CARRIERS)
            assert len(fake.stamp()) == 10
            assert fake.user_id().isdigit()

    def test_its_ids_exist_in_the_default_world(self, fake):
        """Rooms and users exist in the default world after the document's day."""
        default = generated_world({})
        for _ in range(20):
            assert default.has_user(fake.user_id())
            room = default.sessions_of_room(fake.room_id())
            assert len(room)
            assert room.create.min() < parse_day("20191211")

    def test_the_seed_determines_the_values(self, fake):
        """Two Fakers with the same seed draw the same values."""
        other = Faker("zh_CN")
        other.add_provider(CallProvider)
        other.seed_instance(1)
        assert [getattr(fake, name)() for name in PLAIN] == [getattr(other, name)() for name in PLAIN]

    def test_it_works_in_any_locale(self):
        """The provider does not depend on the zh_CN locale."""
        fake = Faker("en_US")
        fake.add_provider(CallProvider)
        assert fake.room_id().isdigit()

    def test_it_uses_the_given_world_and_time(self, world):
        """With a world and a now, every id exists there and every call has ended."""
        fake = make_faker("somebody", world=world, now=NOW)
        for _ in range(20):
            session = fake.stay()
            assert list(session) == [
                "UserId", "RoomId", "CreateTime", "EnterTime", "LeaveTime", "AudioDuration", "VideoDuration",
            ]  # fmt: skip
            assert NOW - 2 * 14_400 < int(session["EnterTime"]) < int(session["LeaveTime"]) < NOW
            rows = world.sessions_of_user(session["UserId"], int(session["EnterTime"]), int(session["EnterTime"]))
            assert session["RoomId"] in world.room_ids(rows.room)
            assert NOW - DAY_SECONDS <= int(fake.stamp()) < NOW

    def test_it_looks_further_back_after_a_quiet_hour(self):
        """Without a call in the last hour, values come from the last day or month."""
        quiet = generated_world({"rooms_per_day": 0})
        later = parse_day("20191220")
        assert make_faker(1, world=quiet, now=later).room_id() in {"123456789", "987654321", "123456", "666777"}

    def test_a_world_without_calls_is_an_error(self):
        """A world without calls has no ids to draw."""
        empty = generated_world({"rooms_per_day": 0, "pins": []})
        with pytest.raises(LookupError, match="no call"):
            make_faker(1, world=empty, now=NOW).room_id()


class TestMakeFaker:
    """Each key has its own Faker."""

    def test_the_key_determines_the_values(self, world):
        """Equal keys draw equal values in any order and next to any other Faker."""
        first, second = make_faker("a", 1, world=world, now=NOW), make_faker("a", 1, world=world, now=NOW)
        other = make_faker("a", 2, world=world, now=NOW)
        drawn = [(first.name(), other.name(), first.room_id()) for _ in range(5)]
        assert [(second.name(), second.room_id()) for _ in range(5)] == [(name, room) for name, _, room in drawn]
        assert [name for name, _, _ in drawn] != [name for _, name, _ in drawn]

    def test_threads_do_not_share(self, world):
        """Threads with their own keys get the values that one thread gets."""

        def values(number: int) -> list[str]:
            fake = make_faker("t", number, world=world, now=NOW)
            return [fake.name(), fake.user_id(), fake.city(), fake.phone_number()]

        alone = [values(number) for number in range(16)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(values, list(range(16)) * 3)) == alone * 3

    def test_another_process_draws_the_same_values(self):
        """Hash seeds do not affect a Faker."""
        code = (
            "from mockserver.world.people import make_faker; f = make_faker('k', 3);"
            "print(f.name(), f.room_id(), f.network_type())"
        )
        assert run(code, PYTHONHASHSEED="1", PYTHONIOENCODING="utf-8") == run(
            code, PYTHONHASHSEED="2", PYTHONIOENCODING="utf-8", TZ="America/New_York"
        )

    def test_request_code_does_not_import_faker(self):
        """A generated world and its views do not import Faker."""
        code = (
            "import sys, mockserver.world.generated, mockserver.world.views as v;"
            "mockserver.world.generated.generated_world({}); print('faker' in sys.modules)"
        )
        assert run(code).strip() == "False"
