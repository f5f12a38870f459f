"""The facts behind generated worlds, read from `defaults.json`: places, carriers, networks and their quality, load."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.core.text import Text


class Place(NamedTuple):
    """A city in its province and country; `weight` is relative to the other places."""

    country: str
    province: str
    city: str
    weight: float


class PlaceConflict(NamedTuple):
    """A place that contradicts an earlier one."""

    level: str  # `city` or `province`.
    parent: str  # `province` or `country`.
    text: Text


class PlaceHierarchy:
    """Checks that each city is in one province and each province in one country, so that the counts of §3.2 nest."""

    def __init__(self, places: Iterable[Place] = ()) -> None:
        self._parents: dict[tuple[str, str], str] = {}
        for place in places:
            self.add(place.country, place.province, place.city)

    def add(self, country: str, province: str, city: str) -> PlaceConflict | None:
        """Add a place. Return a conflict if an earlier one puts the city or the province elsewhere."""
        for level, name, parent, parent_name in (
            ("city", city, "province", province),
            ("province", province, "country", country),
        ):
            earlier = self._parents.setdefault((level, name), parent_name)
            if earlier != parent_name:
                text = Text(
                    f"{name} is in {earlier} elsewhere and in {parent_name} here: correct one of them",
                    f"{name} 在别处属于 {earlier}，此处属于 {parent_name}：请改正其一",
                )
                return PlaceConflict(level, parent, text)
        return None


_FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("defaults.json").read_bytes())
HOME = "中国"
PARAMETERS: Mapping[str, Any] = _FACTS["parameters"]
"""The default of every parameter of a `world:` block except `pins`."""
PLACES = (
    *(
        Place(HOME, province, city, float(residents))
        for province, cities in _FACTS["cities"].items()
        for city, residents in cities.items()
    ),
    *(Place(**place) for place in _FACTS["abroad"]),
)
"""Cities, which represent their province, by residents in units of 10,000 (census of 2020); 3 % of users are abroad."""
CARRIERS = tuple(_FACTS["carriers"].items())  # Mobile carriers and their share of subscribers in percent (2019).
QUALITY: Mapping[str, Mapping[str, Any]] = _FACTS["networks"]
"""For each `quality` and network: median and 95 % quantile of loss (%) and delay (ms), and failed joins (%).

`document_like` is as in the sample of §3.3.6: joins 90-92 %, loss 10-29 %, delays 30-50 ms on every network.
"""
NETWORKS = tuple(QUALITY["realistic"])  # The network types of a generated world, indexed by code.
EVENING_LOAD: Sequence[int] = _FACTS["evening_load"]
"""By how many percent the load of each local hour raises the loss; delays rise by a third of it."""
DOCUMENT_PINS: list[dict[str, Any]] = _FACTS["pins"]
"""Rooms that make the literal ids of the document's samples answer with data on 2019-12-10.

Times and durations are those of the samples where they can all be true at once. Where the document contradicts itself
(one user twice in a room at the same time in §2.1.6, a leave after the end of the room in §2.2.6, nine-digit
timestamps) the nearest consistent time is used. In 666777 (§2.3.6), created 13.7 hours before bbb joins, another user
has to be there since then.
"""
