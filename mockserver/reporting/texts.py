"""The texts of reports, lints and verifications: the groups of `texts.yaml`."""

from pathlib import Path
from typing import Any

from mockserver.core.yaml_reader import read_texts

TEXTS: dict[str, dict[str, Any]] = read_texts(Path(__file__).with_name("texts.yaml"))
