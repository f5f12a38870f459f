"""The state of one app in Redis: its settings, its claims, and the counts of rules and faults.

Settings are a document that the `RedisStore` reads and writes. Claims and counts are decided by Redis, once per
request.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mockserver.contract.apps import App, Credentials
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text
from mockserver.engine.state import AppState, SharedFault
from mockserver.faults.base import Window
from mockserver.faults.parsing import Common, Fault, parse_fault
from mockserver.faults.plan import FaultCounts
from mockserver.scenarios.loading import load_rule
from mockserver.scenarios.model import Rule
from mockserver.validation.claims import MAX_CLAIMS, Claims

if TYPE_CHECKING:
    from mockserver.engine.pipeline import Engine
    from mockserver.engine.redis_store import RedisStore

log = logging.getLogger("mockserver")


class RedisAppState(AppState):
    """The state of one app in Redis."""

    claims: RedisClaims

    def __init__(self, store: RedisStore, appkey: str, clock: Clock, scenario: str, seed: int) -> None:
        new_counts = partial(RedisCounts, store, appkey)
        super().__init__(appkey, clock, scenario, seed, new_counts, RedisClaims(store, appkey))
        self.hidden: set[str] = set()  # Ids of the scenario's faults that were removed.
        self._store = store
        self._installed_ids: Collection[str] = ()

    @property
    def hidden_now(self) -> list[str]:
        """Sorted ids of the scenario's faults that have been removed."""
        return sorted(self.hidden | set(self._installed_ids) - {active.id for active in self.faults.active})

    def use_scenario(self, scenario: str) -> None:
        """Change the scenario and restart its sequences and faults."""
        super().use_scenario(scenario)
        self.hidden, self._installed_ids = set(), ()

    def reset(self, scenario: str) -> None:
        """Return to `scenario` as if the app had never sent a request."""
        super().reset(scenario)
        self.hidden, self._installed_ids = set(), ()

    def _install(self, faults: Sequence[Fault]) -> None:
        texts = json.dumps([fault.to_mapping() for fault in faults], sort_keys=True)
        uid = f"{self.claims.tokens[1]}:{blake2b(texts.encode(), digest_size=6).hexdigest()}"
        now = self.clock.now()
        if any(fault.common.ttl_seconds is not None for fault in faults):
            now = float(self._store.claim(self.appkey, uid, "first", f"counts:{self.appkey}", f"{uid}:installed", now))
        self.faults.install(faults, now, uid=uid, removed=self.hidden)
        self._installed_ids = [active.id for active in self.faults.active if active.origin == "scenario"]


class RedisClaims(Claims):
    """The claims of one app, decided by Redis. Each process stores the checksums for its own diagnosis."""

    def __init__(self, store: RedisStore, appkey: str) -> None:
        self._store, self._appkey = store, appkey
        self.tokens: tuple[str, ...] = store.tokens
        """Part of the keys of all claims, and of those of rules: new tokens invalidate the old claims."""
        super().__init__()
        self.tokens = store.tokens

    def reset(self) -> None:
        """Forget all claims."""
        super().reset()
        self.tokens = self._store.new_token(), self._store.new_token()

    def restart_rules(self) -> None:
        """Forget the matches of rules."""
        self.tokens = self.tokens[0], self._store.new_token()

    def adopt(self, other: Claims) -> None:
        """Take over the checksums that this process stores."""
        self._signed = other._signed

    def claim_seq(self, seq: str) -> bool:
        """Record `seq` as used. Return whether it was new."""
        return self._once("seq", seq)

    def claim_checksum(self, checksum: str) -> bool:
        """Record `checksum` as used. Return whether it was new."""
        return self._once("checksum", checksum)

    def count_match(self, rule: str, limit: int | None = None, *, preview: bool = False) -> int | None:
        """Count a match of a rule, except for a `preview`. Return the number before it; None once there are `limit`."""
        key, field = f"counts:{self._appkey}", f"{self.tokens[1]}:{rule}"
        if preview:
            count = int(self._store.command("HGET", self._store.prefix + key, field) or 0)
            return count if limit is None or count < limit else None
        count = int(self._store.claim(self._appkey, rule, "count", key, field, "" if limit is None else limit))
        return None if count < 0 else count

    def _once(self, what: str, value: str) -> bool:
        key = f"seen:{self._appkey}:{self.tokens[0]}:{what}"
        return bool(
            int(self._store.claim(self._appkey, what, "once", key, value.encode("utf-8", "surrogatepass"), MAX_CLAIMS))
        )


class RedisCounts(FaultCounts):
    """The counts of one fault of one app in Redis."""

    def __init__(self, store: RedisStore, appkey: str, uid: str) -> None:
        self._store, self._appkey, self._uid = store, appkey, uid
        self.window = RedisWindow(store, appkey, uid)

    @property
    def matched(self) -> int:
        """The number of matching requests."""
        return self._read("matched")

    @property
    def fired(self) -> int:
        """The number of requests on which the fault fired."""
        return self._read("fired")

    def take(self, common: Common, chosen: Callable[[int], bool]) -> int | None:
        """Count one matching request. Return its number if the fault fires on it."""
        key, uid, times = f"counts:{self._appkey}", self._uid, "" if common.times is None else common.times
        certain = int(common.probability >= 1)
        number = int(
            self._store.claim(self._appkey, uid, "fault", key, uid, common.after, common.every, times, certain)
        )
        if not number or certain:
            return number or None
        if not chosen(number):
            return None
        count = int(self._store.claim(self._appkey, f"{uid}:fired", "count", key, f"{uid}:fired", times))
        return None if count < 0 else number

    def _read(self, name: str) -> int:
        return int(
            self._store.command("HGET", f"{self._store.prefix}counts:{self._appkey}", f"{self._uid}:{name}") or 0
        )


class RedisWindow(Window):
    """A sliding window of the requests that one fault accepted, in all processes."""

    __slots__ = ("_appkey", "_store", "_uid")

    def __init__(self, store: RedisStore, appkey: str, uid: str) -> None:
        self._store, self._appkey, self._uid = store, appkey, uid

    def accept(self, now: float, limit: int, seconds: float) -> bool:
        """Return whether fewer than `limit` requests were accepted in the last `seconds`; if so, accept this one."""
        key = f"window:{self._appkey}:{self._uid}"
        return bool(int(self._store.claim(self._appkey, f"{self._uid}:window", "window", key, now, limit, seconds)))


def dump_state(state: AppState, made: App | None) -> str:
    """Return the document of an app; `made` if it was created at run time."""
    assert isinstance(state, RedisAppState)
    keys = made and (made.appkey, made.credentials.appsecret, made.credentials.restapikey, made.identifiers, made.name)
    return json.dumps(
        {
            "scenario": state.scenario,
            "clock": state.clock.position,
            "readings": dict(state.readings),
            "rules": [[rule_id, rule.entry] for rule_id, rule in state.rules],
            "faults": [
                [{**active.fault.to_mapping(), "id": active.id}, active.origin, active.expires_at, active.uid]
                for active in state.faults.active
                if active.origin != "scenario"
            ],
            "hidden": state.hidden_now,
            "tokens": state.claims.tokens,
            "app": keys,
        }
    )


def dump_shared(store: RedisStore) -> str:
    """Return the document for all apps."""
    faults = store.shared_faults.values()
    return json.dumps(
        {
            "scenario": store.scenario,
            "clock": store.clock.position,
            "readings": dict(store.readings),
            "overrides": store.overrides,
            "rules": [[rule_id, rule.entry] for rule_id, rule in store.rules.items()],
            "faults": [[shared.fault.to_mapping(), shared.added, shared.uid] for shared in faults],
            "tokens": store.tokens,
            "releases": store.releases,
            "files": store.files,
        }
    )


def follow_files(store: RedisStore, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Reload the files if another process reloaded them, or if the documents select a scenario that is unknown here."""
    engine = store.engine
    assert engine is not None
    with engine.changing:
        files = documents["*"]["files"] if "*" in documents else store.files
        scenarios = {document["scenario"] for document in documents.values()}
        if files == store.files and scenarios <= engine.config.scenarios.keys():
            return
        store.files = files
        try:
            # The current scenarios may no longer exist; those of the documents are used next.
            engine.reload(check=False)
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("reload failed, the last valid files stay in use: %s", problem.show(engine.lang))


def load_shared(store: RedisStore, document: dict[str, Any]) -> None:
    """Apply the document for all apps."""
    engine = store.engine
    assert engine is not None
    store.scenario = _known_scenario(store, document["scenario"])
    store.clock.position = tuple(document["clock"])
    store.readings = document["readings"]
    store.rules = {rule_id: _rule(engine, rule_id, entry) for rule_id, entry in document["rules"]}
    faults = [SharedFault(_fault(engine, mapping), added, uid) for mapping, added, uid in document["faults"]]
    store.shared_faults = {str(shared.fault.common.id): shared for shared in faults}
    store.tokens = tuple(document["tokens"])
    known, store.releases = dict(store.releases), [(name, appkey) for name, appkey in document.get("releases", ())]
    for name, appkey in store.releases:
        if name not in known:
            store.on_release(appkey)
    if document["overrides"] != engine.config.reading_overrides:
        store.overrides.clear()
        store.overrides.update(document["overrides"])
        engine.config = replace(engine.config, reading_overrides=document["overrides"])


def load_app(store: RedisStore, appkey: str, document: dict[str, Any], before: AppState | None) -> RedisAppState:
    """Return the state of an app from its document; `before` is the previous state in this process."""
    engine = store.engine
    assert engine is not None
    state = store.new_state(appkey, _known_scenario(store, document["scenario"]))
    state.clock.position = tuple(document["clock"])
    state.readings = document["readings"]
    state.rules = tuple((rule_id, _rule(engine, rule_id, entry)) for rule_id, entry in document["rules"])
    for mapping, origin, expires_at, uid in document["faults"]:
        state.faults.restore(_fault(engine, mapping), origin, expires_at, uid)
    state.hidden = set(document["hidden"])
    state.claims.tokens = tuple(document["tokens"])
    if before is not None:
        state.claims.adopt(before.claims)
    if made := document["app"]:
        *keys, identifiers, name = made
        app = store.apps[appkey] = App(Credentials(*keys), tuple(identifiers), Text(*name))
        engine.redactor.add_secrets(app.credentials.secrets)
    return state


def _known_scenario(store: RedisStore, name: str) -> str:
    if store.engine is None or name in store.engine.config.scenarios:
        return name
    log.error("the chosen scenario %r is unknown here: every host needs the same files", name)
    return store.first_scenario


def _fault(engine: Engine, mapping: dict[str, Any]) -> Fault:
    fault = parse_fault(mapping, engine.config.catalogue)
    engine.redact_secrets_of([fault])
    return fault


def _rule(engine: Engine, rule_id: str, entry: dict[str, Any]) -> Rule:
    return load_rule(entry, rule_id, engine.config.schemas, engine.config.catalogue)
