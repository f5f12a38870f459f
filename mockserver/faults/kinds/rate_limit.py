"""Requests over a limit per sliding window, by the app's clock, are refused. Refused requests do not count."""

from mockserver.faults.base import ApiKind, Draw, FaultContext, Refusal, Text, integer, number


class RateLimit(ApiKind):
    text = Text(
        "rate_limited in an HTTP 200 for requests over the limit; no header says when to retry",
        "超出限额的请求返回 HTTP 200 与 rate_limited；没有响应头说明何时重试",
    )
    compares_requests = True
    requests: int = integer(
        "Requests accepted per window; 0 refuses all.", "每个窗口放行的请求数；0 表示全部拒绝。", 0, 100_000
    )
    per_seconds: float = number("Length of the window in seconds.", "窗口长度（秒）。", None, 86_400, 1, above=0)

    def apply(self, context: FaultContext, draw: Draw) -> tuple[Refusal, str] | None:
        if draw.window.accept(context.now, self.requests, self.per_seconds):
            return None
        return Refusal("rate_limited"), f"over {self.requests} requests in {self.per_seconds:g} s"
