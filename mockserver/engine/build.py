"""Builds an engine from settings: checks the settings, loads the files, creates clock, store and journal."""

from __future__ import annotations

import contextlib
import gc
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.readings import InvalidReading, Value, parse_reading
from mockserver.core.clock import Clock, InvalidTime, parse_time
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders, Snapshot, take_snapshot
from mockserver.core.machine_time import machine_time
from mockserver.core.messages import missing_extra
from mockserver.core.settings import SETTINGS
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang
from mockserver.engine.config import Config, check_scenario, load_config, message
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

    @_without_collector()
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
    # One text may have several faults, separated by line breaks.
    texts = chosen["fault"].splitlines() if isinstance(chosen["fault"], str) else chosen["fault"]
    given = [text.strip() for text in texts if text.strip()]
    faults = [fault for text in given for fault in _parse_faults(text, engine.config.catalogue)]
    engine.redact_secrets_of(faults)
    store.set_startup_faults(faults)
    ignored = [f"--{name}" for name in _SHARED if chosen[name] != SETTINGS[name].default] if store.join() else []
    if ignored:
        log.warning("%s", message("not_applied", options=", ".join(ignored)).to(chosen["lang"]))
    return engine


def _make_state(
    clock: Clock, chosen: Mapping[str, Any], readings: dict[str, Value]
) -> tuple[MemoryStore, Journal, Metrics]:
    """Return the chosen store with its journal and metrics."""
    size, options = chosen["journal_size"], {"seed": chosen["seed"] or 0, "app_ttl": chosen["app_ttl"]}
    if not chosen["store"]:
        return MemoryStore(clock, chosen["scenario"], **options), Journal(size), Metrics()
    try:
        from mockserver.engine.redis_journal import RedisJournal, RedisMetrics
        from mockserver.engine.redis_store import RedisStore
    except ImportError:
        raise ConfigurationError.at("--store", missing_extra("redis")) from None
    address, prefix = chosen["store"], chosen["store_prefix"]
    store = RedisStore(clock, chosen["scenario"], address=address, prefix=prefix, overrides=readings, **options)
    return store, RedisJournal(store, size), RedisMetrics(store)


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the garbage collector: it would delay all requests and find nothing to free."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count():
            # A server excludes its configuration from garbage collection; do the same for the new one.
            gc.freeze()
        if enabled:
            gc.enable()


def resolve_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every setting by name: the given values, checked and converted, or the default."""
    resolved = {name: setting.default for name, setting in SETTINGS.items()}
    for name, value in given.items():
        if name not in SETTINGS:
            raise ConfigurationError.at(f"--{name}", unknown("setting", name, SETTINGS))
        if value is not None:
            resolved[name] = _typed(name, value)
    return resolved


def _parse_faults(text: str, catalogue: Catalogue) -> list[Fault]:
    """Parse `KIND;field=value;…` as one fault, or else each of its words: values may contain spaces, but most do not."""
    try:
        return [parse_fault(parse_text(text), catalogue)]
    except FaultError as error:
        words = text.split()
        if len(words) > 1:
            with contextlib.suppress(FaultError):
                return [parse_fault(parse_text(word), catalogue) for word in words]
        place = ".".join(map(str, error.pointer))
        kind = "" if error.pointer == ("fault",) else text.partition(";")[0].strip()
        command = f"mockserver faults {kind}".strip()
        raise _invalid(
            "fault", "invalid_fault", place=f"{text}: {place}" if place else text, text=error.text, command=command
        ) from None


def make_clock(now: str | int | None) -> Clock:
    """Return the machine's clock, or one frozen at `now`."""
    if now is None:
        return Clock()
    try:
        return Clock(frozen_at=float(parse_time(now, int(machine_time()))))
    except InvalidTime as error:
        raise ConfigurationError.at("--now", error.text) from None


def parse_readings(
    given: str | Iterable[str] | Mapping[str, Any], strictness: str | None = None, signing: str | None = None
) -> dict[str, Value]:
    """Parse `NAME=VALUE` texts or a mapping. `strictness` and `signing` are readings with an option of their own."""
    pairs: list[tuple[str, Any]] = []
    if isinstance(given, Mapping):
        pairs += given.items()
    else:
        # The environment variable may have several, separated by commas or spaces.
        for text in [given] if isinstance(given, str) else given:
            for part in _SEPARATOR.split(text.strip(", ")):
                name, equals, value = part.partition("=")
                if not equals:
                    raise _invalid("reading", "not_a_pair", value=part)
                pairs.append((name.strip(), value.strip()))
    pairs += [item for item in (("strictness", strictness), ("signing", signing)) if item[1] is not None]
    try:
        return {name: parse_reading(name, value) for name, value in pairs}
    except InvalidReading as error:
        raise ConfigurationError.at("--reading", error.text) from None


def _typed(name: str, value: Any) -> Any:
    setting = SETTINGS[name]
    if setting.parse is not None:
        return setting.parse(value)
    if setting.kind == "integer":
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise _invalid(name, "not_a_number", value=value) from None
        if number < setting.minimum:
            raise _invalid(name, "too_small", value=number, minimum=setting.minimum)
        return number
    if setting.kind == "switch" and isinstance(value, str):
        if value.lower() not in _SWITCH:
            raise _invalid(name, "not_a_switch", value=value)
        return _SWITCH[value.lower()]
    if setting.choices and value not in setting.choices:
        raise _invalid(name, "not_a_choice", value=value, choices=", ".join(setting.choices))
    return value


def _invalid(setting: str, reason: str, **values: object) -> ConfigurationError:
    return ConfigurationError.at(f"--{setting.replace('_', '-')}", message(reason, **values))


assert get_args(Lang) == SETTINGS["lang"].choices
