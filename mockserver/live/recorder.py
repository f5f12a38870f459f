"""Answers requests with the answers of a target instead of the mock's own world, and records them.

A `Recorder` is an engine's backend. Requests have been checked and are stored in the journal as usual. One thread
merges the answers and writes the files, so that clients do not wait for either.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.checksum import new_seq
from mockserver.contract.schemas import Schemas
from mockserver.contract.violations import Violation
from mockserver.core.machine_time import monotonic
from mockserver.core.text import MASK, Lang, Text
from mockserver.engine.context import Decision, RequestContext
from mockserver.engine.responder import Responder
from mockserver.live.answers import check_answer, is_envelope, is_success, parse_answer, why_not_recorded
from mockserver.live.curtimes import Curtime, Curtimes
from mockserver.live.differences import compare
from mockserver.live.pseudonyms import Pseudonyms, Scrubber
from mockserver.live.recording import RECORDS, ROOM, Recording
from mockserver.live.recording_files import RecordingFiles
from mockserver.live.target import DEFAULT_IDENTIFIER, Answer, Target, TargetError
from mockserver.scenarios.model import error_name_of
from mockserver.validation.redactor import MIN_SECRET_LENGTH

log = logging.getLogger("mockserver")
Mode = Literal["record", "spy", "shadow"]
WRITE_SECONDS = 5.0  # From the start of writing to the next; with the time for writing, less than ten seconds are lost.
_MERGE_SECONDS = 1.0  # Time between two writes at least, for merging.
_SIGNATURE = ("appkey", "identifier", "curtime", "checksum", "seq")
_SIGNATURE_ERRORS = ("unknown_appkey", "invalid_curtime", "checksum_expired", "checksum_mismatch")
_UNKNOWN_ERRORS = ("room_not_found", "user_not_found", "not_recorded")
_MAX_WAITING = 20_000  # Answers that wait to be merged; at the limit clients wait, so that no answer is lost.
_MAX_SHADOWS = 1_000  # Comparisons that wait; beyond that requests are counted, but not compared.
_SHADOW_THREADS = 8


class _Received(NamedTuple):
    """An answer of the target to a client's request, in the envelope of the API."""

    operation: str
    body: Mapping[str, Any]
    valid: bool  # Whether the request, with the new signature, conforms to the contract.
    secret: bool  # Whether the request's body contains a secret.
    answer: Answer
    value: Any
    scrubbed: str | None  # The answer with its secrets masked; None if it contains no secrets.
    mock: Decision | None = None  # The mock's answer, to compare with.


class Recorder:
    """Forwards requests to a target in one of three modes, from `start` to `stop`."""

    def __init__(
        self,
        target: Target,
        mode: Mode,
        schemas: Schemas,
        recording: Recording,
        files: RecordingFiles,
        scrubber: Scrubber,
        pseudonyms: Pseudonyms | None = None,
        *,
        unknown_codes: frozenset[int] = frozenset(),
        lang: Lang = "en",
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self.recording = recording
        self._target, self._mode, self._schemas, self._files = target, mode, schemas, files
        self._scrubber, self._pseudonyms, self._seconds = scrubber, pseudonyms, seconds
        self._curtimes = Curtimes(target)
        self._unknown_codes, self._lang = unknown_codes, lang
        """The ErrorCodes by which the target says that a room or a user does not exist."""
        self._received: queue.Queue[_Received | None] = queue.Queue(_MAX_WAITING)
        self._notes: Counter[Text] = Counter()
        self._written = (-1, 0)
        self._merging = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="mockserver-recorder", daemon=True)
        self._shadows = ThreadPoolExecutor(_SHADOW_THREADS, "mockserver-shadow")
        self._pending = threading.BoundedSemaphore(_MAX_SHADOWS)

    def start(self) -> None:
        """Write the empty recording, and start the thread. Raise OSError if the folder cannot be written."""
        self.recording.recorded_at = self._target.clock()
        self._write()
        self._thread.start()

    def stop(self) -> None:
        """Merge and write the received answers, and stop the thread."""
        self._shadows.shutdown()
        self._received.put(None)
        self._thread.join()

    def flush(self) -> None:
        """Wait until all received answers are merged and written."""
        self._received.join()
        self._write()

    def refusal(self, context: RequestContext) -> Violation | None:
        """Return the violation for which a request is refused: in mode `record`, only one of the signature."""
        if self._mode != "record":
            return context.refusal
        wrong = (found for found in context.violations if not found.tolerated)
        return next((found for found in wrong if _is_of_signature(found)), None)

    def answer(self, context: RequestContext, responder: Responder) -> Decision:
        """Return the answer of the target or of the mock, depending on the mode."""
        if self._mode == "record":
            return self._forward(context, responder)
        own = responder.answer(context)
        if self._mode == "shadow":
            self._compare_later(context, own)
        elif own.empty or own.error in _UNKNOWN_ERRORS:
            return self._forward(context, responder, instead=own)
        return own

    def _forward(self, context: RequestContext, responder: Responder, instead: Decision | None = None) -> Decision:
        try:
            answer, value, seqs = self._send(context)
        except TargetError as error:
            text = error.problems[0].text
            self._note(text)
            return instead or responder.failure(context, "internal_error", "target", detail=text.to(self._lang))
        received = self._receive(context, answer, value, seqs)
        if received is None:
            kind = answer.headers.get("content-type", "no Content-Type")[:60]
            text = Text(
                f"the target answered HTTP {answer.status} with {kind}, which is not an answer of this API",
                f"目标返回 HTTP {answer.status}（{kind}），不是本 API 的响应",
            )
            text = Text(*map(self._scrubber.scrub_text, text))
            self._note(text)
            return instead or responder.failure(context, "internal_error", "target", detail=text.to(self._lang))
        self._received.put(received)
        value, scrubbed = received.value, received.scrubbed
        error_name = "" if is_success(value) else error_name_of(value, context.config.catalogue) or "internal_error"
        return Decision(
            answer.body,
            "target",
            error_name,
            _is_empty(value),
            status=answer.status,
            stored=None if scrubbed is None else scrubbed.encode(),
        )

    def _send(self, context: RequestContext) -> tuple[Answer, Any, tuple[str, ...]]:
        """Send a client's request with the signature of the target; return the answer, its JSON, and the used seqs."""
        request, seqs = context.received, list[str]()
        parts = context.request.query.split("&")
        rest = "&".join(part for part in parts if part and part.partition("=")[0] not in _SIGNATURE)
        headers = {
            name.title(): request.headers[name] for name in ("content-type", "accept") if name in request.headers
        }
        path = quote(request.path, safe="/%:@!$&'()*+,;=~")

        def send(**choice: bool) -> tuple[Answer, Any, Curtime]:
            curtime = Curtime(0)

            def sign() -> dict[str, str]:
                nonlocal curtime
                curtime = self._curtimes.take(context.readings, **choice)
                seqs.append(new_seq(str(curtime.second)))
                return {"curtime": str(curtime.second), "seq": seqs[-1]}

            found = self._target.send(path, request.body, method=request.method, headers=headers, sign=sign, query=rest)
            return found, parse_answer(found.body)[0], curtime

        stale = _stale_codes(context.config.catalogue)
        answer, value = self._curtimes.send(send, context.readings, stale, is_valid=_is_valid(context))
        return replace(answer, at=answer.at + self._curtimes.skew), value, tuple(seqs)

    def _receive(
        self, context: RequestContext, answer: Answer, value: Any, seqs: tuple[str, ...], mock: Decision | None = None
    ) -> _Received | None:
        """Return an answer with its secrets masked; None if it is not an answer of this API."""
        if not is_envelope(value):
            return None
        text = answer.body.decode()
        if "\\u" in text:
            # A secret may be hidden behind escapes.
            text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
        scrubbed = self._scrubber.scrub_data(text, seqs) if is_success(value) else self._scrubber.scrub_text(text)
        changed, secret = None if scrubbed == text else scrubbed, self._contains_secret(context, seqs)
        return _Received(context.operation_name, context.body, _is_valid(context), secret, answer, value, changed, mock)

    def _contains_secret(self, context: RequestContext, seqs: tuple[str, ...]) -> bool:
        """Whether the body of a request contains a secret, or an id in it checksum, seq or identifier of the client."""
        text = json.dumps(context.body, ensure_ascii=False)
        ids = [str(context.body[name]) for name in ("UserId", "RoomId") if name in context.body]
        own = [value for name in ("checksum", "seq") if len(value := context.query.get(name, "")) >= MIN_SECRET_LENGTH]
        identifier = context.query.get("identifier", "")
        named = identifier != DEFAULT_IDENTIFIER and identifier in ids
        used = any(value in each for value in own for each in ids)
        return MASK in text or named or used or self._scrubber.scrub_data(text, seqs) != text

    def _compare_later(self, context: RequestContext, own: Decision) -> None:
        if not self._pending.acquire(blocking=False):
            self._note(Text("requests arrived too fast to compare all of them", "请求过快，未能全部比较"))
            return

        def ask() -> None:
            try:
                answer, value, seqs = self._send(context)
                received = self._receive(context, answer, value, seqs, own)
                if received is not None:
                    self._received.put(received)
            except TargetError as error:
                self._note(error.problems[0].text)
            finally:
                self._pending.release()

        self._shadows.submit(ask)

    def _work(self) -> None:
        """Merge answers until `stop`, and write them at intervals."""
        next_write = self._seconds() + WRITE_SECONDS
        running = True
        while running:
            with contextlib.suppress(queue.Empty):
                received = self._received.get(timeout=max(next_write - self._seconds(), 0.01))
                running = received is not None
                if received is not None:
                    self._merge_safely(received)
                self._received.task_done()
            if not running or self._seconds() >= next_write:
                began = self._seconds()
                self._write()
                next_write = max(began + WRITE_SECONDS, self._seconds() + _MERGE_SECONDS)

    def _merge_safely(self, received: _Received) -> None:
        try:
            with self._merging:
                self._merge(received)
        except Exception:
            log.exception("an answer of the target cannot be recorded")

    def _merge(self, received: _Received) -> None:
        operation, answer = received.operation, received.answer
        value, wrong = (received.value, None) if received.scrubbed is None else parse_answer(received.scrubbed.encode())
        if not operation or not is_envelope(value):
            return
        succeeded = is_success(value)
        for finding in check_answer(self._schemas, operation, answer, value, wrong):
            self._note(finding.text, finding.severity, operation)
        if received.mock is not None:
            mock, _ = parse_answer(received.mock.body)
            for severity, difference in compare(mock, value):
                self._note(difference, severity, operation)
        body: Mapping[str, Any] = received.body
        if not received.valid:
            self._note(
                Text("a request that violates the contract was forwarded, not recorded", "违规请求已转发，未录制"),
                "info",
                operation,
            )
            return
        if received.secret:
            self._note(
                Text("a request that contains a secret was not recorded", "含密钥的请求未录制"), "info", operation
            )
            return
        if self._pseudonyms:
            if not succeeded:
                value = {**value, "ErrorInfo": self._pseudonyms.replace_in_text(str(value.get("ErrorInfo", "")), body)}
            body, value = self._pseudonyms.replace(body), self._pseudonyms.replace(value)
        if succeeded:
            if text := why_not_recorded(self._schemas, operation, body, answer.status, value):
                self._note(text, "warning", operation)
            else:
                self.recording.add(operation, body, value, answer.at)
        elif operation in (RECORDS, ROOM) and value.get("ErrorCode") in self._unknown_codes:
            self.recording.add_failure(operation, body, value)
        else:
            code = value.get("ErrorCode")
            self._note(
                Text(f"a failure was not recorded: ErrorCode {code}", f"失败响应未录制：ErrorCode {code}"),
                "info",
                operation,
            )

    def _note(self, text: Text, severity: str = "warning", operation: str = "") -> None:
        prefix = f"{severity}: {operation}: " if operation else f"{severity}: "
        text = Text(prefix + text.en, prefix + text.zh)
        if text in self._notes or len(self._notes) < 500:
            self._notes[text] += 1

    def _write(self) -> None:
        with self._merging:
            self._write_now()

    def _write_now(self) -> None:
        state = (self.recording.changes, sum(self._notes.values()))
        if state == self._written:
            return
        self.recording.conclude_readings()
        notes = [*self.recording.corrections.values()]
        notes += [Text(f"{text.en} ({count})", f"{text.zh}（{count}）") for text, count in sorted(self._notes.items())]
        try:
            self._files.write(self.recording, notes)
            self._written = state
        except OSError as error:
            if self._written[0] < 0:
                raise
            # The answers are still in memory; the next attempt may succeed.
            log.error("the recording cannot be written: %s", error.strerror or error)


def _is_of_signature(found: Violation) -> bool:
    """Whether a violation concerns the signature: the client has not proved that it has the mock's keys."""
    if found.name == "checksum_reused":
        return False
    return found.error in _SIGNATURE_ERRORS or found.where in ("query:appkey", "query:curtime", "query:checksum")


def _is_valid(context: RequestContext) -> bool:
    """Whether a request conforms to the contract, except in the parameters that the new signature replaces."""
    return all(found.tolerated or found.where.removeprefix("query:") in _SIGNATURE for found in context.violations)


def _stale_codes(catalogue: Catalogue) -> set[object]:
    """Return the codes with which a curtime that was used before may be refused."""
    return {catalogue[name].code for name in (*_SIGNATURE_ERRORS, "checksum_reused") if name in catalogue}


def _is_empty(value: Mapping[str, Any]) -> bool:
    lists = [item for item in value.values() if isinstance(item, list)]
    return bool(lists) and not any(lists)
