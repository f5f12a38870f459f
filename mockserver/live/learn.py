"""`learn`: writes the results of an examination as a fixtures folder that makes the mock behave like the target."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mockserver.contract.catalogue import Catalogue, ErrorRow
from mockserver.contract.readings import DEFAULTS, READINGS, Readings, Value
from mockserver.contract.schemas import Schemas
from mockserver.contract.violations import OWN_ERRORS
from mockserver.core.clock import Clock, show_time
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.core.text import Text
from mockserver.engine.config import load_config
from mockserver.live.answers import why_not_recorded
from mockserver.live.provocations import ErrorSeen
from mockserver.live.pseudonyms import Scrubber
from mockserver.live.recording import RECORDS, ROOM, Recording
from mockserver.live.recording_files import FIELDS, calls_in_progress, scenario_files, session_rows
from mockserver.live.target import Target
from mockserver.live.verify import Result
from mockserver.world.session_files import write_rows

SCENARIO = "live"
FILES = ("errors.yaml", f"scenarios/{SCENARIO}.yaml", "learned.md")
_FILE_NAMES = Text(", ".join(FILES), "、".join(FILES))
_MAX_INFO = 500
_MAX_CONFLICTS = 50
_MIN_CODE, _MAX_CODE = -(2**31), 2**31 - 1
_FREE_CODES = 9_000  # First replacement for an assumed code that the target uses for another error.
Data = Literal["none", "recorded"]


@dataclass(frozen=True, slots=True)
class Learned:
    """The contents of the files by their path in the folder, and descriptions of omitted data."""

    files: Mapping[str, str]
    left_out: Sequence[str]


def check_output(folder: Path, replaced: Text = _FILE_NAMES, *, force: bool) -> None:
    """Raise ConfigurationError unless the folder is empty, or `force` is set to replace what it contains."""
    try:
        occupied = os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise ConfigurationError([unreadable(folder, error)]) from None
    if occupied and not (force and folder.is_dir()):
        text = Text(
            f"{folder} is not empty; choose another folder, or replace {replaced.en} in it with --force",
            f"{folder} 不是空目录；请换一个目录，或用 --force 替换其中的{replaced.zh}",
        )
        raise ConfigurationError.at("--output", text)


def learned_files(result: Result, target: Target, catalogue: Catalogue, schemas: Schemas, data: Data) -> Learned:
    """Return the contents of all files."""
    rows, left_out = _error_rows(result.errors, catalogue)
    files = {FILES[0]: _errors_file(result, rows)}
    recording, notes = _recording(result, target, schemas, left_out if data == "recorded" else []), []
    if data == "none":
        head = _scenario(result, recording.readings)
        files[FILES[1]] = "\n".join([*head, "extends: default"]) + "\n"
    else:
        sessions = io.StringIO()
        write_rows(sessions, FIELDS, session_rows(recording))
        texts, dropped = scenario_files(recording, SCENARIO, [*_scenario(result, recording.readings)])
        if dropped:
            left_out.append(f"{dropped} entries that exceed the size of a scenario file")
        notes = [text.en for text in calls_in_progress(recording)]
        texts = {f"{SCENARIO}.csv": sessions.getvalue(), **texts}
        files |= {f"scenarios/{name}": text for name, text in texts.items()}
    files[FILES[2]] = "\n".join(_page(result, rows, [*left_out, *notes])) + "\n"
    return Learned(files, left_out)


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files to a temporary folder, check them there, and move them. ConfigurationError changes nothing."""
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
    """Return the rows of the catalogue with the observed codes and texts, and notes on codes that cannot be used."""
    seen = {each.name: each for each in errors if each.code is not None}
    notes = []
    for each in list(seen.values()):
        if each.code == 0 or not _MIN_CODE <= (each.code or 0) <= _MAX_CODE:
            notes.append(f"error `{each.name}`: ErrorCode {each.code} cannot be used for a failure")
            del seen[each.name]
    taken = {each.code for each in seen.values()} | {0}
    rows, free = [], _FREE_CODES
    own = {name: replace(catalogue[usual], name=name) for name, usual in OWN_ERRORS.items() if name in seen}
    for row in {**catalogue, **own, **catalogue}.values():
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


def _scenario(result: Result, readings: Readings) -> Iterator[str]:
    yield f"# How {result.target} behaves, learned on {show_time(result.at)}. See learned.md for the requests that decided it."
    yield f"title: {quoted(f'As {result.target} answers')}"
    yield f"title_zh: {quoted(f'与 {result.target} 一致')}"
    yield "error_info: catalogue"
    is_default = {
        name: observed.value is None and readings[name] == DEFAULTS[name] for name, observed in result.readings.items()
    }
    yield "readings: {}" if all(is_default.values()) else "readings:"
    for name, observed in result.readings.items():
        verdict = "confirmed" if observed.value is not None else "undecided, this fits the recorded answers"
        if is_default[name]:
            verdict = "undecided, this is the default"
        yield f"  # {verdict}: {_comment(observed.evidence.en)}"
        value = readings[name]
        # The default is not set, because `record` takes for known what is set.
        yield f"  {'# ' * is_default[name]}{name}: {value if isinstance(value, int) else quoted(value)}"


def _value(result: Result, name: str) -> Value:
    value = result.readings[name].value
    return DEFAULTS[name] if value is None else value


def _recording(result: Result, target: Target, schemas: Schemas, left_out: list[str]) -> Recording:
    """Return the valid answers as a recording. Add contradictions and omitted answers to `left_out`."""
    known = frozenset(name for name, observed in result.readings.items() if observed.value is not None)
    recording = Recording({name: _value(result, name) for name in READINGS}, known=known)
    scrubber, dropped = Scrubber(target), 0
    codes = {each.name: each.code for each in result.errors}
    unknown = {ROOM: codes["room_not_found"], RECORDS: codes["user_not_found"]}
    for reply in result.replies:
        asked = json.dumps(reply.body, ensure_ascii=False)
        value = json.loads(scrubber.scrub_data(json.dumps(reply.value, ensure_ascii=False), ()))
        is_valid = schemas.request(reply.operation).accepts(body := json.loads(asked))
        if not is_valid or not isinstance(value, dict) or scrubber.scrub_data(asked, ()) != asked:
            continue
        if not reply.ok:
            if reply.code is not None and reply.code == unknown.get(reply.operation):
                recording.add_failure(reply.operation, body, {**value, "ErrorInfo": scrubber.scrub_text(reply.info)})
        elif why_not_recorded(schemas, reply.operation, body, reply.status, value) is None:
            recording.add(reply.operation, body, value, reply.at)
        else:
            dropped += 1
    recording.conclude_readings()
    if dropped:
        left_out.append(
            f"{dropped} answers that violate the contract, have another id than the request, or control characters in an id"
        )
    conflicts = [f"conflict, resolved in favour of the newer answer: {text.en}" for text in recording.conflicts]
    left_out += conflicts[:_MAX_CONFLICTS]
    return recording


def _page(result: Result, rows: Sequence[ErrorRow], left_out: Sequence[str]) -> Iterator[str]:
    """Yield the lines of learned.md."""
    yield f"# What {result.target} does"
    yield ""
    yield f"Learned on {show_time(result.at)} with {result.requests} requests. The requests below have no signature:"
    yield "`mockserver sign` makes it, with the target's keys in `MOCKSERVER_FIXTURES/apps.yaml`."
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
        yield from ("", "## Omitted", "", *(f"- {_plain(each)}" for each in left_out))


def quoted(text: str) -> str:
    """Return a text as a double-quoted YAML string."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _comment(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    """Return a text with Markdown's special characters escaped."""
    text = _comment(text)
    for char in "\\`*_[]<>|":
        text = text.replace(char, f"\\{char}" if char not in "<>|" else f"&#{ord(char)};")
    return text
