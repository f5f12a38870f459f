"""The call log as it stands at one second: what has begun, what still runs, what is not told yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mockserver.world.stays import Flags, Stays

FIRST = 100_000_000
"""The first second whose stamp has nine digits, as few as the document's samples have (§2.1.6)."""
OPEN = 9_999_999_999
"""The leave of a recorded stay without one: it runs for as long as anybody looks."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Stays with nothing after now: leave, destroy and durations are those of now."""

    stays: Stays
    running: Flags
    """The stay goes on; its leave is now."""
    settled_from: int
    """From this second on every row told here reads the same."""


def as_of(stays: Stays, now: int, ongoing: str) -> Seen:
    """What of `stays` is known at `now`; under reading `ongoing=exclude` a room that still runs is not in the log.

    A running stay has sent its share of audio and video: the whole of an open one, as far as it fits.
    """
    settled_from = int(stays.destroy.max()) if len(stays) else 0
    if len(stays) and int(stays.destroy.max()) <= now and int(stays.enter.max()) < now:
        return Seen(stays, np.zeros(len(stays), np.bool_), settled_from)
    keep = stays.enter < now
    if ongoing == "exclude":
        keep &= stays.destroy <= now
    kept = stays.take(keep)
    running = kept.leave > now
    told = replace(
        kept,
        leave=np.minimum(kept.leave, now),
        destroy=np.minimum(kept.destroy, now),
        audio=_sent(kept.audio, kept, running, now),
        video=_sent(kept.video, kept, running, now),
    )
    return Seen(told, running, settled_from)


def _sent(seconds: np.ndarray, stays: Stays, running: Flags, now: int) -> np.ndarray:
    passed = now - stays.enter
    share = seconds * passed // np.maximum(stays.leave - stays.enter, 1)
    share = np.where(stays.leave == OPEN, np.minimum(seconds, passed), share)
    return np.where(running, share, seconds)
