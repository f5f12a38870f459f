"""What can be changed and asked while the server runs: scenario, clock, apps, faults, files. One method a resource.

Knows nothing of HTTP: the admin API and the in-process server are two handles on the same methods. Every method
takes the appkey of one app, or None for all of them; values are what JSON can say.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from mockserver.contract.apps import App
from mockserver.contract.checksum import Keys
from mockserver.contract.readings import READINGS, BadReading, parse_reading
from mockserver.core.clock import Clock, NoMoment, moment
from mockserver.core.errors import ConfigurationError, ControlError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.pipeline import Engine
from mockserver.engine.state import ALL_APPS, AppState
from mockserver.faults.fields import FaultError
from mockserver.faults.parsing import parse_fault
from mockserver.scenarios.loading import load_rule
from mockserver.server.listing import Listing
from mockserver.server.observing import Observer

Json = dict[str, Any]
FURTHEST = 366 * 86_400 * 100
"""No clock is moved further than this many seconds at once."""


class Control:
    """Acts on a running engine. `release` ends the delays and hangs of one app, or of all, at once."""

    def __init__(self, engine: Engine, release: Callable[[str | None], int] = lambda _: 0) -> None:
        self.engine = engine
        self.listing = Listing(engine)
        """What there is to choose from, and how the server is."""
        self.observer = Observer(engine)
        """The journal and what is read out of it."""
        self._release = release
        self._numbers = itertools.count(1)

    # Readings

    def readings(self, appkey: str | None) -> Json:
        """Every reading with the value in force."""
        chosen = dict(self.engine.config.readings(self.scenario(appkey)["name"]))
        chosen.update(self.engine.store.readings if appkey is None else self._state(appkey).readings)
        return {
            "readings": [
                {
                    "name": one.name,
                    "value": chosen[one.name],
                    "default": one.values.default,
                    "choices": one.values.show(),
                    "section": one.section,
                    "why": one.why.to(self.engine.lang),
                }
                for one in READINGS.values()
            ]
        }

    def set_readings(self, appkey: str | None, chosen: Mapping[str, Any]) -> Json:
        """Choose readings beside those chosen before; an empty mapping forgets them all."""
        try:
            parsed = {name: parse_reading(name, value) for name, value in chosen.items()}
        except BadReading as error:
            raise ControlError(422, "invalid_reading", error.text) from None
        (self.engine.store if appkey is None else self._state(appkey)).choose(parsed)
        return self.readings(appkey)

    # Answers

    def answers(self, appkey: str | None) -> Json:
        """The answers that were given beside the scenario's, to one app or to any, those that win first."""
        shared = self.engine.store.rules
        rows: dict[tuple[str, str], Json] = {}
        for state in self._states(appkey):
            for number, rule in state.rules:
                own = appkey is None and number not in shared
                row = {"id": number, "on": sorted(rule.on), "times": rule.times}
                rows[state.appkey if own else "", number] = {**row, "appkey": state.appkey} if own else row
        return {"answers": list(rows.values())}

    def add_answer(self, appkey: str | None, entry: Mapping[str, Any]) -> Json:
        """Answer some requests otherwise: an entry as in `answers` of a scenario file."""
        place = self.engine.store if appkey is None else self._state(appkey)
        number = f"given-{next(self._numbers)}"
        config = self.engine.config
        try:
            rule = load_rule(entry, number, config.schemas, config.catalogue)
        except ConfigurationError as error:
            raise _invalid(error) from None
        place.add_rule(number, rule)
        return {"id": number, "on": sorted(rule.on), "times": rule.times}

    def remove_answers(self, appkey: str | None, number: str | None) -> Json:
        """Take one answer back, or all of them."""
        gone = (self.engine.store if appkey is None else self._state(appkey)).drop_rules(number)
        if number is not None and not gone:
            raise ControlError(
                404, "unknown_answer", Text(f"there is no answer {number!r}", f"没有应答 {number!r}")
            )
        return {"removed": gone}

    # Faults

    def faults(self, appkey: str | None) -> Json:
        """The faults at work on one app, or on every one, in the order in which they act."""
        told: dict[tuple[str, str], Json] = {}
        for state in self._states(appkey):
            for one in state.faults.list(state.clock.now()):
                shared = appkey is None and one["origin"] == ALL_APPS
                owner = "" if shared else state.appkey
                known = told.setdefault((owner, one["id"]), one)
                if known is not one:
                    known["matched"] += one["matched"]
                    known["struck"] += one["struck"]
                    known["ended"] = known["ended"] and one["ended"]
                elif appkey is None and not shared:
                    one["appkey"] = owner
        return {"faults": list(told.values())}

    def add_fault(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """Put a fault to work: `{"fault": KIND, "on": …, …}` as in a scenario file."""
        self._states(appkey)
        try:
            fault = parse_fault(wanted, self.engine.config.catalogue)
            self.engine.learn([fault])
            if appkey is None:
                number = self.engine.store.add_fault(fault)
            else:
                state = self._state(appkey)
                number = state.faults.add(fault, state.clock.now(), origin="admin").id
        except FaultError as error:
            raise ControlError(422, "invalid_fault", _placed(error)) from None
        return {"id": number, **{name: value for name, value in fault.shown().items() if name != "id"}}

    def remove_fault(self, appkey: str | None, number: str) -> Json:
        """End one fault."""
        self._states(appkey)
        store = self.engine.store
        found = store.drop_fault(number) if appkey is None else self._state(appkey).faults.remove(number)
        if not found:
            raise ControlError(
                404, "unknown_fault", Text(f"there is no fault {number!r}", f"没有故障 {number!r}")
            )
        return {"removed": 1}

    def clear_faults(self, appkey: str | None) -> Json:
        """End every fault; answers that are held back are let go."""
        before = len(self.faults(appkey)["faults"])
        if appkey is None:
            self.engine.store.clear_faults()
        else:
            self._state(appkey).faults.clear()
        return {"removed": before, "released": self._release(appkey)}

    # Scenario and clock

    def scenario(self, appkey: str | None) -> Json:
        """The scenario that answers."""
        return {"name": self.engine.store.scenario if appkey is None else self._state(appkey).scenario}

    def use(self, appkey: str | None, name: str) -> Json:
        """Change the scenario; sequences start anew."""
        with self.engine.changing:
            scenarios = self.engine.config.scenarios
            if name not in scenarios:
                raise ControlError(422, "unknown_scenario", unknown("scenario", name, scenarios))
            if appkey is None:
                self.engine.store.use(name)
            else:
                self._state(appkey).use(name)
        return self.scenario(appkey)

    def clock(self, appkey: str | None) -> Json:
        """What the clock shows, and the machine's own time beside it."""
        clock = self._clock(appkey)
        return {
            "now": clock.now(),
            "machine": time.time(),
            "frozen": clock.frozen,
            "offset_seconds": clock.shift,
        }

    def set_clock(
        self,
        appkey: str | None,
        *,
        now: str | float | None = None,
        offset_seconds: float | None = None,
        advance_seconds: float | None = None,
    ) -> Json:
        """Freeze at a moment, run at an offset, or jump; exactly one of the three."""
        given = [value for value in (now, offset_seconds, advance_seconds) if value is not None]
        if len(given) != 1:
            names = "now, offset_seconds, advance_seconds"
            raise ControlError(
                422, "invalid_clock", Text(f"give exactly one of {names}", f"{names} 须且只能有一项")
            )
        clock = self._clock(appkey)
        if now is not None:
            clock.freeze(self._moment(now))
        elif offset_seconds is not None:
            _dated(clock.now() - clock.shift + _bounded("offset_seconds", offset_seconds))
            clock.offset(float(offset_seconds))
        elif advance_seconds is not None:
            _dated(clock.now() + _bounded("advance_seconds", advance_seconds))
            clock.advance(float(advance_seconds))
        return self.clock(appkey)

    def reset_clock(self, appkey: str | None) -> Json:
        """Back to how the clock was at the start."""
        self._clock(appkey).reset()
        return self.clock(appkey)

    # Apps

    def apps(self) -> Json:
        """The registered apps, without their secrets."""
        engine = self.engine
        return {
            "apps": [
                {
                    "appkey": app.appkey,
                    "name": app.name,
                    "scenario": engine.store.app(app.appkey).scenario,
                    "made": made,
                }
                for apps, made in ((engine.config.apps, False), (engine.apps, True))
                for app in apps.values()
            ]
        }

    def add_app(self) -> Json:
        """A fresh app with credentials, scenario, clock and counters of its own; the one answer that tells secrets."""
        appkey = f"9{secrets.randbelow(10**11):011d}"
        keys = Keys(appkey, f"MADE/UP+{secrets.token_urlsafe(18)}==", f"made-up-{secrets.token_hex(8)}")
        self.engine.register(App(keys, ("admin",), "made while the server ran"))
        return {"appkey": appkey, "appsecret": keys.appsecret, "restapikey": keys.restapikey}

    def remove_app(self, appkey: str) -> Json:
        """Forget an app that was made while the server ran; only its requests stay, for a report at the end."""
        if appkey in self.engine.config.apps:
            text = Text(
                f"app {appkey!r} is of apps.yaml; take it out there",
                f"应用 {appkey!r} 来自 apps.yaml；请在文件中删除",
            )
            raise ControlError(409, "app_of_a_file", text)
        if self.engine.apps.pop(appkey, None) is None:
            raise _unknown_app(self.engine, appkey)
        self._release(appkey)
        self.engine.store.drop(appkey)
        return {"removed": appkey}

    # Everything

    def reload(self) -> Json:
        """Read every file anew; on any mistake the last good set stays."""
        with contextlib.suppress(ConfigurationError):
            self.engine.reload()
        return self.listing.ready()

    def reset(self, appkey: str | None) -> Json:
        """Everything that belongs to an app as at the start, its journal too; answers that are held back are let go."""
        if appkey is None:
            self.engine.store.reset()
        else:
            self._state(appkey)
            self.engine.store.reset_app(appkey)
        self.engine.journal.clear(appkey)
        return {"released": self._release(appkey)}

    def _state(self, appkey: str) -> AppState:
        if self.engine.app(appkey) is None:
            raise _unknown_app(self.engine, appkey)
        state = self.engine.store.app(appkey)
        with self.engine.changing:
            # The faults of its scenario are there before the first request, too: to be listed and to be ended.
            state.install(self.engine.config.scenarios[state.scenario].faults)
        return state

    def _states(self, appkey: str | None) -> list[AppState]:
        """The state of one app, or those of all, of apps that are yet to call, too."""
        if appkey is not None:
            return [self._state(appkey)]
        known = [self._state(one) for one in (*self.engine.config.apps, *list(self.engine.apps))]
        return [*known, *(one for one in self.engine.store.states() if one not in known)]

    def _clock(self, appkey: str | None) -> Clock:
        return self.engine.store.clock if appkey is None else self._state(appkey).clock

    def _moment(self, now: str | float) -> float:
        if not isinstance(now, str):
            return _dated(now)
        try:
            return _dated(moment(now, int(time.time())))
        except NoMoment as error:
            raise ControlError(422, "invalid_clock", error.text) from None


def _invalid(error: ConfigurationError) -> ControlError:
    """What is wrong with something that was sent, without the place in a file that it does not have."""
    texts = [problem.text for problem in error.problems]
    return ControlError(
        422, "invalid_field", Text("; ".join(one.en for one in texts), "；".join(one.zh for one in texts))
    )


def _placed(error: FaultError) -> Text:
    """What is wrong with a fault, with the field it is wrong with."""
    place = ".".join(str(step) for step in error.pointer)
    return Text(f"{place}: {error.text.en}", f"{place}：{error.text.zh}") if place else error.text


def _dated(now: float) -> float:
    """A moment that can be signed: curtime has ten digits (§1.1.2)."""
    if not 1_000_000_000 <= now <= 9_999_999_999:
        raise ControlError(
            422,
            "invalid_clock",
            Text(
                "a clock shows 2001 to 2286: ten digits of seconds", "时钟须在 2001 至 2286 年之间：十位秒数"
            ),
        )
    return float(now)


def _bounded(name: str, seconds: float) -> float:
    if not abs(seconds) <= FURTHEST:
        raise ControlError(422, "invalid_clock", Text(f"{name} is out of range", f"{name} 超出范围"))
    return float(seconds)


def _unknown_app(engine: Engine, appkey: str) -> ControlError:
    return ControlError(404, "unknown_appkey", unknown("app", appkey, (*engine.config.apps, *engine.apps)))
