"""The timetable of a generated world: which rooms start in an hour, who is in them, from when to when.

A slot is a position in the row of all places that the rooms of an hour have. A keyed permutation for each hour maps
slots to users and back, so a user has at most one slot in an hour. A slot is void if its user may still be in a slot
of an earlier hour (void or not, so this never looks back further than the longest room), and a room exists if the
slot of its host is not void. So no user is in two rooms at once, and every lookup takes constant time for each slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mockserver.core.clock import DAY_SECONDS
from mockserver.world.model import EPOCH, HOUR, MAX_ROOMS_PER_HOUR, NOISE, NOISE_BITS, RATE_BITS, WorldModel
from mockserver.world.random_numbers import I64, Permutation, bits, draw, subkey
from mockserver.world.sessions import MAX_TIME, Flags

LAST_HOUR = (MAX_TIME - EPOCH) // HOUR - 5  # The last hour with rooms: the longest of them still end before MAX_TIME.
MAX_SLOTS_PER_ROOM = 512
_SLOTS_PER_CHUNK = 1 << 16
_CELLS_PER_CHUNK = 1 << 22


class Rooms(NamedTuple):
    """Planned rooms as columns, one row for each room."""

    hour: I64
    number: I64  # hour · 2^15 + the index among the rooms of the hour; a RoomId encodes it.
    slot: I64  # The slot of the host.
    kind: I64
    start: I64
    end: I64
    users: I64

    def take(self, index: I64 | Flags) -> Rooms:
        """Return the rows that an index or a mask selects."""
        return Rooms(*(column[index] for column in self))


class Slots(NamedTuple):
    """A user's time in a room as columns, one row for each slot; splitting it into sessions comes later."""

    user: I64
    room: I64  # The room's number.
    position: I64  # 0 is the host, who is there for the whole time of the room.
    enter: I64
    leave: I64
    start: I64
    end: I64

    def take(self, index: I64 | Flags) -> Slots:
        """Return the rows that an index or a mask selects."""
        return Slots(*(column[index] for column in self))


class Timetable:
    """Finds who is in which room in a world with a given model and key."""

    def __init__(self, model: WorldModel, key: int) -> None:
        self.model = model
        self._kinds = model.kinds
        # The labels of subkeys are part of the output: another label is another world.
        self._users = Permutation(subkey(key, "people"), model.users)
        self._day_key, self._count_key = subkey(key, "day"), subkey(key, "count")
        self._room_key, self._slot_key = subkey(key, "room"), subkey(key, "seat")

    # Planned rooms

    def counts(self, hours: I64) -> I64:
        """Return how many rooms of each kind start in each hour, shape (hours, kinds)."""
        day = hours // 24
        weekend = ((day + 1) % 7 >= 5).astype(np.int64)  # 2019-01-01 was a Tuesday
        noise = (1 << NOISE_BITS) - NOISE + bits(draw(self._day_key, day), 0, 16) * (2 * NOISE + 1) // 65_536
        rates = self._kinds.rates[weekend, hours % 24] * noise[:, None] >> NOISE_BITS
        kinds = np.arange(rates.shape[1])
        rounding = bits(draw(self._count_key, hours[:, None] * 8 + kinds), 0, RATE_BITS)
        return (rates + rounding) >> RATE_BITS

    def _rooms(self, hour: I64, kind: I64, index: I64, counts: I64, offset: I64, slots: I64) -> Rooms:
        """Rooms by hour, kind and index in the kind, given the rooms of the kind, its first room and its first slot."""
        number = hour * MAX_ROOMS_PER_HOUR + offset + index
        random = draw(self._room_key, number)
        start = EPOCH + hour * HOUR + ((index << 16) + bits(random, 0, 16)) * HOUR // (counts << 16)
        length = self._kinds.lengths[kind, bits(random, 16, 12)]
        low, high = self._kinds.min_users[kind], self._kinds.max_users[kind]
        users = low + (bits(random, 28, 16) * (high - low + 1) >> 16)
        return Rooms(hour, number, slots + index * high, kind, start, start + length, users)

    def rooms_of_hours(self, first: int, last: int) -> Rooms:
        """Return every room planned in hours first … last - 1, by number."""
        hours = np.arange(first, last, dtype=np.int64)
        counts = self.counts(hours)
        offsets = np.cumsum(counts, axis=1) - counts
        slots = counts * self._kinds.max_users
        slots = np.cumsum(slots, axis=1) - slots
        flat = counts.ravel()
        cell = np.repeat(np.arange(flat.size), flat)
        index = np.arange(cell.size) - (np.cumsum(flat) - flat)[cell]
        row, kind = np.divmod(cell, counts.shape[1])
        return self._rooms(hours[row], kind, index, flat[cell], offsets.ravel()[cell], slots.ravel()[cell])

    def room(self, number: int) -> Rooms:
        """Return the planned room with this number: one row or none."""
        hour, position = divmod(number, MAX_ROOMS_PER_HOUR)
        if not 0 <= hour <= LAST_HOUR:
            return self.rooms_of_hours(0, 0)
        counts = self.counts(np.array([hour], np.int64))
        ends = np.cumsum(counts, axis=1)
        kind = (ends <= position).sum(axis=1)
        if position >= ends[0, -1]:
            return self.rooms_of_hours(0, 0)
        index = position - (ends - counts)[0, kind]
        return self._rooms_at(np.array([hour], np.int64), counts, kind, index)

    def _rooms_at(self, hour: I64, counts: I64, kind: I64, index: I64) -> Rooms:
        rows = np.arange(hour.size)
        offsets = np.cumsum(counts, axis=1) - counts
        slots = counts * self._kinds.max_users
        slots = np.cumsum(slots, axis=1) - slots
        return self._rooms(hour, kind, index, counts[rows, kind], offsets[rows, kind], slots[rows, kind])

    def _times(self, rooms: Rooms, position: I64) -> tuple[I64, I64]:
        """Enter and leave times of positions in rooms; the host's are those of the room."""
        length = rooms.end - rooms.start
        random = draw(self._slot_key, rooms.number * MAX_SLOTS_PER_ROOM + position)
        late, early = bits(random, 0, 12), bits(random, 12, 12)
        # Most users join soon after the host and leave at the end: the square and the cube favour values near 0,
        # and neither exceeds half the call. In a call of two, the other joins within 8 s and both leave together.
        enter = length * late * late >> 25
        leave = length * (early * early >> 12) * early >> 25
        pair = rooms.users == 2
        enter = np.where(pair, np.minimum(1 + (late & 7), length // 4), enter)
        leave = np.where(pair, np.minimum(early & 1, length // 4), leave)
        guest = position > 0
        enter = rooms.start + np.where(guest, enter, 0)
        return enter, np.maximum(rooms.end - np.where(guest, leave, 0), enter + 1)

    # Slots of users

    def planned(self, user: I64, hour: I64) -> tuple[Rooms, I64, Slots]:
        """Return the slots of users in hours, void or not: rooms, indices into the arguments, slots."""
        counts = self.counts(hour)
        slot = self._users.inverse(user, self._users.round_keys(hour))
        ends = np.cumsum(counts * self._kinds.max_users, axis=1)
        row = np.flatnonzero(slot < ends[:, -1])
        counts, slot, ends = counts[row], slot[row], ends[row]
        kind = (ends <= slot[:, None]).sum(axis=1)
        max_users = self._kinds.max_users[kind]
        inside = slot - (ends[np.arange(row.size), kind] - counts[np.arange(row.size), kind] * max_users)
        index, position = np.divmod(inside, max_users)
        rooms = self._rooms_at(hour[row], counts, kind, index)
        used = position < rooms.users
        rooms, row, position = rooms.take(used), row[used], position[used]
        return rooms, row, self._slots(rooms, position, user[row])

    def _slots(self, rooms: Rooms, position: I64, user: I64) -> Slots:
        enter, leave = self._times(rooms, position)
        return Slots(user, rooms.number, position, enter, leave, rooms.start, rooms.end)

    def _busy_until(self, user: I64, hour: I64) -> I64:
        """The last second at which each user may still be in a slot of an earlier hour; 0 for none."""
        back = self.model.look_back
        users, hours = np.repeat(user, back), (hour[:, None] - np.arange(1, back + 1)).ravel()
        begun = np.flatnonzero(hours >= 0)
        _, row, slots = self.planned(users[begun], hours[begun])
        busy = np.zeros(users.size, np.int64)
        busy[begun[row]] = slots.leave
        until: I64 = busy.reshape(-1, back).max(axis=1, initial=0)
        return until

    def _exists(self, rooms: Rooms) -> Flags:
        """Whether the host of each room is free when it starts."""
        host = self._users.forward(rooms.slot, self._users.round_keys(rooms.hour))
        return self._busy_until(host, rooms.hour) < rooms.start

    # Lookups

    def of_user(self, user: int, first: int, last: int) -> Slots:
        """Return the slots of a user that are not void, in rooms of hours first … last - 1."""
        back = self.model.look_back
        hours = np.arange(max(first - back, 0), last, dtype=np.int64)
        rooms, row, slots = self.planned(np.full(hours.size, user, np.int64), hours)
        leaves = np.zeros(hours.size + back, np.int64)
        leaves[row + back] = slots.leave
        busy = np.zeros(row.size, np.int64)
        for step in range(back):
            np.maximum(busy, leaves[row + step], out=busy)
        free = (busy < slots.enter) & (rooms.hour >= first)
        return slots.take(free).take(self._exists(rooms.take(free)))

    def of_room(self, number: int) -> Slots:
        """Return the slots of a room that are not void; no rows if the room does not exist."""
        slots, _ = self._fill(self.room(number))
        free = self._busy_until(slots.user, slots.room // MAX_ROOMS_PER_HOUR) < slots.enter
        free &= free[:1]  # a room without its host does not exist
        return slots.take(free)

    def of_hours(self, first: int, last: int) -> Iterator[Slots]:
        """Yield the slots of all rooms of hours first … last - 1 in parts, by room and position."""
        back, users = self.model.look_back, self.model.users
        begin = max(first - back, 0)
        base = EPOCH + begin * HOUR
        # When the planned slot of each user in each hour ends, in seconds after base; -1 for none.
        leaves = np.full((back, users), -1, np.int32)
        for hour in range(begin, last, self._step):
            end = min(hour + self._step, last)
            leaves = np.concatenate([leaves[-back:], np.full((end - hour, users), -1, np.int32)])
            slots = self._free(hour, end, leaves, base)
            yield slots if hour >= first else slots.take(slots.room >= first * MAX_ROOMS_PER_HOUR)

    @cached_property
    def _step(self) -> int:
        """How many hours are evaluated at once, so that the arrays stay small."""
        slots = int((self._kinds.rates * self._kinds.max_users).sum(axis=-1).max() >> RATE_BITS) + 1
        return max(min(_SLOTS_PER_CHUNK // slots, _CELLS_PER_CHUNK // self.model.users), 1)

    def _fill(self, rooms: Rooms) -> tuple[Slots, I64]:
        """Every planned slot of rooms, and the index of its room."""
        row = np.repeat(np.arange(rooms.hour.size), rooms.users)
        position = np.arange(row.size) - (np.cumsum(rooms.users) - rooms.users)[row]
        repeated = rooms.take(row)
        hours, hour = np.unique(rooms.hour, return_inverse=True)
        user = self._users.forward(repeated.slot + position, self._users.round_keys(hours)[:, hour[row]])
        return self._slots(repeated, position, user), row

    def _free(self, first: int, last: int, leaves: NDArray[np.int32], base: int) -> Slots:
        """Return the slots of hours first … last - 1 that are not void; add their leave times to `leaves`."""
        back = self.model.look_back
        rooms = self.rooms_of_hours(first, last)
        slots, row = self._fill(rooms)
        hour = rooms.hour[row] - first
        leaves[hour + back, slots.user] = slots.leave - base
        busy = np.full(row.size, -1, np.int32)
        for step in range(back):
            np.maximum(busy, leaves[hour + step, slots.user], out=busy)
        free = busy < slots.enter - base
        exists = np.zeros(rooms.hour.size, np.bool_)
        exists[row[free & (slots.position == 0)]] = True
        free &= exists[row]
        return slots.take(free)


def hours_of(begin: int, end: int) -> tuple[int, int]:
    """Return the hours (first, last + 1) of the world that a closed span of seconds touches."""
    first = max((begin - EPOCH) // HOUR, 0)
    last = min((end - EPOCH) // HOUR, LAST_HOUR)
    return first, max(last + 1, first)


def day_of_hour(hour: I64) -> I64:
    """Return the first second of the UTC+8 day of each hour."""
    return EPOCH + hour // 24 * DAY_SECONDS
