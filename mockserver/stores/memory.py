"""State in this process: what each app has sent and chosen. Bounded, thread-safe, gone with the process."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict

from mockserver.clock import Clock

MOST_REMEMBERED = 100_000


class AppState:
    """All that belongs to one appkey; two apps never meet."""

    def __init__(self, clock: Clock, scenario: str) -> None:
        self.clock = clock
        self.scenario = scenario
        self._lock = threading.Lock()
        self._seqs = _Seen()
        self._checksums = _Seen()
        self._counts: Counter[str] = Counter()

    def claim_seq(self, seq: str) -> bool:
        """Whether `seq` is new; it is not any more."""
        with self._lock:
            return self._seqs.claim(seq)

    def claim_checksum(self, checksum: str) -> bool:
        """Whether `checksum` is new; it is not any more."""
        with self._lock:
            return self._checksums.claim(checksum)

    def draw(self, key: str, most: int | None = None) -> int | None:
        """How often `key` was drawn before; None, and not counted, once it was drawn `most` times."""
        with self._lock:
            count = self._counts[key]
            if most is not None and count >= most:
                return None
            self._counts[key] = count + 1
            return count

    def use(self, scenario: str) -> None:
        """Change to another scenario and start its sequences anew."""
        with self._lock:
            self.scenario = scenario
            self._counts.clear()


class MemoryStore:
    """The states of all apps, made when first asked for."""

    def __init__(self, clock: Clock, scenario: str) -> None:
        self._clock = clock
        self._scenario = scenario
        self._lock = threading.Lock()
        self._states: dict[str, AppState] = {}

    def app(self, appkey: str) -> AppState:
        """The state of a registered app."""
        state = self._states.get(appkey)
        if state is None:
            with self._lock:
                state = self._states.setdefault(appkey, AppState(self._clock, self._scenario))
        return state


class _Seen:
    """A set that forgets its oldest member once it is full."""

    def __init__(self) -> None:
        self._members: OrderedDict[str, None] = OrderedDict()

    def claim(self, member: str) -> bool:
        if member in self._members:
            return False
        self._members[member] = None
        if len(self._members) > MOST_REMEMBERED:
            self._members.popitem(last=False)
        return True
