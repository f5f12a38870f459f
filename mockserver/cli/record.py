"""`mockserver record`: a proxy in front of a real backend that records its answers."""

from __future__ import annotations

import functools
import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from mockserver.cli.backend import Opener, target_options
from mockserver.cli.options import setting_options
from mockserver.cli.output import message, not_writable
from mockserver.cli.serve import run_server
from mockserver.contract.catalogue import Catalogue
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError
from mockserver.core.settings import SETTINGS, read_variable
from mockserver.core.text import counted
from mockserver.engine.build import resolve_settings
from mockserver.engine.config import Config
from mockserver.engine.pipeline import Engine
from mockserver.live.learn import check_output
from mockserver.live.pseudonyms import Pseudonyms, Scrubber
from mockserver.live.recorder import Mode, Recorder
from mockserver.live.recording import Recording
from mockserver.live.recording_files import PAGE, SCENARIO, RecordingFiles

_log = logging.getLogger("mockserver")
_KEY = "MOCKSERVER_PSEUDONYM_KEY"
_OTHER_REFUSALS = (
    "checksum_expired", "checksum_mismatch", "checksum_reused", "duplicate_seq", "rate_limited", "server_busy",
    "range_too_large", "internal_error", "not_recorded",
)  # fmt: skip
"""Errors with which a target may refuse a request that conforms to the contract."""
_CONNECTIONS = 160  # The number of the server's threads.


@click.command()
@functools.partial(target_options, rate=0.0)
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Folder to write.")
@click.option(
    "--mode",
    type=click.Choice(["record", "spy", "shadow"]),
    default="record",
    help="record: the target answers. spy: the mock answers, and the target answers what the mock does not know. "
    "shadow: the mock answers, and its answers are compared with the target's.",
)
@click.option(
    "--pseudonyms",
    is_flag=True,
    help=f"Replace ids of users and rooms with pseudonyms; set {_KEY} to get the same ones in every run.",
)
@click.option(
    "--scrub", type=click.Path(path_type=Path), metavar="FILE", help="Also mask the texts in this file, one per line."
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, replacing an earlier recording.")
@click.option(
    "--target-timeout",
    type=click.FloatRange(0.1),
    default=10.0,
    metavar="SECONDS",
    help="How long to wait for an answer from the target.",
)
@setting_options(*SETTINGS)
def record(
    open_target: Opener, output: Path, mode: Mode, pseudonyms: bool, scrub: Path | None, force: bool, **settings: Any
) -> None:
    """Record the answers of a real backend.

    Clients sign with the mock's keys. Each request is checked, signed with the target's credentials and forwarded; the
    answer is returned unchanged. DIR/scenarios/recorded.yaml is written every few seconds and at the end. It also
    answers requests that were never sent, as far as the recorded answers allow, and otherwise `not_recorded`. No key,
    checksum or seq is written.
    """
    chosen = resolve_settings(settings)
    if chosen["workers"] > 1:
        raise ConfigurationError.at("--workers", message("one_process"))
    _check_folder(output, force=force)
    texts = _read_texts(scrub)
    target = open_target(connections=_CONNECTIONS)

    @contextmanager
    def recording(engine: Engine) -> Iterator[None]:
        config = engine.config
        readings = config.readings[chosen["scenario"]]
        target.formula = "v1" if readings["signing"] == "v1" else "v2"
        engine.redactor.add_secrets(target.credentials.keys.secrets)
        used = {name for app in config.apps.values() for name in (app.appkey, *app.identifiers)}
        engine.redactor.add_secrets(name for name in target.credentials.names if name not in used)
        recorder = Recorder(
            target,
            mode,
            config.schemas,
            Recording(readings, known=_known_readings(config, chosen["scenario"])),
            RecordingFiles(output, chosen["lang"]),
            Scrubber(target, texts, engine.redactor),
            Pseudonyms(read_variable(_KEY).encode() or secrets.token_bytes(32)) if pseudonyms else None,
            unknown_codes=_unknown_codes(config.catalogue),
            lang=chosen["lang"],
        )
        try:
            recorder.start()
            _copy_errors(chosen["fixtures"], output)
        except OSError as error:
            raise not_writable("--output", output, error) from None
        engine.backend = recorder
        try:
            yield
        finally:
            recorder.stop()
            target.close()
            found = recorder.recording
            counts = {
                "sessions": counted(len(found.sessions), "session"),
                "answers": counted(len(found.answers) + len(found.failures), "other answer"),
                "conflicts": counted(found.counts["conflicts"], "conflict"),
            }
            written = message("recorded", **counts, page=output / PAGE, folder=output, scenario=SCENARIO)
            _log.info("%s", written.to(chosen["lang"]))

    run_server(chosen, recording, target=urlsplit(target.url).netloc, output=str(output))


def _known_readings(config: Config, name: str) -> frozenset[str]:
    """Return the readings that a scenario or an option sets, without those that `learn` left undecided."""
    scenario = config.scenarios[name]
    return frozenset((scenario.readings.keys() - scenario.world.undecided) | config.reading_overrides.keys())


def _unknown_codes(catalogue: Catalogue) -> frozenset[int]:
    """Return the codes with which a valid request is only refused for an unknown room or user."""
    others = {catalogue[name].code for name in _OTHER_REFUSALS if name in catalogue}
    return frozenset(catalogue[name].code for name in ("room_not_found", "user_not_found")) - others


def _check_folder(folder: Path, *, force: bool) -> None:
    """Raise ConfigurationError unless the folder is empty or `force` is set. Remove answers of an earlier recording."""
    check_output(folder, message("earlier_recording"), force=force)
    for path in sorted((folder / "scenarios").glob(f"{SCENARIO}-*.yaml")) if force else ():
        path.unlink(missing_ok=True)


def _read_texts(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ConfigurationError([unreadable(path, error)]) from None


def _copy_errors(fixtures: str | None, output: Path) -> None:
    """Copy the error catalogue of `--fixtures`, such as one written by `learn`, into the recording."""
    source = Path(fixtures) / "errors.yaml" if fixtures else None
    if source and source.is_file() and not (output / "errors.yaml").exists():
        shutil.copyfile(source, output / "errors.yaml")
