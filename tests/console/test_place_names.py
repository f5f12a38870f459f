"""Every place of a generated world has an English name."""

from __future__ import annotations

from mockserver.server.console_data import english_name
from mockserver.world.demographics import PLACES


def test_every_place_has_an_english_name() -> None:
    """Countries, provinces and cities, each with a name of its own at its level."""
    for level in ("country", "province", "city"):
        names = {getattr(place, level) for place in PLACES}
        english = {english_name(name) for name in names}
        assert all(name.isascii() for name in english), english
        assert len(english) == len(names)
    assert english_name("某地") == "某地"
