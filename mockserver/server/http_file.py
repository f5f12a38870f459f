"""Signed requests as text for the HTTP clients of JetBrains and VS Code: one `.http` file, good for as long as a checksum is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import Readings
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config
from mockserver.server.openapi import MEDIA, samples

_HEAD = Text(
    "# Signed at {at} for appkey {appkey}: good for {seconds} seconds. Then export anew:\n"
    "#   mockserver export http > requests.http\n",
    "# 于 {at} 为 appkey {appkey} 签名，{seconds} 秒内有效。过期后请重新导出：\n"
    "#   mockserver export http > requests.http\n",
)


def http_requests(
    config: Config,
    readings: Readings,
    sign: Callable[[], str],
    *,
    now: float,
    appkey: str,
    lang: Lang = "en",
    server: str = "http://127.0.0.1:8080",
) -> str:
    """The file; `sign` gives a signed query string at every call, made at `now` seconds."""
    at = datetime.fromtimestamp(int(now), timezone.utc).isoformat()
    head = _HEAD.to(lang).format(at=at, appkey=appkey, seconds=readings["freshness_seconds"])
    requests = [
        f"### §{one.section} {one.title.to(lang)}\n# @name {one.name}\n"
        f"POST {{{{baseUrl}}}}{one.path}?{sign()}\nContent-Type: {MEDIA}\n\n"
        f"{json.dumps(samples(one, config)[0], ensure_ascii=False, indent=2)}\n"
        for one in OPERATIONS.values()
    ]
    return "\n".join([f"{head}\n@baseUrl = {server.rstrip('/')}\n", *requests])
