"""Hot reload: the engine reloads its files within two seconds after they change on disk.

File events of the operating system (watchfiles) only trigger a check; a change is detected by content. A check also
runs twice a second, because mounted folders may send no events.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Snapshot, take_snapshot
from mockserver.engine.pipeline import Engine

log = logging.getLogger("mockserver")

CHECK_SECONDS = 0.5
"""The interval of checks without file events."""
SETTLE_SECONDS = 0.1
"""Files are read once they have not changed for this long."""
MAX_SETTLE_CHECKS = 8
"""Files that keep changing are read after this many SETTLE_SECONDS."""


class Watcher:
    """Reloads an engine when its files differ from the snapshot `seen`, from `start` to `stop`."""

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

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

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
                log.error(
                    "reload failed, the last valid files stay in use: %s", problem.show(self._engine.lang)
                )
        except Exception:
            log.exception("reload failed, the last valid files stay in use: %s", _join(changed))
        else:
            log.info("reloaded: %s", _join(changed))
        return True

    def _settle(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot of files that have stopped changing: editors write in steps, and saves come in groups."""
        for _ in range(MAX_SETTLE_CHECKS):
            if self._stopping.wait(SETTLE_SECONDS):
                break
            previous, snapshot = snapshot, take_snapshot(self._user, snapshot)
            if snapshot == previous:
                break
        return snapshot

    def _watch(self) -> None:
        while not self._stopping.is_set():
            folders = self._folders()
            for _ in self._events(folders):
                if not self._stopping.is_set():
                    self.check()
                if self._folders() != folders:
                    break

    def _events(self, folders: list[Path]) -> Iterator[object]:
        """Yield after every file event in the folders, and at least every CHECK_SECONDS."""
        # Where file events are not available or a folder has just been deleted, only the interval remains.
        with contextlib.suppress(OSError, RuntimeError):
            yield from watch(
                *folders,
                watch_filter=None,
                debounce=100,
                step=20,
                stop_event=self._stopping,
                rust_timeout=int(CHECK_SECONDS * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=False,
            )
        yield self._stopping.wait(CHECK_SECONDS)

    def _folders(self) -> list[Path]:
        """Return the existing folders that contain loaded files or may contain new ones."""
        folders = {Path(name).parent for name in self._seen.contents}
        if self._user is not None:
            folders |= {self._user, self._user / "scenarios", self._user / "schemas"}
        return sorted(folder for folder in folders if os.path.isdir(folder))


def _join(changed: list[str]) -> str:
    return ", ".join(changed[:5]) + (" …" if len(changed) > 5 else "")
