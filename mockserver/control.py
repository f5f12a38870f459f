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

from mockserver import __version__
from mockserver.clock import Clock, moment
from mockserver.contract.documents import nearest
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS, BadReading, parse_reading
from mockserver.engine import Engine
from mockserver.errors import ConfigurationError, ControlError
from mockserver.faults.fields import FaultError
from mockserver.faults.spec import parse_fault
from mockserver.faults.spec import rows as fault_rows
from mockserver.messages import Text
from mockserver.observing import Observer
from mockserver.scenarios.loading import load_rule
from mockserver.scenarios.matching import compile_when
from mockserver.settings import SETTINGS
from mockserver.signing.apps import App
from mockserver.signing.checksum import Keys
from mockserver.stores.memory import AppState

Json = dict[str, Any]
FURTHEST = 366 * 86_400 * 100
"""No clock is moved further than this many seconds from where it was."""


class Control:
    """Acts on a running engine. `release` ends the delays and hangs of one app, or of all, at once."""

    def __init__(self, engine: Engine, release: Callable[[str | None], int] = lambda _: 0) -> None:
        self.engine = engine
        self.observer = Observer(engine)
        """The journal and what is read out of it."""
        self._release = release
        self._started = time.monotonic()
        self._numbers = itertools.count(1)

    # Registries

    def health(self) -> Json:
        """That the process lives, and which version it is."""
        return {
            "status": "ok",
            "version": __version__,
            "uptime_seconds": round(time.monotonic() - self._started, 3),
        }

    def ready(self) -> Json:
        """Whether the files that were read last are the ones that answer."""
        problems = [
            {
                "place": one.place,
                "line": one.line,
                "column": one.column,
                "text": one.text.to(self.engine.lang),
            }
            for one in self.engine.problems
        ]
        return {"ready": not problems, "problems": problems}

    def operations(self) -> Json:
        """The six operations."""
        lang = self.engine.lang
        return {
            "operations": [
                {"name": one.name, "section": one.section, "path": one.path, "title": one.title.to(lang)}
                for one in OPERATIONS.values()
            ]
        }

    def scenarios(self) -> Json:
        """The scenarios that can be chosen."""
        lang = self.engine.lang
        return {
            "scenarios": [
                {
                    "name": one.name,
                    "extends": one.extends,
                    "title": one.title.to(lang),
                    "description": one.description.to(lang),
                }
                for one in self.engine.library.scenarios.values()
            ]
        }

    def errors(self) -> Json:
        """The error catalogue."""
        return {
            "errors": [
                {
                    "name": row.name,
                    "code": row.code,
                    "source": row.source,
                    "text": row.text.to(self.engine.lang),
                }
                for row in self.engine.library.catalogue.values()
            ]
        }

    def readings(self, appkey: str | None) -> Json:
        """Every reading with the value in force."""
        chosen = dict(self.engine.library.readings(self.scenario(appkey)["name"]))
        if appkey is not None:
            chosen.update(self._state(appkey).readings)
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

    def settings(self) -> Json:
        """Every setting there is; the secrets among them are never told."""
        return {
            "settings": [
                {
                    "name": one.name,
                    "option": one.option,
                    "environment": one.variable,
                    "meaning": one.text.to(self.engine.lang),
                }
                for one in SETTINGS.values()
            ]
        }

    def set_readings(self, appkey: str | None, chosen: Mapping[str, Any]) -> Json:
        """Choose readings for one app, beside those chosen before; an empty mapping forgets them all."""
        try:
            parsed = {name: parse_reading(name, value) for name, value in chosen.items()}
        except BadReading as error:
            raise ControlError(422, "invalid_reading", error.text) from None
        if appkey is None:
            text = Text("readings are chosen for one app: add ?appkey=", "读法按应用设置：请加 ?appkey=")
            raise ControlError(422, "missing_appkey", text)
        state = self._state(appkey)
        state.readings = {**state.readings, **parsed} if parsed else {}
        return self.readings(appkey)

    # Answers of one app

    def answers(self, appkey: str | None) -> Json:
        """The answers that were given to an app beside its scenario's, those that win first."""
        state = self._one(appkey)
        return {
            "answers": [
                {"id": number, "on": sorted(rule.on), "times": rule.times} for number, rule in state.rules
            ]
        }

    def add_answer(self, appkey: str | None, entry: Mapping[str, Any]) -> Json:
        """Answer some requests of an app otherwise: an entry as in `answers` of a scenario file."""
        state = self._one(appkey)
        number = f"given-{next(self._numbers)}"
        library = self.engine.library
        try:
            rule = load_rule(entry, number, library.schemas, library.catalogue)
        except ConfigurationError as error:
            raise _invalid(error) from None
        state.add_rule(number, rule)
        return {"id": number, "on": sorted(rule.on), "times": rule.times}

    def remove_answers(self, appkey: str | None, number: str | None) -> Json:
        """Take one answer back, or all of them."""
        gone = self._one(appkey).drop_rules(number)
        if number is not None and not gone:
            raise ControlError(
                404, "unknown_answer", Text(f"there is no answer {number!r}", f"没有应答 {number!r}")
            )
        return {"removed": gone}

    # Faults

    def fault_kinds(self) -> Json:
        """The kinds of faults there are, with their fields."""
        return {"faults": fault_rows()}

    def faults(self, appkey: str | None) -> Json:
        """The faults at work on one app, or on every one, in the order in which they act."""
        states = self.engine.store.states() if appkey is None else [self._state(appkey)]
        told: dict[str, Json] = {}
        for state in states:
            for one in state.faults.list(state.clock.now()):
                told.setdefault(one["id"], one)
        return {"faults": list(told.values())}

    def add_fault(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """Put a fault to work: `{"fault": KIND, "on": …, …}` as in a scenario file."""
        try:
            fault = parse_fault(wanted, self.engine.library.catalogue, compile_when)
            if appkey is None:
                number = self.engine.store.add_fault(fault)
            else:
                state = self._state(appkey)
                number = state.faults.add(fault, state.clock.now(), origin="admin").id
        except FaultError as error:
            raise ControlError(422, "invalid_fault", _placed(error)) from None
        return {"id": number, **{name: value for name, value in fault.told().items() if name != "id"}}

    def remove_fault(self, appkey: str | None, number: str) -> Json:
        """End one fault."""
        store = self.engine.store
        found = store.drop_fault(number) if appkey is None else self._state(appkey).faults.remove(number)
        if not found:
            raise ControlError(
                404, "unknown_fault", Text(f"there is no fault {number!r}", f"没有故障 {number!r}")
            )
        return {"removed": 1}

    def clear_faults(self, appkey: str | None) -> Json:
        """End every fault; answers that are held back are let go."""
        store = self.engine.store
        gone = store.clear_faults() if appkey is None else self._state(appkey).faults.clear()
        return {"removed": gone, "released": self._release(appkey)}

    # Scenario and clock

    def scenario(self, appkey: str | None) -> Json:
        """The scenario that answers."""
        return {"name": self.engine.store.scenario if appkey is None else self._state(appkey).scenario}

    def use(self, appkey: str | None, name: str) -> Json:
        """Change the scenario; sequences start anew."""
        with self.engine.changing:
            scenarios = self.engine.library.scenarios
            if name not in scenarios:
                hint = nearest(name, scenarios)
                raise ControlError(
                    422,
                    "unknown_scenario",
                    Text(f"there is no scenario {name!r}{hint.en}", f"没有场景 {name!r}{hint.zh}"),
                )
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
            clock.offset(_bounded("offset_seconds", offset_seconds))
        elif advance_seconds is not None:
            clock.advance(_bounded("advance_seconds", advance_seconds))
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
                for apps, made in ((engine.library.apps, False), (engine.apps, True))
                for app in apps.values()
            ]
        }

    def add_app(self) -> Json:
        """A fresh app with credentials, scenario, clock and counters of its own; the one answer that tells secrets."""
        appkey = f"9{secrets.randbelow(10**11):011d}"
        keys = Keys(appkey, f"MADE/UP+{secrets.token_urlsafe(18)}==", f"made-up-{secrets.token_hex(8)}")
        self.engine.apps[appkey] = App(keys, ("admin",), "made while the server ran")
        return {"appkey": appkey, "appsecret": keys.appsecret, "restapikey": keys.restapikey}

    def remove_app(self, appkey: str) -> Json:
        """Forget an app that was made while the server ran, and all that belongs to it."""
        if self.engine.apps.pop(appkey, None) is None:
            raise _unknown_app(appkey)
        self._release(appkey)
        self.engine.store.drop(appkey)
        return {"removed": appkey}

    # Everything

    def reload(self) -> Json:
        """Read every file anew; on any mistake the last good set stays."""
        with contextlib.suppress(ConfigurationError):
            self.engine.reload()
        return self.ready()

    def reset(self, appkey: str | None) -> Json:
        """Everything that belongs to an app as at the start, its journal too; answers that are held back are let go."""
        if appkey is None:
            self.engine.store.reset()
        else:
            self._state(appkey).reset(self.engine.store.first_scenario)
        self.engine.journal.clear(appkey)
        return {"released": self._release(appkey)}

    def _state(self, appkey: str) -> AppState:
        if self.engine.app(appkey) is None:
            raise _unknown_app(appkey)
        return self.engine.store.app(appkey)

    def _one(self, appkey: str | None) -> AppState:
        """The state of the app that a request names, or of the first one."""
        return self._state(next(iter(self.engine.library.apps)) if appkey is None else appkey)

    def _clock(self, appkey: str | None) -> Clock:
        return self.engine.store.clock if appkey is None else self._state(appkey).clock

    def _moment(self, now: str | float) -> float:
        if isinstance(now, float):
            return _bounded("now", now)
        try:
            return float(moment(now, int(time.time())))
        except ValueError as error:
            raise ControlError(422, "invalid_clock", Text(str(error), f"{now!r} 不是时刻")) from None


def arguments(body: Mapping[str, Any], **kinds: tuple[type, ...]) -> Json:
    """The fields of a JSON body, each of one of its kinds; ControlError for any other."""
    for name, value in body.items():
        if name not in kinds:
            hint = nearest(name, kinds)
            known = ", ".join(kinds) or "none"
            raise ControlError(
                422,
                "unknown_field",
                Text(
                    f"unknown field {name!r}{hint.en or f'; known: {known}'}",
                    f"未知字段 {name!r}{hint.zh or f'；可用：{known}'}",
                ),
            )
        if (isinstance(value, bool) and bool not in kinds[name]) or not isinstance(value, kinds[name]):
            words = " or ".join(kind.__name__ for kind in kinds[name])
            raise ControlError(
                422, "invalid_field", Text(f"{name} must be {words}", f"{name} 的类型应为 {words}")
            )
    return dict(body)


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


def _bounded(name: str, seconds: float) -> float:
    if not abs(seconds) <= FURTHEST:
        raise ControlError(422, "invalid_clock", Text(f"{name} is out of range", f"{name} 超出范围"))
    return float(seconds)


def _unknown_app(appkey: str) -> ControlError:
    return ControlError(404, "unknown_appkey", Text(f"there is no app {appkey!r}", f"没有应用 {appkey!r}"))
