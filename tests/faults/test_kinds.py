"""Every kind except contract_drift, tested by calling `apply`."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from fault_helpers import (
    NOW,
    OPERATION,
    SAMPLES,
    SIGNING,
    context,
    draw,
    failure_response,
    fault,
    fault_state,
    parse_strictly,
    response,
)
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.core.http import PLAIN, DeliveryPlan
from mockserver.faults.base import MAX_SECONDS, Refusal
from mockserver.faults.plan import FaultPlan
from mockserver.validation.signature import SigningContext

SECRET = "MADE-UP-secret"


def secret(signing: SigningContext) -> str:
    """The secret that signatures are verified with."""
    assert signing.app is not None
    return signing.app.credentials.appsecret


def delivered(line: str, onto: DeliveryPlan = PLAIN, number: int = 1) -> DeliveryPlan:
    """The delivery plan of a response after one fault."""
    return fault(line).kind.apply(onto, response(), draw(number))[0]


# ---- checksum


def test_a_skewed_clock_moves_only_the_time():
    """clock_skew changes the time of the checks, forwards and backwards, and nothing else."""
    ahead = fault("clock_skew;seconds=600").kind.apply(SIGNING, draw())[0]
    assert ahead == replace(SIGNING, now=NOW + 600)
    assert fault("clock_skew;seconds=-0.5").kind.apply(SIGNING, draw())[0].now == NOW - 0.5


def test_a_skewed_clock_is_not_reported_as_a_moved_one():
    """The diagnosis of a skewed clock does not point to a clock that was stopped or moved on purpose."""
    moved = replace(SIGNING, clock_moved=True)
    assert not fault("clock_skew;seconds=600").kind.apply(moved, draw())[0].clock_moved


def test_a_rotated_secret_is_one_other_secret():
    """secret_rotated gives every request the same secret, which is not the old one."""
    kind = fault("secret_rotated").kind
    secrets = {secret(kind.apply(SIGNING, draw(number))[0]) for number in range(1, 50)}
    assert len(secrets) == 1
    assert secrets != {SECRET}


def test_a_rotated_secret_can_be_chosen():
    """With `appsecret` the new secret is known, so a client that gets it is accepted again."""
    rotated = fault("secret_rotated;appsecret=NEW==").kind.apply(SIGNING, draw())[0]
    assert secret(rotated) == "NEW=="
    keys = replace(rotated.app.credentials, appsecret=SECRET)
    assert replace(rotated, app=replace(rotated.app, credentials=keys)) == SIGNING


@pytest.mark.parametrize("line", ["checksum_rejected", "checksum_flaky;every=1"])
def test_a_valid_signature_is_checked_with_another_secret(line):
    """A valid signature is rejected by the real checks, which get a secret used for this request only."""
    faults = fault_state(line)
    plans = [FaultPlan(faults.active, OPERATION, {}, {}, NOW) for _ in range(20)]
    secrets = {secret(plan.apply_to_signing(SIGNING, signature_valid=True)) for plan in plans}
    assert len(secrets) == 20
    assert SECRET not in secrets


def test_flaky_counts_valid_signatures_only():
    """checksum_flaky rejects every third valid signature, however many invalid ones come between."""
    faults = fault_state("checksum_flaky")
    rejected = []
    for number in range(1, 19):
        plan = FaultPlan(faults.active, OPERATION, {}, {}, NOW)
        signing = plan.apply_to_signing(SIGNING, signature_valid=number % 2 == 0)
        rejected += [number] if signing != SIGNING else []
    assert rejected == [6, 12, 18]


def test_a_secret_is_not_in_a_repr():
    """A signing context that reaches a log or a traceback does not reveal the secret."""
    assert SECRET not in repr(SIGNING)


# ---- api


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("error;name=room_not_found", Refusal("room_not_found")),
        ("error;code=1402", Refusal("server_busy")),
        ("error;code=1402;info=later; please", None),
        ('error;name=server_busy;info="later; please"', Refusal("server_busy", "later; please")),
    ],
)
def test_an_error_is_a_row_of_the_catalogue(line, expected):
    """error refuses with the row chosen by name or code, and with its own info if given."""
    if expected is None:
        with pytest.raises(ValueError, match="field=value"):
            fault(line)
    else:
        assert fault(line).kind.apply(context(), draw())[0] == expected


def test_an_error_that_a_reload_removed_becomes_internal_error():
    """A row that is no longer in the catalogue does not break the request."""
    kind = fault("error;name=server_busy").kind
    less = {name: row for name, row in context().catalogue.items() if name != "server_busy"}
    assert kind.apply(replace(context(), catalogue=less), draw())[0] == Refusal("internal_error")


def refusals_at(faults, times):
    """Whether a request is refused, for each time."""
    return [
        FaultPlan(faults.active, OPERATION, {}, {}, NOW + t).refuse(context(now=NOW + t)) == Refusal("rate_limited")
        for t in times
    ]


def test_a_rate_limit_is_a_sliding_window():
    """The third request within ten seconds is refused; refused requests do not prolong the wait."""
    faults = fault_state("rate_limit;requests=2;per_seconds=10")
    assert refusals_at(faults, [0, 4, 5, 9, 10, 13.9, 14, 14]) == [
        False, False, True, True, False, True, False, True,
    ]  # fmt: skip


def test_a_rate_limit_survives_a_clock_that_is_set_back():
    """When the clock goes back an hour, a new window starts instead of an hour of refusals."""
    faults = fault_state("rate_limit;requests=1;per_seconds=10")
    assert refusals_at(faults, [3600, 3601, 0, 1]) == [False, True, False, True]


@given(limit=st.integers(0, 5), span=st.integers(1, 10), gaps=st.lists(st.integers(0, 6), max_size=60))
def test_no_window_accepts_more_than_the_limit(limit, span, gaps):
    """Any window of `per_seconds` accepts at most `requests`, and a refusal follows a full window."""
    faults = fault_state(f"rate_limit;requests={limit};per_seconds={span}")
    times, now = [], 0
    for gap in gaps:
        now += gap
        times.append(now)
    accepted: list[int] = []
    for at, refused in zip(times, refusals_at(faults, times), strict=True):
        inside = sum(at - span < time <= at for time in accepted)
        assert refused is (inside >= limit)
        accepted += [] if refused else [at]


# ---- gateway


@pytest.mark.parametrize(
    ("status", "title"),
    [(502, "502 Bad Gateway"), (503, "503 Service Temporarily Unavailable"), (504, "504 Gateway Time-out")],
)
def test_a_gateway_responds_like_nginx(status, title):
    """Page, Content-Type and Server are those of nginx; the X-Mock headers stay."""
    got, _ = fault(f"http_status;status={status}").kind.apply(response(), context(), draw())
    headers = dict(got.headers)
    assert got.status == status
    assert got.body.decode().count(title) == 2
    assert got.body.endswith(b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
    assert (headers["Server"], headers["Content-Type"]) == ("nginx", "text/html")
    assert headers["X-Mock-Request-Id"] == "00000001"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_retry_after_comes_with_429_and_503(status):
    """429 and 503 have Retry-After, other statuses do not."""
    got, _ = fault(f"http_status;status={status};retry_after=7").kind.apply(response(), context(), draw())
    assert dict(got.headers).get("Retry-After") == ("7" if status in (429, 503) else None)


@pytest.mark.parametrize("status", [404, 405])
def test_allow_comes_with_405(status):
    """RFC 9110 requires Allow with 405; other statuses do not have it."""
    got, _ = fault(f"http_status;status={status}").kind.apply(response(), context(), draw())
    assert dict(got.headers).get("Allow") == ("GET, HEAD" if status == 405 else None)


def test_a_gateway_may_send_json_or_no_body():
    """Its JSON is not the envelope; an empty body has no Content-Type."""
    got, _ = fault("http_status;body=json").kind.apply(response(), context(), draw())
    assert "Status" not in parse_strictly(got.body)
    assert parse_strictly(got.body)["status"] == 502
    empty, _ = fault("http_status;body=empty").kind.apply(response(), context(), draw())
    assert empty.body == b""
    assert "Content-Type" not in dict(empty.headers)


@pytest.mark.parametrize("status", range(400, 600, 7))
def test_every_status_has_a_page(status):
    """A status without a standard reason phrase has a page, too."""
    got, _ = fault(f"http_status;status={status}").kind.apply(response(), context(), draw())
    assert f"<h1>{status} ".encode() in got.body


# ---- payload


def is_unreadable(body: bytes) -> bool:
    """Whether a strict parser rejects a body."""
    try:
        parse_strictly(body)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", ["cut", "trailing_comma", "single_quotes", "bom", "nan", "html", "empty"])
def test_malformed_json_never_parses(how, operation):
    """Whatever the response and the draw, a strict parser rejects the body; status and headers stay."""
    kind = fault(f"malformed_json;how={how}").kind
    for original in (response(operation=operation), failure_response()):
        for number in range(1, 30):
            got, note = kind.apply(original, context(operation), draw(number))
            assert is_unreadable(got.body), note
            assert (got.status, got.headers) == (original.status, original.headers)
            assert note


def test_malformed_json_has_only_the_chosen_mistake():
    """Undoing the chosen change gives the original document."""

    def broken(how):
        return fault(f"malformed_json;how={how}").kind.apply(response(), context(), draw())[0].body

    assert response().body.startswith(broken("cut"))
    assert parse_strictly(broken("bom").removeprefix(b"\xef\xbb\xbf")) == SAMPLES[OPERATION]
    assert json.loads(broken("single_quotes").replace(b"'", b'"')) == SAMPLES[OPERATION]
    assert b"NaN" in broken("nan")
    json.loads(broken("nan"))
    assert any(
        part in broken("trailing_comma") and parse_strictly(broken("trailing_comma").replace(part, part[1:], 1))
        for part in (b",]", b",}")
    )
    assert broken("html").startswith(b"<html>")
    assert broken("empty") == b""


@pytest.mark.parametrize("line", ["malformed_json", "wrong_charset", "duplicate_keys", "contract_drift"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"{}", b'{"a":NaN}', b"\xff\xfe{\x00}\x00"])
def test_a_body_that_is_already_broken_is_not_changed(line, body):
    """A fault after one that already broke the body has no effect and leaves no note."""
    assert fault(line).kind.apply(replace(response(), body=body), context(), draw()) is None


def test_wrong_content_type_changes_nothing_else():
    """The body is the same, and the header occurs once."""
    got, _ = fault("wrong_content_type").kind.apply(response(), context(), draw())
    assert got.body == response().body
    assert [value for name, value in got.headers if name == "Content-Type"] == ["text/html; charset=utf-8"]


@pytest.mark.parametrize("name", ["房间-7", "room-7", "Räume", "👩‍💻"])
@pytest.mark.parametrize("charset", ["gbk", "utf-16", "latin-1"])
def test_a_wrong_charset_is_never_utf_8(charset, name):
    """Even pure ASCII is no longer valid UTF-8, and decoding it correctly gives the same document."""
    answer = {**SAMPLES[OPERATION], "UsersList": [{**SAMPLES[OPERATION]["UsersList"][0], "RoomId": name}]}
    got, _ = fault(f"wrong_charset;charset={charset}").kind.apply(response(answer), context(), draw())
    with pytest.raises(UnicodeDecodeError):
        got.body.decode()
    read = json.loads(got.body.decode(charset))
    room_id = read["UsersList"][0].pop("RoomId")
    assert room_id == name.encode(charset, "replace").decode(charset)
    assert {**read, "ErrorInfo": ""} == {
        **answer,
        "UsersList": [{key: value for key, value in answer["UsersList"][0].items() if key != "RoomId"}],
    }


def test_a_repeated_key_has_two_values():
    """The first of the two values is the original one, the last is different."""
    for number in range(1, 60):
        got, note = fault("duplicate_keys").kind.apply(response(), context(), draw(number))
        with pytest.raises(ValueError, match="twice"):
            parse_strictly(got.body)
        first = json.loads(got.body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
        assert first == SAMPLES[OPERATION], note
        assert json.loads(got.body) != SAMPLES[OPERATION], note


# ---- time


def test_waits_add_up():
    """Two latencies and a slow body add up."""
    faults = fault_state("latency;fixed_ms=300", "latency;fixed_ms=200", "slow_body;chunks=4;over_ms=1000")
    got = FaultPlan(faults.active, OPERATION, {}, {}, NOW).plan_delivery(response()).delivery
    assert got == DeliveryPlan(delay=0.5, body_chunks=4, body_seconds=1.0)


@given(st.integers(0, 2**32), st.integers(1, 10**6), st.floats(0, 600_000), st.floats(0, 600_000))
def test_a_uniform_delay_stays_within_its_bounds(seed, number, first, second):
    """No draw exceeds the bounds."""
    low, high = sorted((first, second))
    kind = fault({"fault": "latency", "uniform": {"min_ms": low, "max_ms": high}}).kind
    wait = kind.milliseconds(draw(number, seed))
    assert low <= wait <= high or math.isclose(wait, high)


def test_a_uniform_delay_uses_the_whole_range():
    """Over many requests the delays fill the range evenly."""
    kind = fault("latency;uniform.min_ms=100;uniform.max_ms=200").kind
    waits = sorted(kind.milliseconds(draw(number)) for number in range(1, 2001))
    assert waits[0] < 102
    assert waits[-1] > 198
    assert 147 < waits[1000] < 153


def test_a_lognormal_delay_has_its_median_tail_and_maximum():
    """Half of the delays are below the median, one in six above e^sigma times it, none above the maximum."""
    kind = fault("latency;lognormal.median_ms=100;lognormal.sigma=0.5;lognormal.max_ms=300").kind
    waits = sorted(kind.milliseconds(draw(number)) for number in range(1, 4001))
    assert 96 < waits[2000] < 104
    above = sum(wait > 100 * math.exp(0.5) for wait in waits) / 4000
    assert 0.14 < above < 0.18
    assert waits[-1] == 300


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("latency;fixed_ms=800", DeliveryPlan(delay=0.8)),
        ("slow_body;chunks=5;over_ms=500", DeliveryPlan(body_chunks=5, body_seconds=0.5)),
        ("slow_headers;over_ms=500", DeliveryPlan(header_seconds=0.5)),
        ("hang;max_seconds=30", DeliveryPlan(hang=30)),
        ("connection_reset", DeliveryPlan(instead="reset")),
        ("connection_reset;when=before", DeliveryPlan(instead="reset")),
        ("connection_reset;when=mid_body", DeliveryPlan(cut=0.5, cut_end="reset")),
        ("connection_reset;at=mid_body", DeliveryPlan(cut=0.5, cut_end="reset")),
        ("empty_response", DeliveryPlan(instead="empty")),
        ("garbage_response", DeliveryPlan(instead="garbage")),
        ("truncated_body;fraction=0.25", DeliveryPlan(cut=0.25)),
        ("malformed_chunk", DeliveryPlan(malformed_chunk=True)),
        ("slow_close;ms=1500", DeliveryPlan(close_after=1.5)),
        ("bandwidth;bytes_per_second=4096", DeliveryPlan(bytes_per_second=4096)),
    ],
)
def test_a_fault_sets_its_field_of_the_plan(line, expected):
    """Time and connection faults describe their effect in the DeliveryPlan."""
    assert delivered(line) == expected


def test_the_lower_rate_and_the_longer_hang_win():
    """The lower bandwidth and the longer hang win, whichever was added first."""
    for first, second in ((100, 200), (200, 100)):
        slow = delivered(f"bandwidth;bytes_per_second={first}")
        assert delivered(f"bandwidth;bytes_per_second={second}", slow).bytes_per_second == 100
        still = delivered(f"hang;max_seconds={first}")
        assert delivered(f"hang;max_seconds={second}", still).hang == 200


def test_every_wait_is_limited():
    """However many faults add up, no wait exceeds ten minutes, nor does a low bandwidth."""
    lines = ["latency;fixed_ms=600000", "slow_body;over_ms=600000", "slow_headers;over_ms=600000"]
    got = FaultPlan(fault_state(*lines * 3).active, OPERATION, {}, {}, NOW).plan_delivery(response()).delivery
    assert (got.delay, got.body_seconds, got.header_seconds) == (MAX_SECONDS, MAX_SECONDS, MAX_SECONDS)
    huge = replace(response(), body=b"x" * 1_000_000)
    refusals_at = fault("bandwidth;bytes_per_second=1").kind.apply(PLAIN, huge, draw())[0].bytes_per_second
    assert len(huge.body) / refusals_at <= MAX_SECONDS
