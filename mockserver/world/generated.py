"""The generated world: a seeded call log that answers for any second from 2019-01-01 on and stores nothing.

A pure function from the timetable's seats to stays: it adds what a seat does not decide (splits into stays,
streams, place, network, quality) and the pinned rooms. What one question evaluated is kept for the next few
questions, within bounds (see `cache`). Knows nothing of operations, readings or `now`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mockserver.core.text import Text
from mockserver.world.cache import ROWS
from mockserver.world.codes import IdCode
from mockserver.world.places import Place
from mockserver.world.prf import I64, bits, draw, subkey
from mockserver.world.quality import DELAY_MAX, LOSS_MAX, NETWORKS
from mockserver.world.seats import Seated, Timetable, day_of_hour, hours_of
from mockserver.world.shape import EPOCH, HOUR, ROOMS_AN_HOUR, SHARE_BITS, Shape, shape_of
from mockserver.world.stays import COLUMNS, DIMENSIONS, SpecError, Stays

_ROOM_DIGITS, _USER_DIGITS = 12, 10
_AWAY = 164
"""4 % (in 4,096ths) of a user's days are spent away from home."""
PLACE_WORDS = DIMENSIONS[:3]
"""Country, province, city: what a place has."""
_STEP = 2_048
"""Hours of one user's seats evaluated at once."""


def generated_world(
    spec: Mapping[str, Any], *, seed: int | None = None, appkey: str | None = None
) -> GeneratedWorld:
    """The world of a `world: {source: generated, …}` block.

    `seed` overrides the block's, `per_app` mixes `appkey` in.
    SpecError points to the parameter that is unknown, out of range or contradicts another.
    """
    if seed is not None:
        spec = {**spec, "seed": seed}
    shape = shape_of(spec)
    return GeneratedWorld(shape, appkey if shape.per_app else None)


class GeneratedWorld:
    """A World (see `stays.World`) whose rows are computed when they are asked for."""

    def __init__(self, shape: Shape, appkey: str | None = None) -> None:
        self.shape = shape
        words = () if appkey is None else (appkey,)
        self.key = subkey(shape.seed, "world", *words)
        self._timetable = Timetable(shape, self.key)
        self._room_ids = IdCode(subkey(self.key, "room id"), _ROOM_DIGITS)
        self._user_ids = IdCode(subkey(self.key, "user id"), _USER_DIGITS)
        names = ("piece", "stream", "quality", "failed", "home", "away")
        self._keys = {name: subkey(self.key, name) for name in names}
        self._identity = object()
        self._join_pins()

    # Words of the world

    def labels(self, dimension: str) -> Sequence[str]:
        """The labels behind the codes of `country`, `province`, `city` or `network`."""
        return self._labels[dimension]

    @property
    def longest(self) -> int:
        """The longest a room can last, seconds."""
        return max(self.shape.cap, self.shape.pins.longest)

    @property
    def users(self) -> int:
        """The size of the generated population."""
        return self.shape.users

    # Ids

    def user_ids(self, codes: Any) -> list[str]:
        """The UserIds of user codes; pinned users have codes below 0."""
        return _ids(codes, self._user_ids, self.shape.pins.users)

    def room_ids(self, codes: Any) -> list[str]:
        """The RoomIds of room codes; pinned rooms have codes below 0."""
        return _ids(codes, self._room_ids, self.shape.pins.rooms)

    def user_code(self, user_id: str) -> int | None:
        """The code of a user, None when the world does not know the id."""
        pinned = self._pinned_users.get(user_id)
        return self._generated_user(user_id) if pinned is None else pinned

    def _generated_user(self, user_id: str) -> int | None:
        code = self._user_ids.decode(user_id)
        return code if code is not None and code < self.shape.users else None

    def _generated_room(self, room_id: str) -> Stays:
        number = self._room_ids.decode(room_id)
        return Stays.empty() if number is None else self._stays(self._timetable.of_room(number))

    def knows_user(self, user_id: str) -> bool:
        """Whether the id belongs to somebody of this world, with calls or without."""
        return self.user_code(user_id) is not None

    # Questions

    def stays_of_user(self, user_id: str, begin: int, end: int) -> Stays:
        """Every stay of the user that overlaps the closed span; linear in its hours."""
        code = self.user_code(user_id)
        if code is None:
            return Stays.empty()
        if code < 0:
            return _overlapping(self._pins.take(self._pins.user == code), begin, end)
        first, last = hours_of(begin, end)
        first = max(first - self.shape.look_back, 0)
        parts = [
            self._stays(self._timetable.of_user(code, hour, min(hour + _STEP, last)))
            for hour in range(first, last, _STEP)
        ]
        return _overlapping(Stays.concatenate(parts), begin, end) if parts else Stays.empty()

    def stays_of_room(self, room_id: str) -> Stays:
        """Every stay of the room, whenever it is; no row when the world does not know it."""
        pinned = self._pinned_rooms.get(room_id)
        if pinned is None:
            return self._generated_room(room_id)
        return self._pins.take(self._pins.room == pinned)

    def stays_between(self, begin: int, end: int) -> Stays:
        """Every stay that overlaps the closed span; linear in the rows of the span."""
        pins = _overlapping(self._pins, begin, end)
        first, last = hours_of(begin, end)
        if first >= last:
            return pins
        rows = _overlapping(self._rows(max(first - self.shape.look_back, 0), last), begin, end)
        return Stays.concatenate([rows, pins]) if len(pins.user) else rows

    def failed_joins(self, begin: int, end: int) -> I64:
        """The seconds begin ≤ t < end at which a try to join failed: just before a stay, ascending."""
        first, last = hours_of(begin, end - 1)
        if begin >= end or first >= last:
            return np.zeros(0, np.int64)
        rows = self._rows(max(first - self.shape.look_back, 0), last)
        word = draw(self._keys["failed"], rows.enter * (1 << 23) + rows.user)
        failed = bits(word, 0, 16) < self.shape.quality.failures[rows.network]
        enter = rows.enter[failed]
        # Not before the hour of the stay, so that a span of hours tells its own tries alone.
        tries = np.maximum(enter - 2 - bits(word[failed], 16, 3), enter - (enter - EPOCH) % HOUR)
        return np.sort(tries[(tries >= begin) & (tries < end)])

    def home(self, user_id: str) -> Place | None:
        """Where a user lives; None when the world does not know the id."""
        code = self.user_code(user_id)
        if code is None:
            return None
        if code >= 0:
            return self.shape.places[int(self._home(np.array([code], np.int64))[0])]
        row = self._pins.take(np.flatnonzero(self._pins.user == code)[:1])
        country, province, city = (self._labels[name][int(getattr(row, name)[0])] for name in PLACE_WORDS)
        return Place(country, province, city, 0)

    # Seats to stays

    def _rows(self, first: int, last: int) -> Stays:
        """Every stay of the rooms that start in hours first … last - 1, perhaps with more around them."""
        return ROWS.rows(self._identity, first, last, self._evaluate)

    def _evaluate(self, first: int, last: int) -> Stays:
        return Stays.concatenate([self._stays(part) for part in self._timetable.of_hours(first, last)])

    def _home(self, user: I64) -> I64:
        word = bits(draw(self._keys["home"], user), 0, SHARE_BITS)
        return np.searchsorted(self.shape.place_shares, word, side="right")

    def _place(self, user: I64, day: I64) -> I64:
        """Where each user is on a day: at home, or for 4 % of the days anywhere people live."""
        word = draw(self._keys["away"], user, day)
        away = np.searchsorted(self.shape.place_shares, bits(word, 0, SHARE_BITS), side="right")
        return np.where(bits(word, SHARE_BITS, 12) < _AWAY, away, self._home(user))

    def _stays(self, seated: Seated) -> Stays:
        row, enter, leave, piece = self._pieces(seated)
        user, room = seated.user[row], seated.room[row]
        number = (room * 512 + seated.position[row]) * 4 + piece
        length = leave - enter
        stream = draw(self._keys["stream"], number)
        audio = length * (2_458 + (bits(stream, 0, 12) * 1_638 >> 12)) >> 12
        video = length * (819 + (bits(stream, 12, 12) * 3_072 >> 12)) >> 12
        video[bits(stream, 24, 10) >= 410] = 0
        hour = (enter - EPOCH) // HOUR
        day = day_of_hour(room // ROOMS_AN_HOUR)
        place = self._place(user, day)
        network = self.shape.network(day, bits(draw(self._keys["stream"], number, 1), 0, SHARE_BITS))
        quality = self.shape.quality
        word = draw(self._keys["quality"], number)
        loss = quality.loss[network, bits(word, 0, 12)] * quality.loss_load[hour % 24] // 100
        delay = quality.delay[network, bits(word, 12, 12)] * quality.delay_load[hour % 24] // 100
        return Stays(
            user=user,
            room=room,
            enter=enter,
            leave=leave,
            audio=audio,
            video=video,
            create=seated.start[row],
            destroy=seated.end[row],
            host=(seated.position[row] == 0) & (piece == 0),
            first=piece == 0,
            country=self._place_codes["country"][place],
            province=self._place_codes["province"][place],
            city=self._place_codes["city"][place],
            network=network.astype(np.int32),
            audio_loss=np.minimum(loss, LOSS_MAX),
            # A picture needs more packets and more time than a voice.
            video_loss=np.minimum(loss * (100 + (bits(word, 24, 6) >> 1)) // 100, LOSS_MAX),
            audio_delay=np.minimum(delay, DELAY_MAX),
            video_delay=np.minimum(delay + 250 * bits(word, 32, 6), DELAY_MAX),
        )

    def _pieces(self, seated: Seated) -> tuple[I64, I64, I64, I64]:
        """Seats as stays: (row of the seat, enter, leave, which piece); guests may drop out and come back."""
        length = seated.leave - seated.enter
        word = draw(self._keys["piece"], seated.room * 512 + seated.position)
        luck = bits(word, 0, 10)
        pieces = np.where(luck < 31, 3, np.where(luck < 123, 2, 1))
        pieces[(seated.position == 0) | (length < 120)] = 1
        row = np.repeat(np.arange(pieces.size), pieces)
        piece = np.arange(row.size) - (np.cumsum(pieces) - pieces)[row]
        pieces, length, word = pieces[row], length[row], word[row]
        # The cut after piece 0 lies before the middle (of two) or third (of three), the next one after it.
        unit = length // (2 * pieces)
        near = seated.enter[row] + unit + (unit * bits(word, 10, 12) >> 12)
        far = seated.enter[row] + 3 * unit + (unit * bits(word, 22, 12) >> 12)
        gap = 1 + (np.minimum(length // 8, 60) * bits(word, 34, 6) >> 6)
        enter, leave = seated.enter[row], seated.leave[row]
        enter = np.where(piece == 1, near + gap, np.where(piece == 2, far + gap, enter))
        leave = np.where(piece == pieces - 1, leave, np.where(piece == 0, near, far))
        return row, enter, leave, piece

    # Pins

    def _join_pins(self) -> None:
        """Give pinned and generated rows common labels; refuse an id that would mean two things."""
        pins, places = self.shape.pins, self.shape.places
        own = {dimension: [getattr(place, dimension) for place in places] for dimension in PLACE_WORDS}
        own["network"] = list(NETWORKS)
        self._labels = {name: list(dict.fromkeys([*own[name], *pins.labels[name]])) for name in DIMENSIONS}
        codes = {name: {label: code for code, label in enumerate(self._labels[name])} for name in DIMENSIONS}
        self._place_codes = {
            name: np.array([codes[name][label] for label in own[name]], np.int32) for name in PLACE_WORDS
        }
        columns = {name: getattr(pins.rows, name) for name in COLUMNS}
        for name in DIMENSIONS:
            ours = np.array([codes[name][label] for label in pins.labels[name]], np.int32)
            columns[name] = ours[columns[name]] if len(pins.rows) else columns[name]
        self._pins = Stays(**columns)
        self._pinned_users = {user: -1 - index for index, user in enumerate(pins.users)}
        self._pinned_rooms = {room: -1 - index for index, room in enumerate(pins.rooms)}
        taken = [user for user in pins.users if self._generated_user(user) is not None]
        taken += [room for room in pins.rooms if len(self._generated_room(room))]
        if taken:
            raise SpecError(
                ("pins",),
                Text(
                    f"{taken[0]} already belongs to a generated room or user: choose another id",
                    f"{taken[0]} 已属于生成的房间或用户：请换一个 ID",
                ),
            )


def _ids(codes: Any, code: IdCode, pinned: Sequence[str]) -> list[str]:
    numbers = np.atleast_1d(np.asarray(codes, np.int64))
    ids = code.encode(np.maximum(numbers, 0))
    for index in np.flatnonzero(numbers < 0).tolist():
        ids[index] = pinned[-1 - int(numbers[index])]
    return ids


def _overlapping(rows: Stays, begin: int, end: int) -> Stays:
    return rows.take((rows.leave >= begin) & (rows.enter <= end))
