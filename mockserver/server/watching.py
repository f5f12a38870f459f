"""Hot reload: watches every file that the engine reads, and makes a good save live within two seconds, as one set.

The system's file events (watchfiles) only say when to look; whether anything changed is decided by content, and a look
is taken twice a second anyhow, because a mounted folder may send no events. Knows nothing of what is in a file.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from mockserver.core.errors import ConfigurationError
from mockserver.core.snapshots import Look, look_at
from mockserver.engine.pipeline import Engine

log = logging.getLogger("mockserver")

LOOK_SECONDS = 0.5
"""How often to look without being told to."""
SETTLE_SECONDS = 0.1
"""Files that were not written for so long are taken to be finished."""
MOST_SETTLING = 8
"""So often at most: somebody who never stops writing still sees what was written."""


class Watcher:
    """Reloads an engine when its files are no longer as they were `seen` before it read them, from `start` to `stop`."""

    def __init__(self, engine: Engine, user: Path | None, seen: Look) -> None:
        self._engine, self._user, self._seen = engine, user, seen
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch in a thread of its own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._watch, name="mockserver:watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended. Idempotent."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            thread.join()

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def look(self) -> bool:
        """Reload if any file is not what it was at the last look; whether it did."""
        now = look_at(self._user, self._seen)
        changed = now.changed(self._seen)
        if not changed:
            return False
        self._seen = self._settled(now)
        names = ", ".join(changed[:5]) + (" …" if len(changed) > 5 else "")
        try:
            self._engine.reload()
        except ConfigurationError as error:
            for problem in error.problems:
                log.error(
                    "not reloaded, the last good files still answer: %s", problem.show(self._engine.lang)
                )
        except Exception:
            log.exception("not reloaded, the last good files still answer: %s", names)
        else:
            log.info("reloaded: %s", names)
        return True

    def _settled(self, look: Look) -> Look:
        """The files once nobody writes them: an editor saves in pieces, and one change may be several files."""
        for _ in range(MOST_SETTLING):
            if self._stopping.wait(SETTLE_SECONDS):
                break
            before, look = look, look_at(self._user, look)
            if look == before:
                break
        return look

    def _watch(self) -> None:
        while not self._stopping.is_set():
            folders = self._folders()
            for _ in self._ticks(folders):
                if not self._stopping.is_set():
                    self.look()
                if self._folders() != folders:
                    break

    def _ticks(self, folders: list[Path]) -> Iterator[object]:
        """Yields when something happened in the folders, and every LOOK_SECONDS anyhow."""
        milliseconds = int(LOOK_SECONDS * 1000)
        with contextlib.suppress(OSError, RuntimeError):
            # Either: the system has no events to give, or a folder has just gone. Looking alone does it too.
            yield from watch(
                *folders,
                watch_filter=None,
                debounce=100,
                step=20,
                stop_event=self._stopping,
                rust_timeout=milliseconds,
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=False,
            )
        yield self._stopping.wait(LOOK_SECONDS)

    def _folders(self) -> list[Path]:
        """The folders that hold files of the set, and those where such files may appear."""
        found = {Path(name).parent for name in self._seen.contents}
        if self._user is not None:
            found |= {self._user, self._user / "scenarios", self._user / "schemas"}
        return sorted(folder for folder in found if folder.is_dir())
