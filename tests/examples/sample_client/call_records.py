"""A small client of the call records, as a team would write it: hashlib and urllib, nothing of the mock server."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

SERVER_BUSY = 1402


class CallRecordsError(Exception):
    """The backend refused; `code` is its ErrorCode."""

    def __init__(self, code: int, info: str) -> None:
        self.code = code
        super().__init__(f"{code}: {info}")


class CallRecords:
    """Asks the backend at `url`; waits with `sleep` and tries again when it is busy."""

    tries = 4

    def __init__(
        self,
        url: str,
        appkey: str,
        appsecret: str,
        restapikey: str,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.url = url
        self.appkey, self.appsecret, self.restapikey = appkey, appsecret, restapikey
        self.sleep = sleep
        self.seqs = itertools.count(1)

    def room(self, room_id: str) -> dict[str, Any]:
        """One room and its people."""
        return self.call("query_room_info", {"RoomId": room_id})

    def records(self, user_id: str, begin: int, end: int) -> list[dict[str, Any]]:
        """A user's rooms in a span of time."""
        body = {"UserId": user_id, "BeginTime": str(begin), "EndTime": str(end)}
        return self.call("query_instance_all_records_by_time", body)["UserRecords"]

    def signature(self, curtime: str) -> str:
        """The checksum of a moment."""
        return hashlib.sha1((self.appsecret + self.restapikey + curtime).encode()).hexdigest()

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one operation; a busy server is asked again, longer apart each time."""
        for attempt in range(1, self.tries + 1):
            answer = self.post(operation, body)
            if answer["ErrorCode"] != SERVER_BUSY or attempt == self.tries:
                break
            self.sleep(2**attempt)
        if answer["Status"] != "OK":
            raise CallRecordsError(answer["ErrorCode"], answer["ErrorInfo"])
        return answer

    def post(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request, signed for now."""
        curtime = str(int(time.time()))
        query = urllib.parse.urlencode(
            {
                "appkey": self.appkey,
                "identifier": "admin",
                "curtime": curtime,
                "checksum": self.signature(curtime),
                "seq": f"{curtime}-{next(self.seqs)}",
            }
        )
        request = urllib.request.Request(
            f"{self.url}/v2/video/{operation}?{query}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
