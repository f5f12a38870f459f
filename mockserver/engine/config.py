"""The configuration: everything read from files, checked as a whole and immutable.

A reload replaces it in one assignment, so no request ever sees half of a change.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mockserver.contract.apps import App, load_apps
from mockserver.contract.catalogue import OK, Catalogue, ErrorInfoStyle, RetryRules, load_catalogue, load_retry_rules
from mockserver.contract.checking import check_document
from mockserver.contract.readings import Value, resolve
from mockserver.contract.schemas import SCHEMA_FILES, Schemas
from mockserver.contract.violations import NEEDED_ERRORS
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem, Problems
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.core.messages import messages
from mockserver.core.suggestions import unknown
from mockserver.core.yaml_reader import read_yaml
from mockserver.scenarios.loading import load_scenarios
from mockserver.scenarios.model import RuleSet, Scenario

message = messages(Path(__file__).with_name("texts.yaml"))


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
    warnings: Sequence[Problem] = ()  # What is valid in the user's files but probably a mistake.
    has_own_schemas: bool = False  # A schema is not the shipped one.
    number: int = field(
        init=False, default_factory=itertools.count(1).__next__
    )  # Unique in this process; part of every cache key.

    @cached_property
    def readings(self) -> Mapping[str, Mapping[str, Value]]:
        """All readings that apply under each scenario."""
        return {name: resolve(scenario.readings, self.reading_overrides) for name, scenario in self.scenarios.items()}

    @cached_property
    def rule_sets(self) -> Mapping[str, RuleSet]:
        """The rules of each scenario."""
        return {name: RuleSet(scenario.rules) for name, scenario in self.scenarios.items()}

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
    """Read and check every file.

    Raises ConfigurationError with every problem, except in files that refer to an invalid one.
    """
    found = Problems()
    schemas = _read_schemas(folders, SCHEMA_FILES)
    with found.collect():
        apps = load_apps(_read(folders, "apps", schemas, found))
    with found.collect():
        errors = _read(folders, "errors", schemas, wrong := Problems())
        found += wrong
        # A row that is invalid is not reported as missing, too.
        catalogue = load_catalogue(errors, set() if wrong else {OK, *NEEDED_ERRORS})
        wrong.check()
        with found.collect():
            rules = load_retry_rules(_read(folders, "retries", schemas, found), catalogue)
        with found.collect():
            scenarios = load_scenarios(folders.scenarios(), schemas, catalogue, seed=seed, now=now())
    found.check()
    return Config(
        schemas,
        catalogue,
        apps,
        scenarios,
        rules,
        reading_overrides=dict(reading_overrides or {}),
        error_info_override=error_info,
        has_own_schemas=folders.schemas() != Folders().schemas(),
        warnings=[
            warning
            for warning in dict.fromkeys(scenario.warning for scenario in scenarios.values())
            if warning and folders.user in Path(warning.place).parents
        ],
    )


def check_scenario(config: Config, name: str, chosen_by: str = "--scenario") -> None:
    """Raise ConfigurationError unless scenario `name` exists; the message names `chosen_by`."""
    if name not in config.scenarios:
        raise ConfigurationError.at(chosen_by, unknown("scenario", name, config.scenarios))


def load_contract(folders: Folders) -> tuple[Schemas, Catalogue]:
    """Return the schemas and the error catalogue without reading anything else."""
    schemas, found = _read_schemas(folders, SCHEMA_FILES), Problems()
    catalogue = load_catalogue(_read(folders, "errors", schemas, found), set() if found else {OK, *NEEDED_ERRORS})
    found.check()
    return schemas, catalogue


def load_apps_only(folders: Folders) -> Mapping[str, App]:
    """Return the registered apps without reading anything else."""
    found = Problems()
    apps = load_apps(_read(folders, "apps", _read_schemas(folders, ["apps.json"]), found))
    found.check()
    return apps


def _read(folders: Folders, name: str, schemas: Schemas, found: Problems) -> Document:
    """Return the valid part of a fixture file; add its mistakes to `found`."""
    return check_document(read_yaml(folders.fixture(f"{name}.yaml")), schemas[f"{name}.json"], found)


def _read_schemas(folders: Folders, names: Iterable[str]) -> Schemas:
    documents: dict[str, Document] = {}
    found = Problems()
    for name in names:
        with found.collect():
            documents[name] = read_json(folders.schema(name))
    found.check()
    return Schemas(documents)
