"""Hot reload: the engine reloads its files within two seconds after they change on disk.

A check compares the modification times of about forty files with those of the last check, which takes about a
millisecond, and reads only files that have changed. It does not rely on file events, which mounted folders may not
send.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Snapshot, take_snapshot
from mockserver.engine.pipeline import Engine

log = logging.getLogger("mockserver")

CHECK_SECONDS = 0.25  # The interval of checks.
SETTLE_SECONDS = 0.1  # Files are read once they have not changed for this long.
MAX_SETTLE_CHECKS = 8  # Files that keep changing are read after this many SETTLE_SECONDS.


class Watcher:
    """Reloads an engine when its files change from the snapshot `seen`, between `start` and `stop`."""

    def __init__(self, engine: Engine, user: Path | None, seen: Snapshot) -> None:
        self._engine, self._user, self._seen = engine, user, seen
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch in a background thread."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._watch, name="mockserver:watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it. Idempotent."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            thread.join()

    def check(self) -> bool:
        """Reload if a file has changed since the last check; return whether one has."""
        snapshot = take_snapshot(self._user, self._seen)
        changed = snapshot.changed(self._seen)
        if not changed:
            return False
        self._seen = self._settle(snapshot)
        try:
            self._engine.reload()
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("reload failed, the last valid files stay in use: %s", problem.show(self._engine.lang))
        except Exception:
            log.exception("reload failed, the last valid files stay in use: %s", _join(changed))
        else:
            log.info("reloaded: %s", _join(changed))
        return True

    def _settle(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot of files that have stopped changing: editors write in steps, users save several files."""
        for _ in range(MAX_SETTLE_CHECKS):
            if self._stopping.wait(SETTLE_SECONDS):
                break
            previous, snapshot = snapshot, take_snapshot(self._user, snapshot)
            if snapshot == previous:
                break
        return snapshot

    def _watch(self) -> None:
        while not self._stopping.wait(CHECK_SECONDS):
            self.check()


def _join(changed: list[str]) -> str:
    return ", ".join(changed[:5]) + (" …" if len(changed) > 5 else "")
