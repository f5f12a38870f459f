"""Builds an engine from settings: checks the settings, loads the files, creates clock, store and journal."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.readings import InvalidReading, Value, parse_reading
from mockserver.core.clock import Clock, InvalidTime, parse_time
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders, Snapshot, take_snapshot
from mockserver.core.machine_time import machine_time
from mockserver.core.settings import SETTINGS
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config, check_scenario, load_config
from mockserver.engine.journal import Journal
from mockserver.engine.metrics import Metrics
from mockserver.engine.pipeline import Engine
from mockserver.engine.state import MemoryStore
from mockserver.engine.strays import Cors
from mockserver.faults.base import FaultError
from mockserver.faults.parsing import Fault, parse_fault, parse_text

log = logging.getLogger("mockserver")

_SHARED = ("scenario", "reading", "strictness", "signing", "fault", "now")
"""The settings that a shared store remembers: they apply only to a store without a state."""
_MAX_READS = 5  # Attempts to read files that change while they are read.
_SEPARATOR = re.compile(r"[,\s]+(?=[A-Za-z_]+\s*=)")  # Separates NAME=VALUE texts.
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def make_engine(**settings: Any) -> Engine:
    """Return an engine for the given settings. Raises ConfigurationError with every problem of settings and files."""
    chosen = resolve_settings(settings)
    clock = make_clock(chosen["now"])
    readings = parse_readings(chosen["reading"], chosen["strictness"], chosen["signing"])
    user = Path(chosen["fixtures"]) if chosen["fixtures"] else None

    def read() -> Config:
        config = load_config(
            Folders(user),
            reading_overrides=readings,
            error_info=chosen["error_info"],
            seed=chosen["seed"],
            now=clock.second,
        )
        check_scenario(config, chosen["scenario"])
        return config

    last: Snapshot | None = None

    @_without_collector
    def load() -> Config:
        nonlocal last
        # Files may be read while they are being written. A result counts only if no file changed in the meantime.
        for _ in range(_MAX_READS):
            last = before = take_snapshot(user, last)
            try:
                config = read()
            except ConfigurationError:
                if take_snapshot(user, before) == before:
                    raise
            else:
                if take_snapshot(user, before) == before:
                    return config
        return read()

    store, journal, metrics = _make_state(clock, chosen, readings)
    engine = Engine(
        load,
        store,
        journal,
        lang=chosen["lang"],
        headers=chosen["answer_headers"],
        requests=chosen["log_requests"],
        cors=Cors(chosen["cors_origin"]),
        metrics=metrics,
    )
    faults = parse_faults(chosen["fault"], engine.config.catalogue)
    engine.redact_secrets_of(faults)
    store.set_startup_faults(faults)
    if store.join():
        given = [name for name in _SHARED if chosen[name] != SETTINGS[name].default]
        if given:
            log.warning("%s", _not_applied(given).to(chosen["lang"]))
    return engine


def _make_state(
    clock: Clock, chosen: Mapping[str, Any], readings: dict[str, Value]
) -> tuple[MemoryStore, Journal, Metrics]:
    """Return the chosen store with its journal and metrics."""
    size, ttl, seed = chosen["journal_size"], chosen["app_ttl"], chosen["seed"] or 0
    if not chosen["store"]:
        return MemoryStore(clock, chosen["scenario"], seed=seed, app_ttl=ttl), Journal(size), Metrics()
    try:
        from mockserver.engine.redis_journal import RedisJournal, RedisMetrics
        from mockserver.engine.redis_store import RedisStore
    except ImportError:
        en, zh = (
            "needs the extra: pip install 'mockserver[redis]' (in a clone: '.[redis]')",
            "需要安装附加组件：pip install 'mockserver[redis]'（在克隆的仓库中为 '.[redis]'）",
        )
        raise _invalid("store", en, zh) from None
    store = RedisStore(
        clock,
        chosen["scenario"],
        address=chosen["store"],
        prefix=chosen["store_prefix"],
        seed=seed,
        app_ttl=ttl,
        overrides=readings,
    )
    return store, RedisJournal(store, size), RedisMetrics(store)


def _not_applied(given: Iterable[str]) -> Text:
    options = ", ".join(f"--{name}" for name in given)
    return Text(
        f"{options}: not applied, because the store already has a state; `mockserver reset` restores the initial state",
        f"{options}：未生效，因为存储中已有状态；`mockserver reset` 可恢复初始状态",
    )


def _without_collector(load: Callable[[], Config]) -> Callable[[], Config]:
    """Pause the garbage collector while `load` runs: it would delay all requests and find nothing to free."""

    @functools.wraps(load)
    def paused() -> Config:
        enabled = gc.isenabled()
        gc.disable()
        try:
            return load()
        finally:
            if gc.get_freeze_count():
                # A server excludes its configuration from garbage collection; do the same for the new one.
                gc.freeze()
            if enabled:
                gc.enable()

    return paused


def resolve_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every setting by name: the given values, checked and converted, or the default."""
    resolved = {name: setting.default for name, setting in SETTINGS.items()}
    for name, value in given.items():
        if name not in SETTINGS:
            raise ConfigurationError.at(f"--{name}", unknown("setting", name, SETTINGS))
        if value is not None:
            resolved[name] = _typed(name, value)
    return resolved


def parse_faults(given: str | Iterable[str], catalogue: Catalogue) -> list[Fault]:
    """Parse `KIND;field=value;…` texts. One string may have several, separated by line breaks."""
    texts = given.splitlines() if isinstance(given, str) else given
    return [fault for text in texts if text.strip() for fault in _parse_faults(text.strip(), catalogue)]


def _parse_faults(text: str, catalogue: Catalogue) -> list[Fault]:
    """Parse a text as one fault, or else each of its words: values may contain spaces, but most do not."""
    try:
        return [parse_fault(parse_text(text), catalogue)]
    except FaultError as error:
        words = text.split()
        if len(words) > 1:
            with contextlib.suppress(FaultError):
                return [parse_fault(parse_text(word), catalogue) for word in words]
        place = ".".join(str(step) for step in error.pointer)
        prefix = f"{text}: {place}: " if place else f"{text}: "
        en, zh = (prefix + message for message in error.text)
        kind = "" if error.pointer == ("fault",) else text.partition(";")[0].strip()
        command = f"mockserver faults {kind}".strip()
        raise _invalid("fault", f"{en} (see `{command}`)", f"{zh}（见 `{command}`）") from None


def make_clock(now: str | int | None) -> Clock:
    """Return the machine's clock, or one frozen at `now`."""
    if now is None:
        return Clock()
    try:
        return Clock(frozen_at=float(parse_time(now, int(machine_time()))))
    except InvalidTime as error:
        raise _invalid("now", *error.text) from None


def parse_readings(
    given: str | Iterable[str] | Mapping[str, Any], strictness: str | None = None, signing: str | None = None
) -> dict[str, Value]:
    """Parse `NAME=VALUE` texts or a mapping. `strictness` and `signing` are readings with an option of their own."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        pairs: Iterable[tuple[str, Any]] = given.items()
    else:
        # The environment variable may have several, separated by commas or spaces.
        pairs = (_pair(part) for text in given for part in _SEPARATOR.split(text.strip(", ")))
    readings: dict[str, Value] = {}
    try:
        for name, value in pairs:
            readings[name] = parse_reading(name, value)
        for name, value in (("strictness", strictness), ("signing", signing)):
            if value is not None:
                readings[name] = parse_reading(name, value)
    except InvalidReading as error:
        raise ConfigurationError.at("--reading", error.text) from None
    return readings


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise _invalid("reading", f"{text!r} is not NAME=VALUE", f"{text!r} 不是 NAME=VALUE")
    return name.strip(), value.strip()


def _typed(name: str, value: Any) -> Any:
    setting = SETTINGS[name]
    if setting.parse is not None:
        return setting.parse(value)
    if setting.kind == "integer":
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise _invalid(name, f"{value!r} is not a whole number", f"{value!r} 不是整数") from None
        if number < setting.minimum:
            raise _invalid(name, f"{number} is less than {setting.minimum}", f"{number} 小于 {setting.minimum}")
        return number
    if setting.kind == "switch" and isinstance(value, str):
        if value.lower() not in _SWITCH:
            raise _invalid(name, f"{value!r} is neither on nor off", f"{value!r} 既不是 on 也不是 off")
        return _SWITCH[value.lower()]
    if setting.choices and value not in setting.choices:
        choices = ", ".join(setting.choices)
        raise _invalid(name, f"{value!r} is none of {choices}", f"{value!r} 不在 {choices} 之中")
    return value


def _invalid(name: str, en: str, zh: str) -> ConfigurationError:
    return ConfigurationError.at(f"--{name.replace('_', '-')}", Text(en, zh))


assert get_args(Lang) == SETTINGS["lang"].choices
