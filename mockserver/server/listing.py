"""What there is: operations, scenarios, errors, faults, settings, and whether the server is well. Changes nothing."""

from __future__ import annotations

import time
from typing import Any

from mockserver import __version__
from mockserver.contract.operations import OPERATIONS
from mockserver.core.settings import SETTINGS
from mockserver.engine.config import Config
from mockserver.engine.pipeline import Engine
from mockserver.faults.parsing import fault_schema
from mockserver.faults.parsing import rows as fault_rows
from mockserver.world.parameters import world_schema

Json = dict[str, Any]


def whole_scenario_schema(config: Config) -> Json:
    """`schemas/scenario.json` with what the code knows better: the kinds of faults and the generated world's parameters."""
    schema = dict(config.schemas["scenario.json"].schema)
    on, when = {"$ref": "#/$defs/on"}, {"$ref": "#/$defs/when"}
    schema["$defs"] = {**schema["$defs"], "fault": fault_schema(on, when), "generated": world_schema()}
    return schema


class Listing:
    """The registries of a running engine, as JSON can say them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._started = time.monotonic()

    def health(self) -> Json:
        """That the process lives, and which version it is."""
        return {
            "status": "ok",
            "version": __version__,
            "uptime_seconds": round(time.monotonic() - self._started, 3),
        }

    def ready(self) -> Json:
        """Whether the files that were read last are the ones that answer."""
        problems = [
            {
                "place": one.place,
                "line": one.line,
                "column": one.column,
                "text": one.text.to(self.engine.lang),
            }
            for one in self.engine.problems
        ]
        return {"ready": not problems, "problems": problems}

    def operations(self) -> Json:
        """The six operations."""
        lang = self.engine.lang
        return {
            "operations": [
                {"name": one.name, "section": one.section, "path": one.path, "title": one.title.to(lang)}
                for one in OPERATIONS.values()
            ]
        }

    def scenarios(self) -> Json:
        """The scenarios that can be chosen."""
        lang = self.engine.lang
        return {
            "scenarios": [
                {
                    "name": one.name,
                    "extends": one.extends,
                    "title": one.title.to(lang),
                    "description": one.description.to(lang),
                }
                for one in self.engine.config.scenarios.values()
            ]
        }

    def scenario_schema(self) -> Json:
        """The JSON Schema of scenario files with every fault kind and world parameter in it, for editors."""
        return whole_scenario_schema(self.engine.config)

    def errors(self) -> Json:
        """The error catalogue."""
        return {
            "errors": [
                {
                    "name": row.name,
                    "code": row.code,
                    "source": row.source,
                    "text": row.text.to(self.engine.lang),
                }
                for row in self.engine.config.catalogue.values()
            ]
        }

    def settings(self) -> Json:
        """Every setting there is; the secrets among them are never told."""
        return {
            "settings": [
                {
                    "name": one.name,
                    "option": one.option,
                    "environment": one.variable,
                    "meaning": one.text.to(self.engine.lang),
                }
                for one in SETTINGS.values()
            ]
        }

    def fault_kinds(self) -> Json:
        """The kinds of faults there are, with their fields."""
        return {"faults": fault_rows()}
