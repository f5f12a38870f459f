"""`Engine.preview` answers as `handle` does and leaves no trace."""

from __future__ import annotations

import json

from helpers.request_builder import SAMPLES
from helpers.signer import APPKEY

from mockserver.contract.checksum import sign
from mockserver.core.http import Request
from mockserver.engine.build import make_engine
from mockserver.engine.pipeline import Engine

HEADERS = {"content-type": "application/json"}


def request(engine: Engine, operation: str, seq: str = "1") -> Request:
    """Return a signed request with the body of the document's sample."""
    query = sign(engine.config.apps[APPKEY].credentials, engine.store.app(APPKEY).clock.now(), seq=seq)
    body = json.dumps(SAMPLES[operation]["body"]).encode()
    return Request("POST", f"/v2/video/{operation}", query, HEADERS, body)


def test_a_preview_gives_the_body_of_the_real_answer() -> None:
    """For every operation, violations included."""
    engine = make_engine(scenario="default", now="2019-12-11T00:00+08:00")
    for operation in SAMPLES:
        sent = request(engine, operation)
        assert engine.preview(sent).body == engine.handle(sent).body
    broken = Request("POST", "/v2/video/query_room_info", request(engine, "query_room_info").query, HEADERS, b"{}")
    assert engine.preview(broken).body == engine.handle(broken).body


def test_a_preview_leaves_no_trace() -> None:
    """No journal entry, no request number, no claim of a seq, no step of a sequence, no fault."""
    engine = make_engine(scenario="recovering", reading=["seq=unique"], fault=["error;name=server_busy;times=1"])
    sent = request(engine, "query_room_info")
    first = engine.preview(sent)
    for _ in range(5):
        assert engine.preview(sent).body == first.body
    assert (engine.journal.count(), engine.journal.totals()[1]) == ((0, 0), 0)
    # The fault has not been used up, the numbers begin with 1, and the seq is new.
    answers = [engine.handle(request(engine, "query_room_info", seq=str(number))) for number in (1, 2, 3)]
    assert dict(answers[0].headers)["X-Mock-Request-Id"] == "00000001"
    assert json.loads(answers[0].body)["ErrorCode"] == engine.config.catalogue["server_busy"].code
    assert dict(answers[0].headers)["X-Mock-Answered-By"] == "fault"
    # The first step of the scenario's sequence is still to come.
    assert answers[1].body == first.body
