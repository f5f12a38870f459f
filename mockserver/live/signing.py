"""Decides the readings of §1.1 and §1.2: signature, paths, and strictness."""

from __future__ import annotations

from mockserver.contract.checksum import Formula, new_seq
from mockserver.contract.operations import PREFIX
from mockserver.core.clock import format_day
from mockserver.core.text import Text
from mockserver.live.answers import Finding, is_envelope
from mockserver.live.connecting import NO_CHECKSUM, refusal, send_unused, send_valid, valid_body
from mockserver.live.freshness import MAX_REACH, probe_freshness
from mockserver.live.probing import ALL, TREND, Prober

_VARIANTS = ("/v1/test/", "/v1/video/", "/v2/test/")


def probe_signature(prober: Prober) -> None:
    """Decide the readings of §1.1."""
    _probe_reuse(prober)
    _probe_checksum(prober)
    if prober.value("signing") == "off":
        reason = Text("signatures are not checked", "目标不校验签名")
        for name in ("freshness_seconds", "seq", "curtime"):
            prober.leave_open(name, reason)
        prober.short_lived, prober.reach = False, MAX_REACH
    else:
        probe_freshness(prober)
        _probe_formula(prober)
        _probe_seq(prober)
        _probe_curtime(prober)
    _probe_identifier(prober)
    _probe_paths(prober)


def _probe_reuse(prober: Prober) -> None:
    """Send a checksum twice in one second, then a new one."""
    first = send_unused(prober)
    again = send_valid(prober, sign={"curtime": prober.last_curtime})
    if again.ok and first.ok:
        prober.once = False
        prober.confirm(
            "checksum_reuse",
            "allowed",
            Text("a checksum was accepted twice", "同一 checksum 两次均被接受"),
            first,
            again,
        )
        return
    fresh = send_unused(prober)
    if first.ok and fresh.ok:
        text = Text(
            "a checksum was refused the second time, a new one accepted", "同一 checksum 第二次被拒绝，新的被接受"
        )
        prober.confirm("checksum_reuse", "once", text, first, again, fresh)
        prober.errors["checksum_reused"] = [("checksum sent twice", again)]
    elif is_envelope(first.value) and first.code == again.code == fresh.code:
        # Only curtimes of the future are accepted, so that no answer would say anything.
        raise refusal(prober, first)
    else:
        prober.leave_open(
            "checksum_reuse",
            Text("valid requests are refused at times", "有效请求有时被拒绝"),
            first,
            again,
            fresh,
            new=True,
        )


def _probe_checksum(prober: Prober) -> None:
    wrong = send_valid(prober, sign={"checksum": NO_CHECKSUM})
    prober.errors.setdefault("checksum_mismatch", []).append(("wrong checksum", wrong))
    if wrong.ok:
        prober.confirm("signing", "off", Text("a wrong checksum was accepted", "错误的 checksum 被接受"), wrong)


def report_unsigned(prober: Prober) -> None:
    """Report a target that does not check signatures."""
    if prober.value("signing") == "off":
        text = Text(
            "a request with a wrong checksum is accepted; if that is intended, add --reading signing=off",
            "checksum 错误的请求被接受；若本应如此，请加 --reading signing=off",
        )
        prober.report(ALL, Finding("error", "unsigned", text, prober.readings["signing"].requests[0]))


def _probe_formula(prober: Prober) -> None:
    used = prober.target.formula
    other: Formula = "v1" if used == "v2" else "v2"
    # With `checksum_reuse=once`, an earlier examination may have used the checksum, but hardly that of a late curtime.
    reply = send_valid(prober, formula=other, offset=prober.reach if prober.once else None)
    if reply.ok:
        prober.confirm("signing", "either", Text("both formulas were accepted", "两种公式均被接受"), reply)
    else:
        text = Text(f"formula {used} was accepted, {other} refused", f"公式 {used} 被接受，{other} 被拒绝")
        prober.confirm("signing", used, text, reply)


def _probe_seq(prober: Prober) -> None:
    without = send_valid(prober, sign={"seq": None})
    seq = new_seq(str(int(prober.now())))
    first, second = send_valid(prober, sign={"seq": seq}), send_valid(prober, sign={"seq": seq})
    if without.ok and second.ok:
        prober.confirm(
            "seq", "optional", Text("a request without seq was accepted", "无 seq 的请求被接受"), without, second
        )
    elif without.ok or not first.ok:
        text = Text("seq may be missing, but not repeated", "seq 可省略，但不可重复")
        prober.leave_open("seq", text, without, first, second, new=True)
    elif second.ok:
        text = Text("seq was required, and accepted twice", "seq 必填，重复也被接受")
        prober.confirm("seq", "required", text, without, second)
    else:
        prober.confirm(
            "seq", "unique", Text("a seq was refused the second time", "同一 seq 第二次被拒绝"), without, first, second
        )
        prober.errors.setdefault("duplicate_seq", []).append(("seq sent twice", second))


def _probe_curtime(prober: Prober) -> None:
    reply = prober.ask(ALL, valid_body(prober), offset=0, fraction=True, expected=False)
    text = Text("a curtime with a fraction was accepted", "带小数的 curtime 被接受")
    if reply.ok:
        prober.confirm("curtime", "fraction", text, reply)
    else:
        text = Text("a curtime with a fraction was refused", "带小数的 curtime 被拒绝")
        prober.confirm("curtime", "integer", text, reply)


def _probe_identifier(prober: Prober) -> None:
    reply = send_valid(prober, sign={"identifier": "no-such-account"})
    if reply.ok:
        prober.confirm(
            "identifier", "any", Text("an unknown identifier was accepted", "未知的 identifier 被接受"), reply
        )
    else:
        prober.confirm(
            "identifier", "admin", Text("an unknown identifier was refused", "未知的 identifier 被拒绝"), reply
        )
        prober.errors.setdefault("identifier_not_allowed", []).append(("unknown identifier", reply))


def _probe_paths(prober: Prober) -> None:
    replies = [send_valid(prober, path=f"{prefix}{ALL}") for prefix in _VARIANTS]
    accepted = [prefix for prefix, reply in zip(_VARIANTS, replies, strict=True) if reply.ok]
    listed = ", ".join(accepted)
    if len(accepted) == len(_VARIANTS):
        prober.confirm("paths", "document", Text(f"accepted: {listed}", f"被接受：{listed}"), *replies)
    elif not accepted:
        text = Text(f"only {PREFIX} was accepted", f"只有 {PREFIX} 被接受")
        prober.confirm("paths", "v2/video", text, *replies)
    else:
        prober.leave_open("paths", Text(f"accepted: {listed}, no others", f"仅接受：{listed}"), *replies, new=True)


def probe_strictness(prober: Prober) -> None:
    """Decide `strictness` by four requests that the document does not allow (§1.2)."""
    body = valid_body(prober)
    day = format_day(prober.now())
    variants = {
        "integers for stamps": prober.ask(ALL, {name: int(value) for name, value in body.items()}, expected=False),
        "an unknown field": prober.ask(ALL, {**body, "Unknown": "1"}, expected=False),
        "no Content-Type": prober.ask(ALL, body, headers={}, expected=False),
        'CountBy "1"': prober.ask(TREND, {"QueryDate": day, "CountBy": "1"}, expected=False),
    }
    accepted = [name for name, reply in variants.items() if reply.ok]
    refused = [name for name in variants if name not in accepted]
    text = Text(
        f"accepted: {', '.join(accepted) or 'none'}; refused: {', '.join(refused) or 'none'}",
        f"接受：{', '.join(accepted) or '无'}；拒绝：{', '.join(refused) or '无'}",
    )
    if accepted and refused:
        prober.leave_open("strictness", text, *variants.values(), new=True)
    else:
        prober.confirm("strictness", "lenient" if accepted else "strict", text, *variants.values())
