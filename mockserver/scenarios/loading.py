"""Load scenario files: check them, follow `extends`, and build the scenarios.

Every problem is reported with file, line, column and advice. A reply without templates is checked against the
response schema here, so that an invalid reply fails at startup and not in the middle of a test run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from mockserver.contract.catalogue import OK, Catalogue, ErrorInfoStyle
from mockserver.contract.checking import check_document, describe_mismatches
from mockserver.contract.envelope import FIELDS, encode_json, success
from mockserver.contract.matching import InvalidMatcher, Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import InvalidReading, Value, parse_reading
from mockserver.contract.schemas import Pointer, Schemas
from mockserver.core.clock import parse_time
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Mistake, Problem, Problems
from mockserver.core.json_reader import parse_json
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_yaml
from mockserver.faults.base import FaultError
from mockserver.faults.parsing import Fault, parse_fault
from mockserver.scenarios.checks import explain_common_mistakes, message, unknown_changes, unknown_conditions
from mockserver.scenarios.model import Replay, Reply, Rule, Scenario, error_name_of, is_empty
from mockserver.scenarios.templates import BadTemplate, Render, compile_value, is_template, texts_in
from mockserver.world.sessions import TEXTS as WORLD_TEXTS
from mockserver.world.sessions import WorldError
from mockserver.world.sources import WorldSource


def load_scenarios(
    paths: Mapping[str, Path], schemas: Schemas, catalogue: Catalogue, *, seed: int | None = None, now: int
) -> dict[str, Scenario]:
    """Return the scenarios by name. Raise ConfigurationError with every problem of every file.

    `seed` replaces the seed of generated worlds. Relative times in recorded worlds are checked as of `now`.
    """
    found = Problems()
    files: dict[str, _ScenarioFile] = {}
    for name, path in paths.items():
        with found.collect():
            files[name] = _ScenarioFile(name, read_yaml(path), schemas, catalogue)
    worlds = _Worlds(seed, now)
    scenarios = {name: _scenario(file, files, paths, worlds) for name, file in files.items()}
    for file in files.values():
        own = file.document.path  # Its problems come before those of its file of sessions.
        found += sorted(file.problems, key=lambda p: (p.place != own, p.line is None, p.line or 0, p.column or 0))
    found.check()
    return {name: scenario for name, scenario in scenarios.items() if scenario}


def load_rule(entry: Mapping[str, Any], name: str, schemas: Schemas, catalogue: Catalogue) -> Rule:
    """Return the rule that one entry of `answers` describes, or raise ConfigurationError."""
    text = json.dumps({"title": name, "answers": [entry]}, ensure_ascii=False)
    file = _ScenarioFile(name, parse_json(text, name), schemas, catalogue)
    file.problems.check()
    return replace(file.rules[0], entry=entry)


class _ScenarioFile:
    """One scenario file: its own readings, rules and faults, without inherited ones, and its problems."""

    def __init__(self, name: str, document: Document, schemas: Schemas, catalogue: Catalogue) -> None:
        self.name, self._schemas, self._catalogue = name, schemas, catalogue
        self._rule_names: set[str] = set()
        mistakes = Problems()
        world = document.value.get("world") if isinstance(document.value, dict) else None
        if isinstance(world, dict) and world.get("source") not in ("recorded", "generated"):
            # Report the source, and check the rest of the world as the one that it looks like.
            check_document(document, schemas["scenario.json"], mistakes)
            if likely := "recorded" if world.keys() & {"rooms", "sessions"} else "source" in world and "generated":
                document = document.with_values({("world", "source"): likely})
        # The document without its invalid parts; required keys of a rule or a reply may be missing.
        self.document = check_document(document, schemas["scenario.json"], mistakes)
        self.problems = Problems(explain_common_mistakes(document, mistakes, catalogue))
        self.content: dict[str, Any] = self.document.value
        self.extends: str | None = self.content.get("extends")
        self.error_info: ErrorInfoStyle | None = self.content.get("error_info")
        self.readings = dict(self._readings())
        self.rules = [self._rule(index, entry) for index, entry in enumerate(self.content.get("answers", ()))]
        self.faults = [
            fault
            for index, entry in enumerate(self.content.get("faults", ()))
            if (fault := self._fault(entry, ("faults", index)))
        ]

    def problem(self, pointer: Pointer, text: Text, *, key: bool = False) -> None:
        """Add a problem of the value at `pointer`, or of its key."""
        self.problems.append(self.document.problem(pointer, text, key=key))

    def add(self, mistakes: Iterable[Mistake], *at: str | int) -> None:
        """Add the mistakes in the value at `at`."""
        for mistake in mistakes:
            self.problem((*at, *mistake.pointer), mistake.text, key=mistake.key)

    def world_block(self) -> dict[str, Any]:
        """Return the `world` block, with the path of a file of sessions in place of its name."""
        block = dict(self.content["world"])
        if "sessions" in block:
            block["sessions"] = Path(self.document.path).parent / block["sessions"]
        return block

    def _readings(self) -> Iterator[tuple[str, Value]]:
        for name, value in self.content.get("readings", {}).items():
            try:
                yield name, parse_reading(name, value)
            except InvalidReading as error:
                self.problem(("readings", name), error.text)

    def _fault(self, entry: Mapping[str, Any], at: Pointer, *, whole: bool = True) -> Fault | None:
        try:
            return parse_fault(entry, self._catalogue)
        except FaultError as error:
            wrong = {mistake.pointer[0] for mistake in error.mistakes if mistake.pointer}
            self.add((mistake for mistake in error.mistakes if whole or mistake.pointer), *at)
            if wrong - {"fault"}:
                # Parse again without the invalid fields, to find the mistakes in the others.
                self._fault({name: entry[name] for name in entry if name not in wrong}, at, whole=False)
            return None

    def _rule(self, index: int, entry: Mapping[str, Any]) -> Rule:
        at: Pointer = ("answers", index)
        on = self._operations(entry.get("on", []), (*at, "on"))
        matcher = Matcher()
        try:
            matcher = compile_when(entry.get("when"))
        except InvalidMatcher as error:
            self.add(error.mistakes, *at, "when")
        body = entry.get("when", {}).get("body", {})
        self.add(unknown_conditions(body, on, self._schemas), *at, "when", "body")
        sequence = entry.get("sequence", ())
        replies = [((*at, "sequence", number), reply) for number, reply in enumerate(sequence)]
        if "reply" in entry:
            replies = [((*at, "reply"), entry["reply"])]
        for pointer, reply in replies:
            if "patch" in reply and not reply.get("unchecked"):
                self.add(unknown_changes(reply["patch"], body, on, self._schemas), *pointer, "patch")
        name = entry.get("name", str(index + 1))
        if name in self._rule_names:
            self.problem((*at, "name"), message("same_name", name=name))
        self._rule_names.add(name)
        answers = tuple(self._reply(reply, pointer, on) for pointer, reply in replies)
        return Rule(f"{self.name}#{name}", on, matcher, answers, entry.get("times"))

    def _operations(self, on: str | list[str], pointer: Pointer) -> frozenset[str]:
        names = [on] if isinstance(on, str) else on
        for name in names:
            if name != "*" and name not in OPERATIONS:
                self.problem(pointer, unknown("operation", name, OPERATIONS))
        return frozenset(OPERATIONS) if "*" in names else frozenset(names) & frozenset(OPERATIONS)

    def _reply(self, reply: Mapping[str, Any], at: Pointer, on: frozenset[str]) -> Reply:
        line, _ = self.document.locate(at)
        location, unchecked = f"{self.document.path}:{line}", bool(reply.get("unchecked"))
        kind: Literal["error", "patch", "body"]
        if "error" in reply:
            kind, value, name = "error", reply.get("info"), reply["error"]
            if name not in self._catalogue:
                self.problem((*at, "error"), unknown("error", name, self._catalogue))
            if name == OK:
                self.problem((*at, "error"), message("ok_is_no_error"))
        elif "patch" in reply:
            kind, value, name = "patch", reply["patch"], ""
        elif "body" in reply:
            kind, value, name = "body", dict(reply["body"]), ""
            if not any(field in value for field in FIELDS):
                value = success(value)
            if reply.get("literal") or not is_template(value):
                return self._body(value, at, location, () if unchecked else sorted(on), unchecked)
        else:
            return Reply("world", location)
        render = None if value is None else self._render(value, "info" if kind == "error" else kind, at)
        return Reply(kind, location, name, render, is_template(value), unchecked=unchecked)

    def _render(self, value: Any, key: str, at: Pointer) -> Render | None:
        try:
            return compile_value(value, (key,))
        except BadTemplate:
            for pointer, text in texts_in(value, (key,)):
                try:
                    compile_value(text, pointer)
                except BadTemplate as error:
                    self.problem((*at, *error.pointer), message("bad_template", error=error))
            return None

    def _body(self, body: dict[str, Any], at: Pointer, location: str, on: Iterable[str], unchecked: bool) -> Reply:
        """Return the reply with a body without templates, which must be a valid response of the operations `on`."""
        for operation in on:
            mismatches = self._schemas.answer(operation, body).check(body)
            for problem in describe_mismatches(self.document, mismatches, (*at, "body")):
                text = message("invalid_response", operation=operation, text=problem.text)
                self.problems.append(replace(problem, text=text))
        try:
            encoded = encode_json(body)
        except TypeError as error:
            self.problem((*at, "body"), message("not_json", error=error))
            return Reply("world", location)
        error_name = error_name_of(body, self._catalogue)
        return Reply("body", location, error_name, encoded=encoded, empty=is_empty(body), unchecked=unchecked)


class _Worlds:
    """The worlds of the loaded scenarios. Scenarios with the same `world` block share one, which is checked once."""

    def __init__(self, seed: int | None, now: int) -> None:
        self._seed, self.now = seed, now
        self._known: list[tuple[dict[str, Any], WorldSource, Mistake | None]] = []

    def load(self, spec: dict[str, Any]) -> tuple[WorldSource, Mistake | None]:
        """Return the world of a block, and a warning if it has sessions in the future.

        Raise WorldError if the block is invalid.
        """
        for known, source, warning in self._known:
            if known == spec:
                return source, warning
        source = WorldSource(spec, self._seed)
        warning = source.check(self.now)
        self._known.append((spec, source, warning))
        return source, warning


def _scenario(
    file: _ScenarioFile, files: Mapping[str, _ScenarioFile], names: Collection[str], worlds: _Worlds
) -> Scenario | None:
    """Return the scenario of a file, with everything it extends. If a file has a problem, add it there; return None."""
    chain = _chain(file, files, names)
    # A world is checked even if the file extends a scenario that does not exist.
    world, warning, recorded_at = _world(chain or [file], worlds)
    replay = _replay(chain or [file], recorded_at)
    if world is None or not chain or file.problems:
        return None
    content = file.content
    title, description = content["title"], content.get("description", "")
    return Scenario(
        name=file.name,
        title=Text(title, content.get("title_zh", title)),
        description=Text(description, content.get("description_zh", description)),
        path=file.document.path,
        extends=file.extends,
        readings={name: value for part in reversed(chain) for name, value in part.readings.items()},
        world=world,
        rules=tuple(rule for part in chain for rule in part.rules),
        faults=tuple(fault for part in chain for fault in part.faults),
        warning=warning,
        replay=replay,
        error_info=next((part.error_info for part in chain if part.error_info), None),
    )


def _chain(file: _ScenarioFile, files: Mapping[str, _ScenarioFile], names: Collection[str]) -> list[_ScenarioFile]:
    """Return the file and all that it extends, nearest first; empty if one of them is invalid or there is a cycle."""
    chain = [file]
    while (parent := chain[-1].extends) is not None:
        if parent not in files:
            if parent not in names:
                chain[-1].problem(("extends",), unknown("scenario", parent, names))
            return []
        if files[parent] in chain:
            cycle = " → ".join([*(part.name for part in chain), parent])
            chain[-1].problem(("extends",), message("cycle", cycle=cycle))
            return []
        chain.append(files[parent])
    return chain


def _world(chain: Sequence[_ScenarioFile], worlds: _Worlds) -> tuple[WorldSource | None, Problem | None, int]:
    """Return the world of a chain, a warning about it, and when it was recorded (seconds since the epoch, or 0).

    Keys of a `world` block override those of the blocks that it extends, as long as these have the same source. A
    chain without a block has an empty world. If no world can be built, add the problem to the file and return None.
    """
    parts = [part for part in chain if "world" in part.content]
    if not parts:
        return WorldSource({"source": "recorded", "rooms": []}), None, 0
    spec = parts[0].world_block()
    for part in parts[1:]:
        inherited = part.world_block()
        if spec.setdefault("source", inherited.get("source")) != inherited.get("source"):
            break
        spec = {**inherited, **spec}
    try:
        world, warning = worlds.load(spec)
    except WorldError as error:
        parts[0].add(error.mistakes, "world")
        return None, None, 0
    except ConfigurationError as error:
        parts[0].problems += error.problems
        return None, None, 0
    at = ("world", *warning.pointer) if warning else ()
    recorded_at = parse_time(spec["recorded_at"], worlds.now) if "recorded_at" in spec else 0
    return world, parts[0].document.problem(at, warning.text) if warning else None, recorded_at


def _replay(chain: Sequence[_ScenarioFile], recorded_at: int) -> Replay | None:
    """Return the nearest `replay` of a chain; None if times are not moved."""
    part = next((part for part in chain if "replay" in part.content), None)
    if part is None or part.content["replay"]["shift"] == "none":
        return None
    if not recorded_at:
        part.problem(("replay",), WORLD_TEXTS["no_recorded_at"], key=True)
    return Replay(part.content["replay"]["shift"], recorded_at)
