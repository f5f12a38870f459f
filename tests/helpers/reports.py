"""What reports are checked against in tests: the shipped contract and rules."""

from __future__ import annotations

from functools import cache

from mockserver.contract.catalogue import Catalogue, RetryRules, load_catalogue, load_retry_rules
from mockserver.contract.schemas import SCHEMA_FILES, Schemas
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.core.yaml_reader import read_yaml
from mockserver.engine.config import Config

FOLDERS = Folders()


@cache
def catalogue() -> Catalogue:
    """Return the shipped errors."""
    return load_catalogue(read_yaml(FOLDERS.fixture("errors.yaml")), set())


@cache
def rules() -> RetryRules:
    """Return the shipped retry rules."""
    return load_retry_rules(read_yaml(FOLDERS.fixture("retries.yaml")), catalogue())


@cache
def config() -> Config:
    """Return the shipped contract."""
    schemas = Schemas({name: read_json(FOLDERS.schema(name)) for name in SCHEMA_FILES})
    return Config(schemas, catalogue(), {}, {}, rules())
