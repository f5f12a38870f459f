"""A small client of the API, as a team might write it: hashlib and urllib, independent of the mock server."""

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
    """The backend refused a request; `code` is its ErrorCode."""

    def __init__(self, code: int, info: str) -> None:
        self.code = code
        super().__init__(f"{code}: {info}")


class CallRecords:
    """A client of the backend at `url` that waits with `sleep` and retries while it is busy."""

    tries = 4

    def __init__(
        self, url: str, appkey: str, appsecret: str, restapikey: str, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self.url = url
        self.appkey, self.appsecret, self.restapikey = appkey, appsecret, restapikey
        self.sleep = sleep
        self.seqs = itertools.count(1)

    def room(self, room_id: str) -> dict[str, Any]:
        """Return a room and its users."""
        return self.call("query_room_info", {"RoomId": room_id})

    def records(self, user_id: str, begin: int, end: int) -> list[dict[str, Any]]:
        """Return a user's rooms in a period."""
        body = {"UserId": user_id, "BeginTime": str(begin), "EndTime": str(end)}
        return self.call("query_instance_all_records_by_time", body)["UserRecords"]

    def signature(self, curtime: str) -> str:
        """Return the checksum for a curtime."""
        return hashlib.sha1((self.appsecret + self.restapikey + curtime).encode()).hexdigest()

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of one operation; while the server is busy, retry with growing pauses."""
        for attempt in range(1, self.tries + 1):
            answer = self.post(operation, body)
            if answer["ErrorCode"] != SERVER_BUSY or attempt == self.tries:
                break
            self.sleep(2**attempt)
        if answer["Status"] != "OK":
            raise CallRecordsError(answer["ErrorCode"], answer["ErrorInfo"])
        return answer

    def post(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request, signed with the current time."""
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
            f"{self.url}/v2/video/{operation}?{query}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
