"""The same client with one mistake each, as they are made."""

from __future__ import annotations

import hashlib
from typing import Any

from call_records import CallRecords


class WrongSignature(CallRecords):
    """Signs by the formula of v1, without the restapikey."""

    def signature(self, curtime: str) -> str:
        """The checksum of a moment."""
        return hashlib.sha1((self.appsecret + curtime).encode()).hexdigest()


class NoRetries(CallRecords):
    """Gives up when the server is busy."""

    tries = 1


class Impatient(CallRecords):
    """Tries again, but at once."""

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one operation."""
        self.sleep = lambda seconds: None
        return super().call(operation, body)


class WrongField(CallRecords):
    """Spells RoomId otherwise than the document."""

    def room(self, room_id: str) -> dict[str, Any]:
        """One room and its people."""
        return self.call("query_room_info", {"RoomID": room_id})
