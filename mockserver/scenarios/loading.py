"""Turns scenario files into scenarios: extends, readings, rules; every mistake with file, line, column and advice.

An answer that is known when the file is read is held against the response schema here, so that a wrong one
stops the load and not a test run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mockserver.contract.catalogue import OK, Catalogue
from mockserver.contract.checking import check_document, describe
from mockserver.contract.envelope import FIELDS, encode, success
from mockserver.contract.matching import BadMatcher, Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import BadReading, Value, parse_reading
from mockserver.contract.schemas import Schemas
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.json_reader import parse_json
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.scenarios.fields import Unknown, unknown_changes, unknown_conditions
from mockserver.scenarios.model import Action, Rule, Scenario, Sourced, is_empty, told_error
from mockserver.scenarios.templates import BadTemplate, compile_value, is_template
from mockserver.scenarios.typos import instead

Pointer = tuple[str | int, ...]


def load_scenarios(
    documents: Mapping[str, Document], schemas: Schemas, catalogue: Catalogue
) -> dict[str, Scenario]:
    """The scenarios by name, or a ConfigurationError with every problem of every file."""
    problems = [
        problem
        for document in documents.values()
        for problem in instead(document, check_document(document, schemas["scenario.json"]), catalogue)
    ]
    if problems:
        raise ConfigurationError(problems)
    own = {name: _Loader(name, document, schemas, catalogue) for name, document in documents.items()}
    scenarios = {name: _fold(own[name], own, problems) for name in own}
    problems = [problem for loader in own.values() for problem in loader.problems] + problems
    if problems:
        raise ConfigurationError(problems)
    return {name: scenario for name, scenario in scenarios.items() if scenario}


def load_rule(entry: Mapping[str, Any], name: str, schemas: Schemas, catalogue: Catalogue) -> Rule:
    """The rule that one entry of `answers` describes; ConfigurationError says what is wrong with it."""
    text = json.dumps({"title": name, "answers": [entry]}, ensure_ascii=False)
    scenarios = load_scenarios({name: parse_json(text, name)}, schemas, catalogue)
    return scenarios[name].rules[0]


def whole(body: Mapping[str, Any]) -> dict[str, Any]:
    """A reply's body with the envelope of a success in front, unless it brings its own."""
    return dict(body) if any(name in body for name in FIELDS) else success(body)


class _Loader:
    """One file's own part of its scenario."""

    def __init__(self, name: str, document: Document, schemas: Schemas, catalogue: Catalogue) -> None:
        self.name, self.document = name, document
        self._schemas, self._catalogue = schemas, catalogue
        self.problems: list[Problem] = []
        self._keys: set[str] = set()
        self.extends: str | None = document.value.get("extends")
        self.readings = dict(self._readings())
        self.rules = tuple(
            self._rule(index, entry) for index, entry in enumerate(document.value.get("answers") or ())
        )
        self.faults = tuple(
            Sourced(entry, document, ("faults", index))
            for index, entry in enumerate(document.value.get("faults") or ())
        )

    def _problem(self, pointer: Pointer, text: Text) -> None:
        self.problems.append(self.document.problem(pointer, text))

    def _readings(self) -> Iterator[tuple[str, Value]]:
        for name, value in (self.document.value.get("readings") or {}).items():
            try:
                yield name, parse_reading(name, value)
            except BadReading as error:
                self._problem(("readings", name), error.text)

    def _rule(self, index: int, entry: Mapping[str, Any]) -> Rule:
        at: Pointer = ("answers", index)
        on = self._on(entry["on"], (*at, "on"))
        try:
            matcher = compile_when(entry.get("when"))
        except BadMatcher as error:
            self._problem(
                (*at, "when", *error.pointer),
                Text(f"this matcher cannot be read: {error}", f"无法解析该匹配条件：{error}"),
            )
            matcher = Matcher()
        body = (entry.get("when") or {}).get("body") or {}
        self._unknown((*at, "when", "body"), unknown_conditions(body, on, self._schemas))
        listed: Sequence[tuple[Pointer, Mapping[str, Any]]] = (
            [((*at, "reply"), entry["reply"])]
            if "reply" in entry
            else [((*at, "sequence", number), one) for number, one in enumerate(entry["sequence"])]
        )
        for pointer, one in listed:
            if "patch" in one and not one.get("unchecked"):
                found = unknown_changes(one["patch"], body, on, self._schemas)
                self._unknown((*pointer, "patch"), found)
        actions = tuple(self._action(one, pointer, on) for pointer, one in listed)
        return Rule(self._key(entry, index), on, matcher, actions, entry.get("times"))

    def _unknown(self, at: Pointer, found: Iterable[Unknown]) -> None:
        for one in found:
            pointer = (*at, one.name) if one.name else at
            self.problems.append(self.document.problem(pointer, one.text, key=True))

    def _key(self, entry: Mapping[str, Any], index: int) -> str:
        """The rule's own name, under which its matches are counted."""
        name = entry.get("name", str(index + 1))
        if name in self._keys:
            self._problem(("answers", index, "name"), Text(
                f"another answer is called {name!r} already: choose another name", f"已有应答名为 {name!r}：请换一个名字"
            ))  # fmt: skip
        self._keys.add(name)
        return f"{self.name}#{name}"

    def _on(self, on: str | list[str], pointer: Pointer) -> frozenset[str]:
        names = [on] if isinstance(on, str) else on
        for name in names:
            if name != "*" and name not in OPERATIONS:
                self._problem(pointer, unknown("operation", name, OPERATIONS))
        return frozenset(OPERATIONS) if "*" in names else frozenset(names) & frozenset(OPERATIONS)

    def _action(self, reply: Mapping[str, Any], at: Pointer, on: frozenset[str]) -> Action:
        line, _ = self.document.locate(at)
        place = f"{self.document.path}:{line}"
        try:
            if "error" in reply:
                return self._error(reply, at, place)
            if "patch" in reply:
                fill = compile_value(reply["patch"], ("patch",))
                return Action("patch", place, fill=fill, unchecked=bool(reply.get("unchecked")))
            if "body" in reply:
                return self._body(reply, at, place, on)
        except BadTemplate as error:
            zh = str(error).replace("template: ", "模板有误：", 1)
            self._problem((*at, *error.pointer), Text(str(error), zh))
        return Action("world", place)

    def _error(self, reply: Mapping[str, Any], at: Pointer, place: str) -> Action:
        name = reply["error"]
        if name not in self._catalogue:
            self._problem((*at, "error"), unknown("error", name, self._catalogue))
        if name == OK:
            self._problem((*at, "error"), Text("ok is no error: say `world: true` for a success", "ok 不是错误：成功应答请写 `world: true`"))  # fmt: skip
        fill = compile_value(reply["info"], ("info",)) if "info" in reply else None
        return Action("error", place, error=name, fill=fill)

    def _body(self, reply: Mapping[str, Any], at: Pointer, place: str, on: frozenset[str]) -> Action:
        body = whole(reply["body"])
        unchecked = bool(reply.get("unchecked"))
        if is_template(body):
            return Action("body", place, fill=compile_value(body, ("body",)), unchecked=unchecked)
        for operation in sorted(on) if not unchecked else ():
            mismatches = self._schemas.answer(operation, body).mismatches(body)
            for found in describe(self.document, mismatches, (*at, "body")):
                text = Text(
                    f"the answer leaves the contract of {operation}: {found.text.en};"
                    " mend it, or say `unchecked: true`",
                    f"应答不符合 {operation} 的契约：{found.text.zh}；请修正，或注明 `unchecked: true`",
                )
                self.problems.append(replace(found, text=text))
        try:
            return Action(
                "body",
                place,
                static=encode(body),
                error=told_error(body, self._catalogue),
                empty=is_empty(body),
                unchecked=unchecked,
            )
        except TypeError as error:
            self._problem((*at, "body"), Text(f"JSON cannot say this: {error}", f"无法用 JSON 表示：{error}"))
            return Action("world", place)


def _fold(loader: _Loader, own: Mapping[str, _Loader], problems: list[Problem]) -> Scenario | None:
    """The scenario of a file with everything it extends behind its own part."""
    chain = [loader]
    while (parent := chain[-1].extends) is not None:
        last = chain[-1]
        if parent not in own:
            problems.append(last.document.problem(("extends",), unknown("scenario", parent, own)))
            return None
        if own[parent] in chain:
            names = " → ".join([*(one.name for one in chain), parent])
            text = Text(f"these scenarios extend each other: {names}", f"场景相互继承：{names}")
            problems.append(last.document.problem(("extends",), text))
            return None
        chain.append(own[parent])
    readings: dict[str, Value] = {}
    for one in reversed(chain):
        readings.update(one.readings)
    value = loader.document.value
    title = Text(value["title"], value.get("title_zh", value["title"]))
    description = value.get("description", "")
    return Scenario(
        name=loader.name,
        title=title,
        description=Text(description, value.get("description_zh", description)),
        path=loader.document.path,
        extends=loader.extends,
        readings=readings,
        world=_world(chain),
        rules=tuple(rule for one in chain for rule in one.rules),
        faults=tuple(fault for one in chain for fault in one.faults),
    )


def _world(chain: Sequence[_Loader]) -> Sourced:
    """The nearest `world` of the chain over those of the same source behind it; without any, an empty one."""
    found = [one for one in chain if "world" in one.document.value]
    if not found:
        return Sourced({"source": "recorded", "rooms": []}, chain[0].document, ())
    nearest_one = found[0].document
    merged: dict[str, Any] = dict(nearest_one.value["world"])
    for one in found[1:]:
        behind = one.document.value["world"]
        if merged.setdefault("source", behind.get("source")) != behind.get("source"):
            break
        merged = {**behind, **merged}
    return Sourced(merged, nearest_one, ("world",))
