"""Everything that is read from files, loaded and checked as one set that never changes: schemas, catalogue, apps, scenarios.

A new set replaces an old one in one assignment, so no request ever sees half of a change.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.contract.apps import App, load_apps
from mockserver.contract.catalogue import Catalogue, load_catalogue
from mockserver.contract.checking import check_document
from mockserver.contract.error_info import ErrorInfoStyle
from mockserver.contract.readings import Value, resolve
from mockserver.contract.retry_rules import RetryRules, load_retry_rules
from mockserver.contract.schemas import SCHEMA_FILES, Schemas
from mockserver.contract.violations import NEEDED_ERRORS
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.core.suggestions import unknown
from mockserver.core.yaml_reader import read_yaml
from mockserver.scenarios.loading import load_scenarios
from mockserver.scenarios.model import Scenario


@dataclass(frozen=True)
class Config:
    """One consistent set of everything that is data."""

    schemas: Schemas
    catalogue: Catalogue
    apps: Mapping[str, App]
    scenarios: Mapping[str, Scenario]
    rules: RetryRules
    """What a good client does after each error."""
    number: int = field(default_factory=itertools.count(1).__next__)
    """Which set it is: no two of a process have the same."""
    reading_overrides: Mapping[str, Value] = field(default_factory=dict)
    """Readings chosen for the whole run; they win over those of a scenario."""
    error_info_override: ErrorInfoStyle | None = None
    """The ErrorInfo style chosen for the whole run; it wins over that of a scenario."""

    def __post_init__(self) -> None:
        readings = {
            name: resolve(one.readings, self.reading_overrides) for name, one in self.scenarios.items()
        }
        object.__setattr__(self, "_readings", readings)

    def readings(self, scenario: str) -> Mapping[str, Value]:
        """All readings as they hold under a scenario."""
        found: Mapping[str, Value] = self._readings[scenario]  # type: ignore[attr-defined]
        return found

    def error_info(self, scenario: str) -> ErrorInfoStyle:
        """Return the style of ErrorInfo under a scenario."""
        return self.error_info_override or self.scenarios[scenario].error_info or "detailed"


def load_config(
    folders: Folders,
    *,
    reading_overrides: Mapping[str, Value] | None = None,
    error_info: ErrorInfoStyle | None = None,
    seed: int | None = None,
    now: Callable[[], int],
) -> Config:
    """Reads and checks every file; ConfigurationError with all problems of the first kind of file that has any."""
    schemas = Schemas(_read_all({name: folders.schema(name) for name in SCHEMA_FILES}, read_json))
    errors, apps, retries = (
        read_yaml(folders.fixture(f"{name}.yaml")) for name in ("errors", "apps", "retries")
    )
    problems = check_document(errors, schemas["errors.json"])
    problems += check_document(apps, schemas["apps.json"])
    problems += check_document(retries, schemas["retries.json"])
    if problems:
        raise ConfigurationError(problems)
    catalogue = load_catalogue(errors, set(NEEDED_ERRORS))
    registered = load_apps(apps)
    documents = _read_all(folders.scenarios(), read_yaml)
    scenarios = load_scenarios(documents, schemas, catalogue, seed=seed, now=now())
    return Config(
        schemas,
        catalogue,
        registered,
        scenarios,
        load_retry_rules(retries, catalogue),
        reading_overrides=dict(reading_overrides or {}),
        error_info_override=error_info,
    )


def check_scenario(config: Config, name: str, whose: str = "--scenario") -> None:
    """ConfigurationError unless there is a scenario `name`; `whose` choice it was."""
    if name not in config.scenarios:
        raise ConfigurationError.at(whose, unknown("scenario", name, config.scenarios))


def load_apps_only(folders: Folders) -> Mapping[str, App]:
    """The registered apps, without reading anything else."""
    schema = Schemas({"apps.json": read_json(folders.schema("apps.json"))})["apps.json"]
    document = read_yaml(folders.fixture("apps.yaml"))
    problems = check_document(document, schema)
    if problems:
        raise ConfigurationError(problems)
    return load_apps(document)


def _read_all(paths: Mapping[str, Path], read: Callable[[Path], Document]) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    problems: list[Problem] = []
    for name, path in paths.items():
        try:
            documents[name] = read(path)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return documents
