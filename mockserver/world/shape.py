"""A checked parameter set as integers and tables, ready for vectorised use; refuses what contradicts itself.

Knows nothing of rooms that exist: it says how many can, how long they last, and who can be where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum
from typing import Any

import numpy as np

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.core.text import Text
from mockserver.world.parameters import checked
from mockserver.world.pins import Pinned, document_pins, read_pins
from mockserver.world.places import HOME, PLACES, Place
from mockserver.world.prf import I64
from mockserver.world.quality import NETWORKS, Quality
from mockserver.world.stays import SpecError
from mockserver.world.tables import lognormal, shares

EPOCH = parse_day("20190101")
"""The first second of every generated world: 2019-01-01 00:00 UTC+8."""
HOUR = 3_600
ROOMS_AN_HOUR = 1 << 15
"""The most rooms that can start in an hour: a room's number is hour · 2^15 + its place in the hour."""
SHARE_BITS = 32
RATE_BITS = 20
NOISE_BITS = 10
NOISE = 72
"""A day's rooms vary by ±72/1024."""


@dataclass(frozen=True)
class Kinds:
    """The room kinds, one entry a kind."""

    lengths: I64
    """Shape (kinds, 4096): equally likely lengths in seconds."""
    least: I64
    most: I64
    """People in a room, the host included."""
    rates: I64
    """Shape (2, 24, kinds): rooms of an hour of a weekday or a weekend, in 2^-20."""


@dataclass(frozen=True)
class Shape:
    """Everything that decides a generated world but the draws."""

    seed: int
    users: int
    kinds: Kinds
    cap: int
    network_days: I64
    network_shares: I64
    """Cumulative shares in 2^-32, shape (days given, networks)."""
    places: tuple[Place, ...]
    place_shares: I64
    quality: Quality
    pins: Pinned
    per_app: bool

    @property
    def look_back(self) -> int:
        """How many hours before its own a room's start can lie and still touch a second of the hour."""
        return (HOUR - 1 + self.cap) // HOUR

    def network(self, day: I64, word: I64) -> I64:
        """The network type that a uniform 32-bit word picks on each day (seconds since the epoch)."""
        days, table = self.network_days, self.network_shares
        if len(days) == 1:
            limits = np.broadcast_to(table[0], (len(day), table.shape[1]))
        else:
            left = np.clip(np.searchsorted(days, day, side="right") - 1, 0, len(days) - 2)
            span = (days[left + 1] - days[left]) // DAY_SECONDS
            passed = np.clip((day - days[left]) // DAY_SECONDS, 0, span)
            limits = table[left] + (table[left + 1] - table[left]) * passed[:, None] // span[:, None]
        codes: I64 = (word[:, None] >= limits[:, :-1]).sum(axis=1)
        return codes


def shape_of(spec: Mapping[str, Any]) -> Shape:
    """The shape that a `world:` block asks for; SpecError for a value that is wrong or contradicts others."""
    values = checked(spec)
    lengths = {"floor": 5, "cap": 14_400, **values["call_lengths"]}
    kinds = _kinds(values, lengths["floor"], lengths["cap"])
    days, network_shares = _networks(values["networks"])
    places = _places(values["places"])
    return Shape(
        seed=values["seed"],
        users=_users(values["users"], kinds),
        kinds=kinds,
        cap=lengths["cap"],
        network_days=days,
        network_shares=network_shares,
        places=places,
        place_shares=shares([place.weight for place in places], SHARE_BITS),
        quality=Quality(values["quality"], values["failed_joins"]),
        pins=read_pins(
            values["pins"] if "pins" in spec else document_pins(values["places"] and places), places
        ),
        per_app=values["per_app"],
    )


def _kinds(values: Mapping[str, Any], floor: int, cap: int) -> Kinds:
    if floor > cap:
        raise SpecError(
            ("call_lengths",),
            Text(f"floor {floor} is above cap {cap}: swap them", f"floor {floor} 大于 cap {cap}：请对调"),
        )
    rows = values["room_kinds"]
    for number, row in enumerate(rows):
        at = ("room_kinds", number)
        if row["seats"][0] > row["seats"][1]:
            raise SpecError(
                (*at, "seats"),
                Text(
                    f"{row['seats']}: the least comes first, then the most",
                    f"{row['seats']}：先写最少人数，再写最多人数",
                ),
            )
        if not floor <= row["median"] <= cap:
            raise SpecError(
                (*at, "median"),
                Text(
                    f"{row['median']} lies outside call_lengths {floor} … {cap}: move one of them",
                    f"{row['median']} 不在 call_lengths {floor} … {cap} 之内：请调整中位数或上下限",
                ),
            )
    weights = values["hour_weights"]
    kind_total, hour_total = fsum(row["share"] for row in rows), fsum(weights)
    for name, total in (("room_kinds", kind_total), ("hour_weights", hour_total)):
        if total <= 0:
            raise SpecError((name,), Text("one of them must be above 0", "至少一项须大于 0"))
    rates = [
        [
            [
                round(
                    values["rooms_per_day"] * factor * weight / hour_total * row["share"] / kind_total * 2**20
                )
                for row in rows
            ]
            for weight in weights
        ]
        for factor in (1, values["weekend_factor"])
    ]
    kinds = Kinds(
        lengths=np.stack(
            [lognormal(float(row["median"]), float(row.get("sigma", 0.8)), floor, cap) for row in rows]
        ),
        least=np.array([row["seats"][0] for row in rows], np.int64),
        most=np.array([row["seats"][1] for row in rows], np.int64),
        rates=np.array(rates, np.int64),
    )
    busiest = int(_most_rooms(kinds).sum(axis=-1).max())
    if busiest > ROOMS_AN_HOUR:
        raise SpecError(
            ("rooms_per_day",),
            Text(
                f"{busiest:,} rooms would start in the busiest hour, at most {ROOMS_AN_HOUR:,} can: "
                "lower rooms_per_day or weekend_factor, or even out hour_weights",
                f"最忙一小时将有 {busiest:,} 个房间，上限 {ROOMS_AN_HOUR:,}：请减小 rooms_per_day "
                "或 weekend_factor，或使 hour_weights 更均匀",
            ),
        )
    return kinds


def _most_rooms(kinds: Kinds) -> I64:
    """Upper bounds of the rooms of each kind in each hour, shape (2, 24, kinds)."""
    noisy = kinds.rates * ((1 << NOISE_BITS) + NOISE) >> NOISE_BITS
    return np.where(kinds.rates > 0, (noisy + (1 << RATE_BITS) - 1) >> RATE_BITS, 0)


def seats_needed(kinds: Kinds) -> int:
    """How many users the busiest hour can seat at once, and so the fewest that a world needs."""
    return int((_most_rooms(kinds) * kinds.most).sum(axis=-1).max())


def _users(users: int | None, kinds: Kinds) -> int:
    seats = seats_needed(kinds)
    if users is None:
        return max(4_096, 4 * seats)
    if seats > users:
        raise SpecError(
            ("users",),
            Text(
                f"{users:,} users cannot fill the {seats:,} seats of the busiest hour: give at least "
                f"{seats:,} (better {4 * seats:,}), leave users out, or lower rooms_per_day",
                f"{users:,} 个用户坐不满最忙一小时的 {seats:,} 个座位：至少 {seats:,}（建议 {4 * seats:,}），"
                "或省略 users，或减小 rooms_per_day",
            ),
        )
    return users


def _networks(dated: Mapping[Any, Mapping[str, float]]) -> tuple[I64, I64]:
    rows: dict[int, I64] = {}
    for name, given in dated.items():
        at = ("networks", name)
        text = str(name)
        try:
            day = parse_day(text if len(text) == 8 else f"{text}0101")
        except ValueError:
            raise SpecError(
                at, Text("no such day: write a year or yyyymmdd", "没有这一天：请写年份或 yyyymmdd")
            ) from None
        if day in rows:
            other = date.fromordinal(day // DAY_SECONDS + 1 + date(1970, 1, 1).toordinal()).isoformat()
            raise SpecError(at, Text(f"{other} is given twice", f"{other} 重复"))
        weights = [float(given.get(network, 0)) for network in NETWORKS]
        if fsum(weights) <= 0:
            raise SpecError(at, Text("one of the shares must be above 0", "至少一项占比须大于 0"))
        rows[day] = shares(weights, SHARE_BITS)
    days = sorted(rows)
    return np.array(days, np.int64), np.stack([rows[day] for day in days])


def _places(rows: Sequence[Mapping[str, Any]] | None) -> tuple[Place, ...]:
    if rows is None:
        return PLACES
    places: list[Place] = []
    homes: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows):
        place = Place(row.get("country", HOME), row["province"], row["city"], float(row["weight"]))
        for word, inner, outer in (
            ("city", place.city, place.province),
            ("province", place.province, place.country),
        ):
            if homes.setdefault((word, inner), outer) != outer:
                other = homes[word, inner]
                raise SpecError(
                    ("places", number, word),
                    Text(
                        f"{inner} lies in {other} above and in {outer} here: one of them is wrong",
                        f"{inner} 前面属于 {other}，这里属于 {outer}：请改正其一",
                    ),
                )
        places.append(place)
    if fsum(place.weight for place in places) <= 0:
        raise SpecError(("places",), Text("one of the weights must be above 0", "至少一项权重须大于 0"))
    return tuple(places)
