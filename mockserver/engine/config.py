"""The configuration: everything read from files, checked as a whole and immutable.

A reload replaces it in one assignment, so no request ever sees half of a change.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mockserver.contract.apps import App, load_apps
from mockserver.contract.catalogue import Catalogue, ErrorInfoStyle, load_catalogue
from mockserver.contract.checking import check_document
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
    """Schemas, error catalogue, apps, scenarios and retry rules."""

    schemas: Schemas
    catalogue: Catalogue
    apps: Mapping[str, App]
    scenarios: Mapping[str, Scenario]
    rules: RetryRules  # What a good client does after each error.
    reading_overrides: Mapping[str, Value] = field(default_factory=dict)
    """Readings chosen for the whole run; they win over those of a scenario."""
    error_info_override: ErrorInfoStyle | None = None
    """The style of ErrorInfo chosen for the whole run; it wins over that of a scenario."""
    number: int = field(default_factory=itertools.count(1).__next__)  # Unique in this process; part of every cache key.

    @cached_property
    def _readings(self) -> dict[str, Mapping[str, Value]]:
        return {name: resolve(scenario.readings, self.reading_overrides) for name, scenario in self.scenarios.items()}

    @cached_property
    def has_templates(self) -> bool:
        """Whether a scenario has answers with templates."""
        return any(
            reply.templated for scenario in self.scenarios.values() for rule in scenario.rules for reply in rule.replies
        )

    def readings(self, scenario: str) -> Mapping[str, Value]:
        """Return all readings that apply under a scenario."""
        return self._readings[scenario]

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
    """Read and check every file. ConfigurationError has all problems of the first kind of file with any."""
    schemas = Schemas(_read_all({name: folders.schema(name) for name in SCHEMA_FILES}, read_json))
    errors, apps, retries = (read_yaml(folders.fixture(f"{name}.yaml")) for name in ("errors", "apps", "retries"))
    problems = check_document(errors, schemas["errors.json"])
    problems += check_document(apps, schemas["apps.json"])
    problems += check_document(retries, schemas["retries.json"])
    if problems:
        raise ConfigurationError(problems)
    catalogue = load_catalogue(errors, set(NEEDED_ERRORS))
    documents = _read_all(folders.scenarios(), read_yaml)
    scenarios = load_scenarios(documents, schemas, catalogue, seed=seed, now=now())
    return Config(
        schemas,
        catalogue,
        load_apps(apps),
        scenarios,
        load_retry_rules(retries, catalogue),
        reading_overrides=dict(reading_overrides or {}),
        error_info_override=error_info,
    )


def check_scenario(config: Config, name: str, chosen_by: str = "--scenario") -> None:
    """Raise ConfigurationError unless scenario `name` exists; the message names `chosen_by`."""
    if name not in config.scenarios:
        raise ConfigurationError.at(chosen_by, unknown("scenario", name, config.scenarios))


def load_apps_only(folders: Folders) -> Mapping[str, App]:
    """Return the registered apps without reading anything else."""
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
