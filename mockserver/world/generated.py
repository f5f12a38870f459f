"""The generated world: a seeded call log for any second from 2019-01-01 on, computed when it is needed.

Sessions are a pure function of the slots in `slots.py`; this module splits slots into sessions, adds streams, place,
network and quality, and joins the pinned rooms. Knows nothing of operations, readings or `now`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any

import numpy as np

from mockserver.world.demographics import NETWORKS, Place
from mockserver.world.json_rows import Bytes, encode_texts
from mockserver.world.model import (
    EPOCH,
    HOUR,
    MAX_DELAY,
    MAX_LOSS,
    MAX_ROOMS_PER_HOUR,
    SHARE_BITS,
    WorldModel,
    build_model,
)
from mockserver.world.random_numbers import I64, IdCode, bits, draw, subkey
from mockserver.world.sessions import COLUMNS, DIMENSIONS, Sessions, WorldError
from mockserver.world.slots import MAX_SLOTS_PER_ROOM, Slots, Timetable, day_of_hour, hours_of

_ROOM_DIGITS, _USER_DIGITS = 12, 10
_AWAY = 164  # Users are away from home on 4 % (in 4,096ths) of the days.
_PLACE_DIMENSIONS = DIMENSIONS[:3]
_MAX_HOURS = 2_048  # Hours of one user that are evaluated at once.
MAX_CACHED_ROWS = 150_000  # About 110 bytes each.


class RowCache:
    """The rows of recently evaluated spans of hours, least recently used first out, for all worlds of the process.

    Several operations often ask for the same day. Worlds are pure functions, so cached rows are never stale.
    """

    def __init__(self, max_rows: int = MAX_CACHED_ROWS) -> None:
        self._max_rows = max_rows
        self._rows = 0
        self._entries: OrderedDict[tuple[Hashable, int, int], Sessions] = OrderedDict()
        self._lock = Lock()
        self._in_progress: dict[tuple[Hashable, int, int], Future[Sessions]] = {}

    def rows(self, world: Hashable, first: int, last: int, evaluate: Callable[[int, int], Sessions]) -> Sessions:
        """Return the rows of hours first … last - 1 of a world, or of a wider span that is cached."""
        with self._lock:
            for key in reversed(self._entries):
                if _covers(key, world, first, last):
                    self._entries.move_to_end(key)
                    return self._entries[key]
            working = next(
                (self._in_progress[key] for key in self._in_progress if _covers(key, world, first, last)), None
            )
            if working is None:
                future = self._in_progress[world, first, last] = Future[Sessions]()
        if working is not None:
            # Another thread evaluates these hours already.
            return working.result()
        try:
            future.set_result(rows := evaluate(first, last))
        except BaseException as error:
            future.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._in_progress[world, first, last]
        with self._lock:
            self._rows += len(rows) - len(self._entries.pop((world, first, last), ()))
            self._entries[world, first, last] = rows
            while self._rows > self._max_rows:
                self._rows -= len(self._entries.popitem(last=False)[1])
        return rows

    def clear(self) -> None:
        """Remove all rows."""
        with self._lock:
            self._entries.clear()
            self._rows = 0


def _covers(key: tuple[Hashable, int, int], world: Hashable, first: int, last: int) -> bool:
    owner, begin, end = key
    return owner == world and begin <= first and last <= end


ROW_CACHE = RowCache()


def generated_world(spec: Mapping[str, Any], *, seed: int | None = None, appkey: str | None = None) -> GeneratedWorld:
    """Return the world of a `world: {source: generated, …}` block.

    `seed` replaces the seed of the block; with `per_app`, `appkey` is mixed in. WorldError points to a parameter that
    is unknown, out of range or contradicts another one.
    """
    if seed is not None:
        spec = {**spec, "seed": seed}
    model = build_model(spec)
    return GeneratedWorld(model, appkey if model.per_app else None)


class GeneratedWorld:
    """A `World` that computes its rows on demand."""

    def __init__(self, model: WorldModel, appkey: str | None = None) -> None:
        self.model = model
        labels = () if appkey is None else (appkey,)
        self.key = subkey(model.seed, "world", *labels)
        self._timetable = Timetable(model, self.key)
        self._room_ids = IdCode(subkey(self.key, "room id"), _ROOM_DIGITS)
        self._user_ids = IdCode(subkey(self.key, "user id"), _USER_DIGITS)
        names = ("piece", "stream", "quality", "failed", "home", "away")
        self._keys = {name: subkey(self.key, name) for name in names}
        self._cache_key = object()
        self._join_pinned_rooms()

    def labels(self, dimension: str) -> Sequence[str]:
        """Return the labels of `country`, `province`, `city` or `network`, indexed by code."""
        return self._labels[dimension]

    # Ids

    def user_ids(self, codes: Any) -> list[str]:
        """Return the UserIds of user codes; codes of pinned users are negative."""
        return _ids(codes, self._user_ids, self.model.pins.users)

    def room_ids(self, codes: Any) -> list[str]:
        """Return the RoomIds of room codes; codes of pinned rooms are negative."""
        return _ids(codes, self._room_ids, self.model.pins.rooms)

    def user_json(self, codes: Any) -> Bytes:
        """Return the UserIds of user codes as a column of JSON."""
        return encode_texts(self.user_ids(codes))

    def room_json(self, codes: Any) -> Bytes:
        """Return the RoomIds of room codes as a column of JSON."""
        return encode_texts(self.room_ids(codes))

    def user_code(self, user_id: str) -> int | None:
        """Return the code of a user, or None if the id is unknown."""
        pinned = self._pinned_users.get(user_id)
        return self._generated_user(user_id) if pinned is None else pinned

    def has_user(self, user_id: str) -> bool:
        """Whether the user exists, with or without sessions."""
        return self.user_code(user_id) is not None

    def _generated_user(self, user_id: str) -> int | None:
        code = self._user_ids.decode(user_id)
        return code if code is not None and code < self.model.users else None

    def _generated_room(self, room_id: str) -> Sessions:
        number = self._room_ids.decode(room_id)
        return Sessions.empty() if number is None else self._sessions(self._timetable.of_room(number))

    # Lookups

    def sessions_of_user(self, user_id: str, begin: int, end: int) -> Sessions:
        """Return the sessions of a user that overlap [begin, end]; takes time linear in the hours of the span."""
        code = self.user_code(user_id)
        if code is None:
            return Sessions.empty()
        if code < 0:
            return self._pinned.take(self._pinned.user == code).overlapping(begin, end)
        first, last = hours_of(begin, end)
        first = max(first - self.model.look_back, 0)
        parts = [
            self._sessions(self._timetable.of_user(code, hour, min(hour + _MAX_HOURS, last)))
            for hour in range(first, last, _MAX_HOURS)
        ]
        return Sessions.concatenate(parts).overlapping(begin, end)

    def sessions_of_room(self, room_id: str) -> Sessions:
        """Return all sessions of a room; no rows if the room is unknown."""
        pinned = self._pinned_rooms.get(room_id)
        if pinned is None:
            return self._generated_room(room_id)
        return self._pinned.take(self._pinned.room == pinned)

    def sessions_between(self, begin: int, end: int) -> Sessions:
        """Return all sessions that overlap [begin, end]; takes time linear in the rows of the span."""
        pinned = self._pinned.overlapping(begin, end)
        first, last = hours_of(begin, end)
        if first >= last:
            return pinned
        rows = self._rows(first, last).overlapping(begin, end)
        return Sessions.concatenate([rows, pinned]) if len(pinned) else rows

    def failed_joins(self, begin: int, end: int) -> I64:
        """Return the times in [begin, end) of failed joins, each shortly before a session, ascending."""
        first, last = hours_of(begin, end - 1)
        if begin >= end or first >= last:
            return np.zeros(0, np.int64)
        rows = self._rows(first, last)
        random = draw(self._keys["failed"], rows.enter * (1 << 23) + rows.user)
        failed = bits(random, 0, 16) < self.model.quality.failures[rows.network]
        enter = rows.enter[failed]
        # Never before the hour of the session, so that the joins of a span of hours depend on those hours only.
        times = np.maximum(enter - 2 - bits(random[failed], 16, 3), enter - (enter - EPOCH) % HOUR)
        return np.sort(times[(times >= begin) & (times < end)])

    def home_of(self, user_id: str) -> Place | None:
        """Return where a user lives, or None if the id is unknown."""
        code = self.user_code(user_id)
        if code is None:
            return None
        if code >= 0:
            return self.model.places[int(self._home(np.array([code], np.int64))[0])]
        row = self._pinned.take(np.flatnonzero(self._pinned.user == code)[:1])
        country, province, city = (self._labels[name][int(getattr(row, name)[0])] for name in _PLACE_DIMENSIONS)
        return Place(country, province, city, 0)

    # From slots to sessions

    def _rows(self, first: int, last: int) -> Sessions:
        """All sessions of rooms that can be open in hours first … last - 1, perhaps with some more."""
        first = max(first - self.model.look_back, 0)
        return ROW_CACHE.rows(self._cache_key, first, last, self._evaluate)

    def _evaluate(self, first: int, last: int) -> Sessions:
        return Sessions.concatenate([self._sessions(part) for part in self._timetable.of_hours(first, last)])

    def _home(self, user: I64) -> I64:
        random = bits(draw(self._keys["home"], user), 0, SHARE_BITS)
        return np.searchsorted(self.model.place_shares, random, side="right")

    def _place(self, user: I64, day: I64) -> I64:
        """Where each user is on a day: at home, or on some days at a random place."""
        random = draw(self._keys["away"], user, day)
        away = np.searchsorted(self.model.place_shares, bits(random, 0, SHARE_BITS), side="right")
        return np.where(bits(random, SHARE_BITS, 12) < _AWAY, away, self._home(user))

    def _sessions(self, slots: Slots) -> Sessions:
        row, enter, leave, piece = self._split(slots)
        user, room = slots.user[row], slots.room[row]
        number = (room * MAX_SLOTS_PER_ROOM + slots.position[row]) * 4 + piece
        length = leave - enter
        stream = draw(self._keys["stream"], number)
        audio = length * (2_458 + (bits(stream, 0, 12) * 1_638 >> 12)) >> 12
        video = length * (819 + (bits(stream, 12, 12) * 3_072 >> 12)) >> 12
        video[bits(stream, 24, 10) >= 410] = 0
        hour = (enter - EPOCH) // HOUR
        day = day_of_hour(room // MAX_ROOMS_PER_HOUR)
        place = self._place(user, day)
        network = self.model.network(day, bits(draw(self._keys["stream"], number, 1), 0, SHARE_BITS))
        quality = self.model.quality
        random = draw(self._keys["quality"], number)
        loss = quality.loss[network, bits(random, 0, 12)] * quality.loss_load[hour % 24] // 100
        delay = quality.delay[network, bits(random, 12, 12)] * quality.delay_load[hour % 24] // 100
        return Sessions(
            user=user,
            room=room,
            enter=enter,
            leave=leave,
            audio=audio,
            video=video,
            create=slots.start[row],
            destroy=slots.end[row],
            host=(slots.position[row] == 0) & (piece == 0),
            first=piece == 0,
            country=self._place_codes["country"][place],
            province=self._place_codes["province"][place],
            city=self._place_codes["city"][place],
            network=network.astype(np.int32),
            audio_loss=np.minimum(loss, MAX_LOSS),
            # Video needs more packets and more time than audio.
            video_loss=np.minimum(loss * (100 + (bits(random, 24, 6) >> 1)) // 100, MAX_LOSS),
            audio_delay=np.minimum(delay, MAX_DELAY),
            video_delay=np.minimum(delay + 250 * bits(random, 32, 6), MAX_DELAY),
        )

    def _split(self, slots: Slots) -> tuple[I64, I64, I64, I64]:
        """Split slots into sessions: index of the slot, enter, leave, number of the piece. Guests may rejoin."""
        length = slots.leave - slots.enter
        random = draw(self._keys["piece"], slots.room * MAX_SLOTS_PER_ROOM + slots.position)
        chance = bits(random, 0, 10)
        pieces = np.where(chance < 31, 3, np.where(chance < 123, 2, 1))
        pieces[(slots.position == 0) | (length < 120)] = 1
        row = np.repeat(np.arange(pieces.size), pieces)
        piece = np.arange(row.size) - (np.cumsum(pieces) - pieces)[row]
        pieces, length, random = pieces[row], length[row], random[row]
        # The first cut is before the middle (of two pieces) or the third (of three), the second one after it.
        unit = length // (2 * pieces)
        near = slots.enter[row] + unit + (unit * bits(random, 10, 12) >> 12)
        far = slots.enter[row] + 3 * unit + (unit * bits(random, 22, 12) >> 12)
        gap = 1 + (np.minimum(length // 8, 60) * bits(random, 34, 6) >> 6)
        enter, leave = slots.enter[row], slots.leave[row]
        enter = np.where(piece == 1, near + gap, np.where(piece == 2, far + gap, enter))
        leave = np.where(piece == pieces - 1, leave, np.where(piece == 0, near, far))
        return row, enter, leave, piece

    def _join_pinned_rooms(self) -> None:
        """Give pinned and generated rows common labels; refuse ids that exist in both."""
        pins, places = self.model.pins, self.model.places
        own = {dimension: [getattr(place, dimension) for place in places] for dimension in _PLACE_DIMENSIONS}
        own["network"] = list(NETWORKS)
        self._labels = {name: list(dict.fromkeys([*own[name], *pins.labels[name]])) for name in DIMENSIONS}
        codes = {name: {label: code for code, label in enumerate(self._labels[name])} for name in DIMENSIONS}
        self._place_codes = {
            name: np.array([codes[name][label] for label in own[name]], np.int32) for name in _PLACE_DIMENSIONS
        }
        columns = {name: getattr(pins.rows, name) for name in COLUMNS}
        for name in DIMENSIONS if len(pins.rows) else ():
            common = np.array([codes[name][label] for label in pins.labels[name]], np.int32)
            columns[name] = common[columns[name]]
        self._pinned = Sessions(**columns)
        self._pinned_users = {user: -1 - index for index, user in enumerate(pins.users)}
        self._pinned_rooms = {room: -1 - index for index, room in enumerate(pins.rooms)}
        taken = [user for user in pins.users if self._generated_user(user) is not None]
        taken += [room for room in pins.rooms if len(self._generated_room(room))]
        if taken:
            raise WorldError.of(("pins",), "id_taken", id=taken[0])


def _ids(codes: Any, code: IdCode, pinned: Sequence[str]) -> list[str]:
    numbers = np.atleast_1d(np.asarray(codes, np.int64))
    ids = code.encode(np.maximum(numbers, 0))
    for index in np.flatnonzero(numbers < 0).tolist():
        ids[index] = pinned[-1 - int(numbers[index])]
    return ids
