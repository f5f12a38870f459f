"""A look at all the files at once: what they hold and when they were last touched, so that two looks can be compared.

Content is the judge of whether anything changed: a mounted folder may send no events, or too many. Times tell whether
anything was written in between, even when it was written back.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from mockserver.data.documents import read
from mockserver.data.folders import Folders
from mockserver.errors import ConfigurationError

RESTED = 2_000_000_000
"""Nanoseconds after which every file system's clock has gone on."""


@dataclass(frozen=True, slots=True)
class Look:
    """The files as they were at one moment; equal looks mean that nothing was written between them."""

    contents: dict[str, bytes]
    """A digest of each file, or of the reason why it cannot be read."""
    times: dict[str, int]
    """When each was last changed in any way, in nanoseconds of the file system's clock."""

    def changed(self, other: Look) -> list[str]:
        """The files, sorted, that are not the same in `other`: changed, new or gone."""
        names = self.contents.keys() | other.contents.keys()
        return sorted(name for name in names if self.contents.get(name) != other.contents.get(name))


def look_at(user: Path | None, before: Look | None = None) -> Look:
    """A look at every file that counts under the user's folder and beside the package; it raises nothing.

    What was not touched for a while since the look `before` need not be read again: only a file that was written a
    moment ago may be written once more without its times telling.
    """
    contents: dict[str, bytes] = {}
    times: dict[str, int] = {}
    now = time.time_ns()
    try:
        paths = Folders(user).files()
    except ConfigurationError as error:
        paths = ()
        contents[error.problems[0].place] = _digest(str(error).encode())
    for path in paths:
        name = str(path)
        try:
            times[name] = touched = path.stat().st_ctime_ns
            rested = now - touched > RESTED
            if (
                before is not None
                and rested
                and before.times.get(name) == touched
                and name in before.contents
            ):
                contents[name] = before.contents[name]
            else:
                contents[name] = _digest(read(path))
        except (OSError, ConfigurationError) as error:
            contents[name] = _digest(repr(error).encode())
    return Look(contents, times)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
