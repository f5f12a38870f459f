"""The judge's rules: what a good client does after each error, read from `judge.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.checking import check_document
from mockserver.contract.schemas import Validator
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_yaml

Next = Literal["sign_again", "new_seq", "wait", "not_repeat", "give_up"]

NEXT_STEPS: dict[Next, Text] = {
    "sign_again": Text("sign again", "重新签名"),
    "new_seq": Text("take a new seq", "换新的 seq"),
    "wait": Text("wait, then ask again", "等待后重试"),
    "not_repeat": Text("not repeat it unchanged", "不原样重复"),
    "give_up": Text("give up", "放弃"),
}


@dataclass(frozen=True, slots=True)
class RetryRule:
    """What has to happen after one error."""

    error: str
    next: Next
    advice: Text
    seconds: float = 1.0
    """Wait so long at least; after a final error: a repetition within this time is unchanged."""
    tries: int = 3
    """So often in a row the error may come back before the client has to stop."""
    counts: bool = False
    """A client without mistakes can meet the error: it counts in the coverage."""
    whole_app: bool = False
    """It is about all requests of an app, not about the one that was told."""
    fields: tuple[str, ...] = ()
    """Only operations that require these fields can tell the error."""

    @property
    def final(self) -> bool:
        """Whether the same request can only fail again."""
        return self.next in ("not_repeat", "give_up")


RetryRules = Mapping[str, RetryRule]


def load_retry_rules(folders: Folders, catalogue: Catalogue) -> RetryRules:
    """The rules of `judge.yaml` by the error's name; ConfigurationError tells every mistake."""
    document = read_yaml(folders.fixture("judge.yaml"))
    problems = check_document(document, Validator(read_json(folders.schema("judge.json")).value, {}))
    if problems:
        raise ConfigurationError(problems)
    rules: dict[str, RetryRule] = {}
    for index, row in enumerate(document.value["rules"]):
        rule = _rule(row)
        if rule.error not in catalogue or rule.error in rules:
            problems.append(_refused(document, index, rule.error, catalogue))
        rules[rule.error] = rule
    if problems:
        raise ConfigurationError(problems)
    return rules


def _rule(row: Mapping[str, Any]) -> RetryRule:
    given = {
        name: row[name]
        for name in ("error", "next", "seconds", "tries", "counts", "whole_app")
        if name in row
    }
    return RetryRule(**given, advice=Text(row["en"], row["zh"]), fields=tuple(row.get("fields", ())))


def _refused(document: Document, index: int, error: str, catalogue: Catalogue) -> Problem:
    if error in catalogue:
        text = Text(f"{error!r} has a rule already; keep one", f"{error!r} 已有规则；请只保留一条")
    else:
        text = unknown("error", error, catalogue)
    return document.problem(("rules", index, "error"), text)
