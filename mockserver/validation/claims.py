"""What an app has already used: values of seq and checksum, and matches of rules. Thread-safe and bounded."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict

MAX_CLAIMS = 100_000  # Values of seq, and of checksum, remembered per app.
MAX_SIGNED = 1_024  # Valid checksums remembered per app. A client creates one per second in which it sends.


class Claims:
    """The claims of one app."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._seqs: OrderedDict[str, None] = OrderedDict()
            self._checksums: OrderedDict[str, None] = OrderedDict()
            self._signed: OrderedDict[int, str] = OrderedDict()
            """Curtime by the hash of the checksum. Python salts the hashes of each process."""
            self._matches: Counter[str] = Counter()

    def restart_rules(self) -> None:
        """Forget the matches of rules, so that their sequences start again."""
        with self._lock:
            self._matches.clear()

    def claim_seq(self, seq: str) -> bool:
        """Record `seq` as used. Return whether it was new."""
        return self._claim(self._seqs, seq)

    def claim_checksum(self, checksum: str) -> bool:
        """Record `checksum` as used. Return whether it was new."""
        return self._claim(self._checksums, checksum)

    def _claim(self, claimed: OrderedDict[str, None], value: str) -> bool:
        with self._lock:
            if value in claimed:
                return False
            claimed[value] = None
            if len(claimed) > MAX_CLAIMS:
                claimed.popitem(last=False)
            return True

    def remember_signed(self, checksum: str, curtime: str) -> None:
        """Record that `checksum` was valid for `curtime`. Only its hash is stored."""
        key = hash(checksum)
        if key not in self._signed:
            with self._lock:
                self._signed[key] = curtime
                if len(self._signed) > MAX_SIGNED:
                    self._signed.popitem(last=False)

    def signed_for(self, checksum: str) -> str | None:
        """Return the curtime that `checksum` was valid for, if known. Hashes may collide: verify it."""
        return self._signed.get(hash(checksum))

    def count_match(self, rule: str, limit: int | None = None, *, preview: bool = False) -> int | None:
        """Count a match of a rule, except for a `preview`.

        Return how often it matched before, or None if that is `limit` times: the rule is used up.
        """
        with self._lock:
            count = self._matches[rule]
            if limit is not None and count >= limit:
                return None
            if not preview:
                self._matches[rule] = count + 1
            return count
