"""Helpers of the fault tests: the shipped contract, responses of every operation, faults."""

from __future__ import annotations

import copy
import json
from typing import Any

from mockserver.contract.apps import App, Credentials
from mockserver.contract.envelope import encode_json, failure
from mockserver.contract.operations import OPERATIONS
from mockserver.core.folders import Folders
from mockserver.core.http import Response
from mockserver.engine.config import load_config
from mockserver.faults.base import Draw, FaultContext
from mockserver.faults.parsing import Fault, parse_fault, parse_text
from mockserver.faults.plan import FaultPlan, FaultState
from mockserver.validation.signature import SigningContext

CONFIG = load_config(Folders(), now=lambda: 1_700_000_000)
NOW = 1_700_000_000.0
OPERATION = "query_all_instance_by_time"
SIGNING = SigningContext(NOW, App(Credentials("MADE-UP-key", "MADE-UP-secret", "MADE-UP-rest"), ("admin",)))
HEADERS = (("Content-Type", "application/json"), ("X-Mock-Request-Id", "00000001"))
SAMPLES: dict[str, dict[str, Any]] = {name: CONFIG.schemas.response(name).schema["examples"][0] for name in OPERATIONS}


def fault(line: str | dict[str, Any]) -> Fault:
    """The fault that a line or a mapping describes."""
    given = parse_text(line) if isinstance(line, str) else line
    return parse_fault(given, CONFIG.catalogue)


def context(operation: str = OPERATION, now: float = NOW) -> FaultContext:
    """The context of a request for an operation."""
    return FaultContext(operation, now, CONFIG.catalogue, CONFIG.schemas)


def response(document: dict[str, Any] | None = None, operation: str = OPERATION) -> Response:
    """A response with `document`, or with the document's sample of the operation."""
    return Response(200, HEADERS, encode_json(copy.deepcopy(SAMPLES[operation]) if document is None else document))


def failure_response() -> Response:
    """A response whose body is the envelope of a failure."""
    return Response(200, HEADERS, encode_json(failure(1402, "busy")))


def draw(number: int = 1, seed: int = 0) -> Draw:
    """The draw of request `number`."""
    return Draw(seed, "one", number)


def fault_state(*lines: str | dict[str, Any], seed: int = 0) -> FaultState:
    """An app's faults, added in order at `NOW`."""
    faults = FaultState(seed)
    for line in lines:
        faults.add(fault(line), NOW)
    return faults


def fired_on(faults: FaultState, requests: int, operation: str = OPERATION, body: dict | None = None) -> list[int]:
    """The indexes, from 0, of those of `requests` requests whose delivery a fault changed."""
    plain = response()
    return [
        index
        for index in range(requests)
        if FaultPlan(faults.active, operation, body or {}, {}, NOW).plan_delivery(plain).delivery != plain.delivery
    ]


def parse_strictly(body: bytes) -> Any:
    """Parse JSON strictly: UTF-8, no constants, no repeated key; ValueError for anything else."""

    def no_constant(name: str) -> None:
        raise ValueError(name)

    def no_repeated_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    return json.loads(body.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=no_repeated_key)
