"""`learn`: writes what an examination of a target found out as a fixtures folder, which makes the mock answer as the target does."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mockserver.contract.catalogue import Catalogue, ErrorRow
from mockserver.contract.readings import READINGS
from mockserver.contract.schemas import Schemas
from mockserver.core.clock import Clock, show_time
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.core.text import Text
from mockserver.engine.config import load_config
from mockserver.live.call_log import Session
from mockserver.live.probing import Reply
from mockserver.live.provocations import ErrorSeen
from mockserver.live.target import Target
from mockserver.live.verify import Result

SCENARIO = "live"
FILES = ("errors.yaml", f"scenarios/{SCENARIO}.yaml", "learned.md")
_MAX_SCENARIO = 3_500_000  # Bytes; a scenario file may have 4 MiB.
_MAX_INFO = 500
_MIN_CODE, _MAX_CODE = -(2**31), 2**31 - 1
_FREE_CODES = 9_000  # Where an assumed code goes whose number the target uses for something else.
Data = Literal["none", "recorded"]


@dataclass(frozen=True, slots=True)
class Learned:
    """The files to write, by their path in the folder, and what had to be left out."""

    files: Mapping[str, str]
    left_out: Sequence[str]


def check_output(folder: Path, *, force: bool) -> None:
    """Raise ConfigurationError if the folder holds files and may not be written to."""
    try:
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError.at(
            "--output", Text(f"{folder} cannot be read: {reason}", f"无法读取 {folder}：{reason}")
        ) from None
    if occupied and not (force and folder.is_dir()):
        text = Text(
            f"{folder} is not empty; choose another folder, or replace {', '.join(FILES)} in it with --force",
            f"{folder} 不是空目录；请换一个目录，或用 --force 替换其中的 {'、'.join(FILES)}",
        )
        raise ConfigurationError.at("--output", text)


def learned_files(result: Result, target: Target, catalogue: Catalogue, schemas: Schemas, data: Data) -> Learned:
    """Return the contents of all files."""
    rows, notes = _error_rows(result.errors, catalogue)
    left_out = list(notes)
    scenario = "\n".join(_scenario(result, target, schemas, data, left_out)) + "\n"
    page = "\n".join(_page(result, rows, left_out)) + "\n"
    files = dict(zip(FILES, (_errors_file(result, rows), scenario, page), strict=True))
    return Learned(files, left_out)


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files as a whole: checked in a folder beside it first, then moved. ConfigurationError changes nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        made = Path(name) / "learned"
        for path, content in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(content, encoding="utf-8")
        load_config(Folders(made), now=Clock().second)
        if not folder.exists() or not any(folder.iterdir()):
            if folder.exists():
                folder.rmdir()
            os.replace(made, folder)
            return
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(made / path, folder / path)


def _error_rows(errors: Sequence[ErrorSeen], catalogue: Catalogue) -> tuple[list[ErrorRow], list[str]]:
    """Return the catalogue with what was observed, and notes on what could not be taken over."""
    seen = {each.name: each for each in errors if each.code is not None}
    notes = []
    for each in list(seen.values()):
        if each.code == 0 or not _MIN_CODE <= (each.code or 0) <= _MAX_CODE:
            notes.append(f"error `{each.name}`: ErrorCode {each.code} cannot be used for a failure")
            del seen[each.name]
    taken = {each.code for each in seen.values()} | {0}
    rows, free = [], _FREE_CODES
    for row in catalogue.values():
        if row.name in seen:
            rows.append(_observed(row, seen[row.name]))
        elif row.code in taken and row.code != 0:
            others = taken | {other.code for other in (*rows, *catalogue.values())}
            free = next(code for code in range(free, _MAX_CODE) if code not in others)
            notes.append(
                f"error `{row.name}`: moved from {row.code}, which the target uses for something else, to {free}"
            )
            rows.append(replace(row, code=free))
            free += 1
        else:
            rows.append(row)
    return rows, notes


def _observed(row: ErrorRow, seen: ErrorSeen) -> ErrorRow:
    text = seen.info.strip()[:_MAX_INFO]
    status = seen.status if 200 <= seen.status <= 599 and seen.status != 200 else row.status
    return replace(
        row, code=seen.code or row.code, source="observed", status=status, text=Text(text, text) if text else row.text
    )


def _errors_file(result: Result, rows: Sequence[ErrorRow]) -> str:
    lines = [
        f"# Error codes of {result.target}, observed on {show_time(result.at)}.",
        "# source: observed has the target's number and text; assumed could not be provoked.",
        "errors:",
    ]
    for row in rows:
        lines.append(
            f"  - {{name: {row.name}, code: {row.code}, source: {row.source}, section: {quoted(row.section)}, status: {row.status},"
            f" en: {quoted(row.text.en)}, zh: {quoted(row.text.zh)}}}"
        )
    return "\n".join(lines) + "\n"


def _scenario(result: Result, target: Target, schemas: Schemas, data: Data, left_out: list[str]) -> Iterator[str]:
    yield f"# How {result.target} behaves, learned on {show_time(result.at)}. See learned.md for the requests that decided it."
    yield f"title: {quoted(f'As {result.target} answers')}"
    yield f"title_zh: {quoted(f'与 {result.target} 一致')}"
    if data == "none":
        yield "extends: default"
    yield "error_info: catalogue"
    yield "readings:"
    for name, reading in READINGS.items():
        observed = result.readings[name]
        verdict = "confirmed" if observed.value is not None else "undecided, this is the default"
        yield f"  # {verdict}: {_comment(observed.evidence.en)}"
        value = reading.default if observed.value is None else observed.value
        yield f"  {name}: {value if isinstance(value, int) else quoted(value)}"
    if data == "recorded":
        yield from _world(result, target, left_out)
        yield from _answers(result, target, schemas, left_out)


def _world(result: Result, target: Target, left_out: list[str]) -> Iterator[str]:
    """Yield the sessions seen as a recorded world, without those that such a world cannot have."""
    rooms: dict[str, list[Session]] = defaultdict(list)
    last: dict[str, int] = {}
    dropped = 0
    for each in sorted(result.log.sessions.values(), key=lambda each: (each.enter, each.room, each.user)):
        length = None if each.leave is None else each.leave - each.enter
        too_long = length is not None and (length <= 0 or max(each.audio, each.video) > length)
        if too_long or each.enter < last.get(each.user, 0) or not _is_text(each.user) or not _is_text(each.room):
            dropped += 1
            continue
        last[each.user] = each.leave or 2**40
        rooms[each.room].append(each)
    if dropped:
        left_out.append(f"{dropped} sessions that overlap another one of their user, or whose times do not fit")
    yield "world:"
    yield "  source: recorded"
    yield f"  rooms:{'' if rooms else ' []'}"
    for room, sessions in rooms.items():
        yield f"    - RoomId: {quoted(target.redact_secrets(room))}"
        yield "      stays:"
        for each in sessions:
            leave = "" if each.leave is None or _is_running(each, result) else f", leave: {each.leave}"
            user = quoted(target.redact_secrets(each.user))
            yield f"        - {{UserId: {user}, enter: {each.enter}{leave}, audio: {each.audio}, video: {each.video}}}"


def _is_running(session: Session, result: Result) -> bool:
    """Whether a session was going on, shown with the present time as its end."""
    return result.readings["ongoing"].value == "now" and session.leave is not None and session.leave >= result.at - 2


def _answers(result: Result, target: Target, schemas: Schemas, left_out: list[str]) -> Iterator[str]:
    """Yield the statistics seen as answers to the same requests, as far as they fit into a file."""
    day = result.day
    if day is None:
        return
    replies = [*day.distributions.values(), *day.trends.values(), *([day.quality] if day.quality else [])]
    size, first = 0, True
    for reply in replies:
        if not reply.ok:
            continue
        line = _answer(reply, target, schemas)
        size += len(line.encode())
        if size > _MAX_SCENARIO:
            left_out.append(f"the statistics of {day.name} that do not fit into a scenario file")
            return
        if first:
            yield "# Statistics count calls that are not in this file, so they are answers to the same request."
            yield "answers:"
            first = False
        yield line


def _answer(reply: Reply, target: Target, schemas: Schemas) -> str:
    body = json.loads(target.redact_secrets(json.dumps(reply.value, ensure_ascii=True)))
    unchecked = "" if schemas.answer(reply.operation, body).accepts(body) else ", unchecked: true"
    assert isinstance(reply.body, Mapping)
    return (
        f"  - {{on: {reply.operation}, when: {{body: {_flow(reply.body)}}}, reply: {{body: {_flow(body)}{unchecked}}}}}"
    )


def _page(result: Result, rows: Sequence[ErrorRow], left_out: Sequence[str]) -> Iterator[str]:
    """Yield the lines of learned.md."""
    yield f"# What {result.target} does"
    yield ""
    yield f"Learned on {show_time(result.at)} with {result.requests} requests. Signatures are left out of the requests below:"
    yield "`mockserver sign` makes one, with the target's keys in `MOCKSERVER_FIXTURES/apps.yaml`."
    if result.stopped:
        yield f"It ended early: {result.stopped.en}."
    yield ""
    yield "## Readings"
    for name, observed in result.readings.items():
        state = f"confirmed, **{observed.value}**" if observed.value is not None else "undecided"
        yield ""
        yield f"### {name}: {state}"
        yield ""
        yield f"{_plain(observed.evidence.en)}."
        if observed.requests:
            yield ""
            yield "```bash"
            yield from (_comment(line) for line in observed.requests)
            yield "```"
    yield ""
    yield "## Errors"
    yield ""
    yield "| name | code | source | causes | other codes |"
    yield "|-|-|-|-|-|"
    seen = {each.name: each for each in result.errors}
    for row in rows:
        causes, other = (seen[row.name].causes, seen[row.name].other) if row.name in seen else ((), ())
        yield f"| `{row.name}` | {row.code} | {row.source} | {_plain('; '.join(causes))} | {_plain('; '.join(other))} |"
    findings = [f"- {finding.severity}, {name}: {_plain(finding.text.en)}" for name, finding in result.findings()]
    if findings:
        yield from ("", "## Findings", "", *findings)
    if left_out:
        yield from ("", "## Left out", "", *(f"- {_plain(each)}" for each in left_out))


def quoted(text: str) -> str:
    """Return a text in YAML's double quotes."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _flow(value: Any) -> str:
    """Return a value of JSON in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(name)}: {_flow(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _is_text(text: str) -> bool:
    """Return whether a text can be an id: not empty, and no half of a surrogate pair."""
    return bool(text) and not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def _comment(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    """Return a text for Markdown, in which nothing acts as markup."""
    text = _comment(text)
    for char in "\\`*_[]<>|":
        text = text.replace(char, f"\\{char}" if char not in "<>|" else f"&#{ord(char)};")
    return text
