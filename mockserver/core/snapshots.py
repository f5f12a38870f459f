"""A look at all the files at once: what they hold and when they were last touched, so that two looks can be compared.

Content is the judge of whether anything changed: a mounted folder may send no events, or too many. Times tell whether
anything was written in between, even when it was written back.
"""

from __future__ import annotations

import hashlib
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from mockserver.core.documents import read_bytes
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import escapes_folder, watched_files

RESTED = 2_000_000_000
"""Nanoseconds after which every file system's clock has gone on."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files as they were at one moment; equal looks mean that nothing was written between them."""

    contents: dict[str, bytes]
    """A digest of each file, or of the reason why it cannot be read."""
    times: dict[str, int]
    """When each was last changed in any way, in nanoseconds of the file system's clock."""

    def changed(self, other: Snapshot) -> list[str]:
        """The files, sorted, that are not the same in `other`: changed, new or gone."""
        names = self.contents.keys() | other.contents.keys()
        return sorted(name for name in names if self.contents.get(name) != other.contents.get(name))


def take_snapshot(user: Path | None, before: Snapshot | None = None) -> Snapshot:
    """A look at every file that counts under the user's folder and beside the package; it raises nothing.

    What was not touched for a while since the look `before` need not be read again: only a file that was written a
    moment ago may be written once more without its times telling.
    """
    contents: dict[str, bytes] = {}
    times: dict[str, int] = {}
    now = time.time_ns()
    for path in watched_files(user):
        name = str(path)
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                if escapes_folder(path, user):
                    contents[name] = _digest(b"a link that leads out")
                    continue
                found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                continue
            times[name] = touched = found.st_ctime_ns
            same = before is not None and before.times.get(name) == touched and now - touched > RESTED
            if same and before is not None and name in before.contents:
                contents[name] = before.contents[name]
            else:
                contents[name] = _digest(read_bytes(path))
        except FileNotFoundError:
            continue
        except (OSError, ConfigurationError) as error:
            contents[name] = _digest(repr(error).encode())
    return Snapshot(contents, times)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
