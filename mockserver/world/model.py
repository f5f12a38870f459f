"""The statistical model of a generated world: its parameters checked and compiled to integers and tables.

It says how many rooms can start, how long they last, who can be where and how good connections are; not which rooms
there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import Any

import numpy as np

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.core.errors import Mistake, Mistakes
from mockserver.world.demographics import (
    EVENING_LOAD,
    HOME,
    NETWORKS,
    PARAMETERS,
    PLACES,
    QUALITY,
    Place,
    PlaceHierarchy,
)
from mockserver.world.pinned import PinnedRooms, document_pins, load_pins
from mockserver.world.random_numbers import cumulative_shares, lognormal, sigma_of
from mockserver.world.sessions import I64, WorldError

EPOCH = parse_day("20190101")  # The first second of every generated world: 2019-01-01 00:00 UTC+8.
HOUR = 3_600
MAX_ROOMS_PER_HOUR = 1 << 15  # A room's number is its hour · 2^15 + its index in the hour.
SHARE_BITS = 32
RATE_BITS = 20
NOISE_BITS = 10
NOISE = 72  # A day's rooms vary by ±72/1024.
MAX_LOSS = 100_000
MAX_DELAY = 5_000_000


@dataclass(frozen=True)
class RoomKinds:
    """The room kinds as arrays with one entry for each kind."""

    lengths: I64  # Shape (kinds, 4096): equally likely durations in seconds.
    min_users: I64
    max_users: I64  # Users in a room, including the host.
    rates: I64  # Shape (2, 24, kinds): rooms that start in an hour of a weekday or a weekend day, in units of 2^-20.


class QualityTables:
    """Loss in thousandths of a percent, delay in microseconds, failed joins; rows are networks."""

    def __init__(self, profile: str, failed: float | None) -> None:
        rows = [QUALITY[profile][name] for name in NETWORKS]
        self.loss = np.stack([_quantiles(row["loss"], 0, MAX_LOSS) for row in rows])
        self.delay = np.stack([_quantiles(row["delay"], 1_000, MAX_DELAY) for row in rows])
        percents = [row["failed"] if failed is None else failed for row in rows]
        # A failed join is followed by a successful one, so p % of all joins are p/(100-p) for each session.
        self.failures: I64 = np.array([round(p / (100 - p) * 65_536) for p in percents], np.int64)
        """Failed joins for each session, in 65,536ths."""
        # The numbers of the document's sample do not vary with the hour.
        load = (0,) * 24 if profile == "document_like" else EVENING_LOAD
        self.loss_load: I64 = np.array([100 + extra for extra in load], np.int64)
        self.delay_load: I64 = np.array([100 + extra // 3 for extra in load], np.int64)
        """Percent of the calm loss and delay, by local hour."""


@dataclass(frozen=True)
class WorldModel:
    """Everything that determines a generated world except the draws."""

    seed: int
    users: int
    kinds: RoomKinds
    max_room_seconds: int
    network_days: I64
    network_shares: I64  # Cumulative shares in units of 2^-32, shape (days, networks).
    places: tuple[Place, ...]
    place_shares: I64
    quality: QualityTables
    pins: PinnedRooms
    per_app: bool

    @property
    def look_back(self) -> int:
        """How many hours earlier a room can start and still be open in an hour."""
        return (HOUR - 1 + self.max_room_seconds) // HOUR

    def network(self, day: I64, draws: I64) -> I64:
        """Return the network code that a uniform 32-bit draw selects on each day (seconds since the epoch)."""
        days, table = self.network_days, self.network_shares
        if len(days) == 1:
            limits = np.broadcast_to(table[0], (len(day), table.shape[1]))
        else:
            left = np.clip(np.searchsorted(days, day, side="right") - 1, 0, len(days) - 2)
            span = (days[left + 1] - days[left]) // DAY_SECONDS
            elapsed = np.clip((day - days[left]) // DAY_SECONDS, 0, span)
            limits = table[left] + (table[left + 1] - table[left]) * elapsed[:, None] // span[:, None]
        codes: I64 = (draws[:, None] >= limits[:, :-1]).sum(axis=1)
        return codes


def _quantiles(quantiles: Sequence[float], low: int, high: int) -> I64:
    median, p95 = quantiles
    return lognormal(median * 1_000, sigma_of(median, p95), low, high)


def build_model(spec: Mapping[str, Any]) -> WorldModel:
    """Return the model of a `world:` block that is valid by its JSON Schema; WorldError if it contradicts itself."""
    values = {**PARAMETERS, **spec}
    lengths = {**PARAMETERS["call_lengths"], **values["call_lengths"]}
    mistakes = Mistakes()
    with mistakes.collect():
        kinds = _kinds(values, lengths["floor"], lengths["cap"])
        users = _users(values["users"], kinds)
    with mistakes.collect("networks"):
        days, network_shares = _networks(values["networks"])
    with mistakes.collect():
        places = _places(values["places"])
        pins = load_pins(spec["pins"] if "pins" in spec else document_pins(values["places"] and places), places)
    mistakes.check(WorldError)
    return WorldModel(
        seed=values["seed"],
        users=users,
        kinds=kinds,
        max_room_seconds=lengths["cap"],
        network_days=days,
        network_shares=network_shares,
        places=places,
        place_shares=cumulative_shares([place.weight for place in places], SHARE_BITS),
        quality=QualityTables(values["quality"], values["failed_joins"]),
        pins=pins,
        per_app=values["per_app"],
    )


def _kinds(values: Mapping[str, Any], floor: int, cap: int) -> RoomKinds:
    if floor > cap:
        raise WorldError.of(("call_lengths",), "floor_above_cap", floor=floor, cap=cap)
    mistakes = Mistakes()
    rows = values["room_kinds"]
    for number, row in enumerate(rows):
        at = ("room_kinds", number)
        if row["seats"][0] > row["seats"][1]:
            mistakes.add(WorldError.of((*at, "seats"), "seats_swapped", seats=row["seats"]))
        if not floor <= row["median"] <= cap:
            wrong = WorldError.of((*at, "median"), "median_outside", median=row["median"], floor=floor, cap=cap)
            mistakes.add(wrong)
    weights = values["hour_weights"]
    kind_total, hour_total = fsum(row["share"] for row in rows), fsum(weights)
    for name, total in (("room_kinds", kind_total), ("hour_weights", hour_total)):
        if total <= 0:
            mistakes.add(WorldError.of((name,), "all_zero"))
    mistakes.check(WorldError)
    rates = [
        [
            [
                round(values["rooms_per_day"] * factor * weight / hour_total * row["share"] / kind_total * 2**20)
                for row in rows
            ]
            for weight in weights
        ]
        for factor in (1, values["weekend_factor"])
    ]
    kinds = RoomKinds(
        lengths=np.stack([lognormal(float(row["median"]), float(row.get("sigma", 0.8)), floor, cap) for row in rows]),
        min_users=np.array([row["seats"][0] for row in rows], np.int64),
        max_users=np.array([row["seats"][1] for row in rows], np.int64),
        rates=np.array(rates, np.int64),
    )
    busiest = int(_max_rooms(kinds).sum(axis=-1).max())
    if busiest > MAX_ROOMS_PER_HOUR:
        raise WorldError.of(("rooms_per_day",), "too_many_rooms", busiest=busiest, limit=MAX_ROOMS_PER_HOUR)
    return kinds


def _max_rooms(kinds: RoomKinds) -> I64:
    """Upper bounds of the rooms of each kind in each hour, shape (2, 24, kinds)."""
    noisy = kinds.rates * ((1 << NOISE_BITS) + NOISE) >> NOISE_BITS
    return np.where(kinds.rates > 0, (noisy + (1 << RATE_BITS) - 1) >> RATE_BITS, 0)


def slots_needed(kinds: RoomKinds) -> int:
    """Return the slots of the busiest hour: the minimum number of users of a world."""
    return int((_max_rooms(kinds) * kinds.max_users).sum(axis=-1).max())


def _users(users: int | None, kinds: RoomKinds) -> int:
    slots = slots_needed(kinds)
    if users is None:
        return max(4_096, 4 * slots)
    if slots > users:
        raise WorldError.of(("users",), "too_few_users", users=users, slots=slots, better=4 * slots)
    return users


def _networks(shares: Mapping[str, Mapping[str, float]]) -> tuple[I64, I64]:
    rows: dict[int, I64] = {}
    mistakes = Mistakes()
    for name, share in shares.items():
        with mistakes.collect(name):
            day = _day(name)
            if day in rows:
                other = date.fromordinal(day // DAY_SECONDS + 1 + date(1970, 1, 1).toordinal()).isoformat()
                raise WorldError.of((), "day_twice", day=other)
            weights = [float(share.get(network, 0)) for network in NETWORKS]
            if fsum(weights) <= 0:
                raise WorldError.of((), "no_share")
            rows[day] = cumulative_shares(weights, SHARE_BITS)
    mistakes.check(WorldError)
    days = sorted(rows)
    return np.array(days, np.int64), np.stack([rows[day] for day in days])


def _day(name: str) -> int:
    try:
        return parse_day(name if len(name) == 8 else f"{name}0101")
    except ValueError:
        raise WorldError.of((), "no_date") from None


def _places(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Place, ...]:
    if rows is None:
        return PLACES
    places: list[Place] = []
    hierarchy = PlaceHierarchy()
    mistakes = Mistakes()
    for number, row in enumerate(rows):
        place = Place(row.get("country", HOME), row["province"], row["city"], float(row["weight"]))
        if conflict := hierarchy.add(place.country, place.province, place.city):
            mistakes.append(Mistake(("places", number, conflict.level), conflict.text))
        places.append(place)
    mistakes.check(WorldError)
    if fsum(place.weight for place in places) <= 0:
        raise WorldError.of(("places",), "no_weight")
    return tuple(places)
