"""JSON files with the position of every value, and what is wrong with a text that is not JSON.

The standard library parses; a second pass over the tokens finds the positions and what RFC 8259 does not allow.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from pathlib import Path
from typing import Any

from mockserver.core.documents import Document, DocumentCache, DocumentParser, Location, Position, decode
from mockserver.core.errors import ConfigurationError
from mockserver.core.suggestions import full_width_hint
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

HINTS: dict[str, Text] = read_texts(Path(__file__).with_name("json_hints.yaml"))
_BEFORE_BRACKET = {",": "comma_too_many", ":": "value_missing"}
"""What is wrong with a closing bracket after this character."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^\s,:\[\]{}"]+')  # In a text that is known to be JSON.
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(path: Path) -> Document:
    """Return the JSON document in the file; raise ConfigurationError with file, line and column."""
    return _DOCUMENTS.read(path)


def parse_json(source: str | bytes, name: str) -> Document:
    """Return the JSON document in `source`; raise ConfigurationError, which calls it `name`."""
    text = decode(source, name)
    value: Any = None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError.at(name, explain_syntax(error), error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        pass  # A number is too long or the nesting too deep, which the second pass reports.
    return Document(value, name, _Locator(text, name).locate())


_DOCUMENTS = DocumentCache(parse_json)


class _Locator(DocumentParser):
    """Finds the position of every value."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(name)
        self.tokens = _TOKEN.finditer(text)
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def locate(self, token: re.Match[str] | None = None, depth: int = 1) -> Location:
        token = token or next(self.tokens)
        text, position = token[0], self.position(token)
        self.count_value(depth, position)
        parts: dict[str | int, Location] = {}
        if text == "[":
            while (item := next(self.tokens))[0] != "]":
                parts[len(parts)] = self.locate(item, depth + 1)
        elif text == "{":
            while (key := next(self.tokens))[0] != "}":
                name = self.string(key)
                self.check_duplicate(parts, name, self.position(key))
                parts[name] = self.locate(next(self.tokens), depth + 1)._replace(key=self.position(key))
        elif text.startswith('"'):
            self.string(token)
        elif text in ("NaN", "Infinity", "-Infinity"):
            self.fail(position, f"{text} is not JSON: use a number or null", f"{text} 不是 JSON：请用数字或 null")
        elif text not in ("true", "false", "null"):
            self.number(text, position, integer=text.lstrip("-").isdecimal())
        return Location(position, parts)

    def position(self, token: re.Match[str]) -> Position:
        line = bisect_right(self.line_starts, token.start())
        return line, token.start() - self.line_starts[line - 1] + 1

    def string(self, token: re.Match[str]) -> str:
        text: str = json.loads(token[0])
        if _SURROGATE.search(text):
            self.fail(self.position(token), "unpaired surrogate in the string", "字符串含不成对的代理项")
        return text


def explain_syntax(error: json.JSONDecodeError) -> Text:
    """Return what is wrong at the position of a syntax error, and how to fix it."""
    # Some messages of Python end in `at`, before the position.
    reason, hint = re.sub("( starting)? at$", "", error.msg[0].lower() + error.msg[1:]), _hint(error)
    return Text(f"{reason}; {hint.en}", hint.zh) if hint else Text(reason, f"JSON 语法错误：{reason}")


def _hint(error: json.JSONDecodeError) -> Text | None:
    text, at = error.doc, error.pos
    found = text[at : at + 1]
    if hint := full_width_hint(found):
        return hint
    if found in ("}", "]") and not error.msg.startswith("Extra data"):
        return HINTS[_BEFORE_BRACKET.get(text[:at].rstrip()[-1:], "wrong_bracket")]
    if "delimiter" in error.msg and "," in error.msg and found:
        line = text.count("\n", 0, len(text[:at].rstrip())) + 1
        return HINTS["comma_missing"].format(line=line)
    causes = {
        "single_quotes": found == "'",
        "comma_too_many": "trailing comma" in error.msg,
        "form_data": at == 0 and re.match(r"[A-Za-z_][\w.-]*=", text),
        "cut_off": at >= len(text.rstrip()),
        "more_behind": error.msg.startswith("Extra data"),
        "control_character": error.msg.startswith("Invalid control character"),
    }
    return next((HINTS[name] for name, holds in causes.items() if holds), None)
