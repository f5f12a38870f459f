"""The timetable of a generated world: which rooms start in an hour, who sits in them, from when to when.

A seat is (hour, place in the hour's row of seats). A keyed permutation of each hour ties seats to users
both ways. Every user has at most one seat an hour; a seat is void when its user may still sit in a seat
of an earlier hour (void or not: so the question never looks back further than the longest call), and a
room exists when its host's seat is not void. So nobody is in two rooms at once, and every question costs
O(1) a seat.

Knows nothing of places, networks or quality, and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mockserver.core.clock import DAY_SECONDS
from mockserver.world.prf import I64, Permutation, bits, draw, subkey
from mockserver.world.shape import EPOCH, HOUR, NOISE, NOISE_BITS, RATE_BITS, ROOMS_AN_HOUR, Shape
from mockserver.world.stays import Flags

LAST_HOUR = (9_999_999_999 - EPOCH) // HOUR - 5
"""The last hour with rooms: the stamps of the longest still have ten digits."""
_SEATS_A_ROOM = 512
_SEATS_A_CHUNK = 1 << 16
_CELLS_A_CHUNK = 1 << 22


class Rooms(NamedTuple):
    """Rooms as the timetable plans them, one row a room."""

    hour: I64
    number: I64
    """hour · 2^15 + the place among the hour's rooms: what a RoomId encodes."""
    seat: I64
    """The place of the host's seat in the hour's row."""
    kind: I64
    start: I64
    end: I64
    people: I64

    def take(self, index: I64 | Flags) -> Rooms:
        """The rows that an index or a mask chooses."""
        return Rooms(*(column[index] for column in self))


class Seated(NamedTuple):
    """Somebody's time in a room, one row a seat; splitting into stays comes later."""

    user: I64
    room: I64
    """The room's number."""
    position: I64
    """0 is the host, who spans the room."""
    enter: I64
    leave: I64
    start: I64
    end: I64

    def take(self, index: I64 | Flags) -> Seated:
        """The rows that an index or a mask chooses."""
        return Seated(*(column[index] for column in self))


class Timetable:
    """Answers who sits where in a world of a given shape and key."""

    def __init__(self, shape: Shape, key: int) -> None:
        self.shape = shape
        self._kinds = shape.kinds
        self._people = Permutation(subkey(key, "people"), shape.users)
        self._day_key, self._count_key = subkey(key, "day"), subkey(key, "count")
        self._room_key, self._seat_key = subkey(key, "room"), subkey(key, "seat")

    # What is planned

    def counts(self, hours: I64) -> I64:
        """How many rooms of each kind start in each hour, shape (hours, kinds)."""
        day = hours // 24
        weekend = ((day + 1) % 7 >= 5).astype(np.int64)  # 2019-01-01 was a Tuesday
        noise = (1 << NOISE_BITS) - NOISE + bits(draw(self._day_key, day), 0, 16) * (2 * NOISE + 1) // 65_536
        rates = self._kinds.rates[weekend, hours % 24] * noise[:, None] >> NOISE_BITS
        kinds = np.arange(rates.shape[1])
        luck = bits(draw(self._count_key, hours[:, None] * 8 + kinds), 0, RATE_BITS)
        return (rates + luck) >> RATE_BITS

    def _rooms(self, hour: I64, kind: I64, nth: I64, counts: I64, offset: I64, seats: I64) -> Rooms:
        """Rooms by hour, kind and place within the kind; counts, offset, seats: of the kind in the hour."""
        number = hour * ROOMS_AN_HOUR + offset + nth
        word = draw(self._room_key, number)
        start = EPOCH + hour * HOUR + ((nth << 16) + bits(word, 0, 16)) * HOUR // (counts << 16)
        length = self._kinds.lengths[kind, bits(word, 16, 12)]
        least = self._kinds.least[kind]
        people = least + (bits(word, 28, 16) * (self._kinds.most[kind] - least + 1) >> 16)
        seat = seats + nth * self._kinds.most[kind]
        return Rooms(hour, number, seat, kind, start, start + length, people)

    def rooms_of_hours(self, first: int, last: int) -> Rooms:
        """Every room planned in hours first … last - 1, in the order of their numbers."""
        hours = np.arange(first, last, dtype=np.int64)
        counts = self.counts(hours)
        offsets = np.cumsum(counts, axis=1) - counts
        seats = counts * self._kinds.most
        seats = np.cumsum(seats, axis=1) - seats
        flat = counts.ravel()
        cell = np.repeat(np.arange(flat.size), flat)
        nth = np.arange(cell.size) - (np.cumsum(flat) - flat)[cell]
        row, kind = np.divmod(cell, counts.shape[1])
        return self._rooms(hours[row], kind, nth, flat[cell], offsets.ravel()[cell], seats.ravel()[cell])

    def room(self, number: int) -> Rooms:
        """The planned room of a number: one row, or none."""
        hour, place = divmod(number, ROOMS_AN_HOUR)
        if not 0 <= hour <= LAST_HOUR:
            return self.rooms_of_hours(0, 0)
        counts = self.counts(np.array([hour], np.int64))
        ends = np.cumsum(counts, axis=1)
        kind = (ends <= place).sum(axis=1)
        if place >= ends[0, -1]:
            return self.rooms_of_hours(0, 0)
        nth = place - (ends - counts)[0, kind]
        return self._at(np.array([hour], np.int64), counts, kind, nth)

    def _at(self, hour: I64, counts: I64, kind: I64, nth: I64) -> Rooms:
        rows = np.arange(hour.size)
        offsets = np.cumsum(counts, axis=1) - counts
        seats = counts * self._kinds.most
        seats = np.cumsum(seats, axis=1) - seats
        return self._rooms(hour, kind, nth, counts[rows, kind], offsets[rows, kind], seats[rows, kind])

    def _times(self, rooms: Rooms, position: I64) -> tuple[I64, I64]:
        """Enter and leave of the seats at given positions of rooms: the host's are the room's own."""
        length = rooms.end - rooms.start
        word = draw(self._seat_key, rooms.number * _SEATS_A_ROOM + position)
        late, early = bits(word, 0, 12), bits(word, 12, 12)
        # Most come soon after the host and stay to the end: the square and the cube lean towards 0, both stop
        # at half the call. A pair picks up within 8 s and hangs up together.
        enter = length * late * late >> 25
        leave = length * (early * early >> 12) * early >> 25
        pair = rooms.people == 2
        enter = np.where(pair, np.minimum(1 + (late & 7), length // 4), enter)
        leave = np.where(pair, np.minimum(early & 1, length // 4), leave)
        guest = position > 0
        enter = rooms.start + np.where(guest, enter, 0)
        return enter, np.maximum(rooms.end - np.where(guest, leave, 0), enter + 1)

    # Who is who

    def planned(self, user: I64, hour: I64) -> tuple[Rooms, I64, Seated]:
        """The seats that users have in hours, void or not: rooms, rows in the question, seats."""
        counts = self.counts(hour)
        seat = self._people.inverse(user, self._people.tweaks(hour))
        ends = np.cumsum(counts * self._kinds.most, axis=1)
        row = np.flatnonzero(seat < ends[:, -1])
        counts, seat, ends = counts[row], seat[row], ends[row]
        kind = (ends <= seat[:, None]).sum(axis=1)
        most = self._kinds.most[kind]
        inside = seat - (ends[np.arange(row.size), kind] - counts[np.arange(row.size), kind] * most)
        nth, position = np.divmod(inside, most)
        rooms = self._at(hour[row], counts, kind, nth)
        taken = position < rooms.people
        rooms, row, position = rooms.take(taken), row[taken], position[taken]
        return rooms, row, self._seated(rooms, position, user[row])

    def _seated(self, rooms: Rooms, position: I64, user: I64) -> Seated:
        enter, leave = self._times(rooms, position)
        return Seated(user, rooms.number, position, enter, leave, rooms.start, rooms.end)

    def _busy_until(self, user: I64, hour: I64) -> I64:
        """The last second that a planned seat of the hours before may hold each user; 0: none does."""
        back = self.shape.look_back
        users, hours = np.repeat(user, back), (hour[:, None] - np.arange(1, back + 1)).ravel()
        begun = np.flatnonzero(hours >= 0)
        _, row, seated = self.planned(users[begun], hours[begun])
        busy = np.zeros(users.size, np.int64)
        busy[begun[row]] = seated.leave
        until: I64 = busy.reshape(-1, back).max(axis=1, initial=0)
        return until

    def _exists(self, rooms: Rooms) -> Flags:
        """Whether each room's host was free to open it."""
        host = self._people.forward(rooms.seat, self._people.tweaks(rooms.hour))
        return self._busy_until(host, rooms.hour) < rooms.start

    # The three questions

    def of_user(self, user: int, first: int, last: int) -> Seated:
        """Every seat that a user really takes in rooms of hours first … last - 1."""
        back = self.shape.look_back
        hours = np.arange(max(first - back, 0), last, dtype=np.int64)
        rooms, row, seated = self.planned(np.full(hours.size, user, np.int64), hours)
        leaves = np.zeros(hours.size + back, np.int64)
        leaves[row + back] = seated.leave
        busy = np.zeros(row.size, np.int64)
        for step in range(back):
            np.maximum(busy, leaves[row + step], out=busy)
        free = (busy < seated.enter) & (rooms.hour >= first)
        rooms, seated = rooms.take(free), seated.take(free)
        exists = self._exists(rooms)
        return seated.take(exists)

    def of_room(self, number: int) -> Seated:
        """Every seat really taken in a room; no row when there is no such room."""
        seated, _ = self._fill(self.room(number))
        free = self._busy_until(seated.user, seated.room // ROOMS_AN_HOUR) < seated.enter
        free &= free[:1]  # without its host there is no room
        return seated.take(free)

    def of_hours(self, first: int, last: int) -> Iterator[Seated]:
        """Every seat taken in rooms of hours first … last - 1 in parts, by room and position."""
        back, users = self.shape.look_back, self.shape.users
        begin = max(first - back, 0)
        base = EPOCH + begin * HOUR
        # When each user's planned seat of each hour ends, in seconds after base; -1: the user has none.
        leaves = np.full((back, users), -1, np.int32)
        for hour in range(begin, last, self._step):
            end = min(hour + self._step, last)
            leaves = np.concatenate([leaves[-back:], np.full((end - hour, users), -1, np.int32)])
            seated = self._free(hour, end, leaves, base)
            yield seated if hour >= first else seated.take(seated.room >= first * ROOMS_AN_HOUR)

    @cached_property
    def _step(self) -> int:
        """How many hours are evaluated at once, so that their tables stay small."""
        seats = int((self._kinds.rates * self._kinds.most).sum(axis=-1).max() >> RATE_BITS) + 1
        return max(min(_SEATS_A_CHUNK // seats, _CELLS_A_CHUNK // self.shape.users), 1)

    def _fill(self, rooms: Rooms) -> tuple[Seated, I64]:
        """Every planned seat of rooms, and the row of its room."""
        row = np.repeat(np.arange(rooms.hour.size), rooms.people)
        position = np.arange(row.size) - (np.cumsum(rooms.people) - rooms.people)[row]
        seats = rooms.take(row)
        hours, hour = np.unique(rooms.hour, return_inverse=True)
        user = self._people.forward(seats.seat + position, self._people.tweaks(hours)[:, hour[row]])
        return self._seated(seats, position, user), row

    def _free(self, first: int, last: int, leaves: NDArray[np.int32], base: int) -> Seated:
        """The seats of hours first … last - 1 that are taken, by the leaves before; adds its own."""
        back = self.shape.look_back
        rooms = self.rooms_of_hours(first, last)
        seated, row = self._fill(rooms)
        hour = rooms.hour[row] - first
        leaves[hour + back, seated.user] = seated.leave - base
        busy = np.full(row.size, -1, np.int32)
        for step in range(back):
            np.maximum(busy, leaves[hour + step, seated.user], out=busy)
        free = busy < seated.enter - base
        exists = np.zeros(rooms.hour.size, np.bool_)
        exists[row[free & (seated.position == 0)]] = True
        free &= exists[row]
        return seated.take(free)


def hours_of(begin: int, end: int) -> tuple[int, int]:
    """The hours (first, last + 1) that the closed span of seconds touches within the world's time."""
    first = max((begin - EPOCH) // HOUR, 0)
    last = min((end - EPOCH) // HOUR, LAST_HOUR)
    return first, max(last + 1, first)


def day_of_hour(hour: I64) -> I64:
    """The first second of the UTC+8 day of each hour."""
    return EPOCH + hour // 24 * DAY_SECONDS
