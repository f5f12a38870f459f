"""Checks that the sessions of a file are possible: their lengths, the other calls of the user, and their places."""

from __future__ import annotations

import numpy as np

from mockserver.core.clock import show_time
from mockserver.world.demographics import PlaceHierarchy
from mockserver.world.session_files import MAX_FOUND, Found, Table
from mockserver.world.sessions import TEXTS


def check_sessions(table: Table) -> None:
    """Raise ConfigurationError unless the sessions of a file have a valid length and do not overlap for any user."""
    columns, users, rooms = table.columns, table.texts["UserId"], table.texts["RoomId"]
    enter, leave = columns["enter"], columns["leave"]
    found: list[Found] = []
    # A cell that is invalid itself would only cause further mistakes.
    is_timed = table.valid("enter", "leave")
    for row in np.flatnonzero((leave <= enter) & is_timed).tolist()[:MAX_FOUND]:
        text = TEXTS["leave_before_enter"].format(leave=show_time(leave[row]), enter=show_time(enter[row]))
        found.append((row, "leave", text))
    for name in ("audio", "video"):
        is_wrong = (columns[name] > leave - enter) & (leave > enter) & is_timed & table.valid(name)
        for row in np.flatnonzero(is_wrong).tolist()[:MAX_FOUND]:
            text = TEXTS["stream_too_long"].format(stream=name, limit=int(leave[row] - enter[row]))
            found.append((row, name, text))
    order = np.argsort(columns["UserId"], kind="stable")
    order = order[(is_timed & (leave > enter) & table.valid("UserId"))[order]]
    before, after = order[:-1], order[1:]
    overlaps = (columns["UserId"][before] == columns["UserId"][after]) & (enter[after] < leave[before])
    for index in np.flatnonzero(overlaps).tolist()[:MAX_FOUND]:
        first, second = int(before[index]), int(after[index])
        values = {"user": users[columns["UserId"][first]], "room": rooms[columns["RoomId"][first]]}
        times = {"enter": show_time(enter[second]), "leave": show_time(leave[first])}
        found.append((second, "enter", TEXTS["overlap"].format(**values, **times)))
    hierarchy = PlaceHierarchy()
    names = ("country", "province", "city")
    country, province, city = (columns[name].astype(np.int64) for name in names)
    places = (country * len(table.texts["province"]) + province) * len(table.texts["city"]) + city
    rows = np.flatnonzero(table.valid(*names))
    for row in rows[np.unique(places[rows], return_index=True)[1]].tolist():
        if conflict := hierarchy.add(*(table.texts[name][columns[name][row]] for name in names)):
            found.append((row, conflict.level, conflict.text))
    table.check(found)
