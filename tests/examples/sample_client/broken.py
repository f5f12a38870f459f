"""The sample client with one mistake per class."""

from __future__ import annotations

import hashlib
from typing import Any

from call_records import CallRecords


class WrongSignature(CallRecords):
    """Signs with the formula of v1, without the restapikey."""

    def signature(self, curtime: str) -> str:
        """Return the checksum for a curtime."""
        return hashlib.sha1((self.appsecret + curtime).encode()).hexdigest()


class NoRetries(CallRecords):
    """Gives up when the server is busy."""

    tries = 1


class Impatient(CallRecords):
    """Retries without waiting."""

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of one operation."""
        self.sleep = lambda seconds: None
        return super().call(operation, body)


class WrongField(CallRecords):
    """Misspells RoomId."""

    def room(self, room_id: str) -> dict[str, Any]:
        """Return a room and its users."""
        return self.call("query_room_info", {"RoomID": room_id})
