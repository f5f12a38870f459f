"""Checks the path and the method of a request (§1.1, §1.2)."""

from __future__ import annotations

from mockserver.contract.operations import PATHS, PREFIX, Operation, nearest_operation
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation, make_violation
from mockserver.core.http import Request
from mockserver.core.text import Text


def check_target(request: Request, readings: Readings) -> tuple[Operation | None, list[Violation]]:
    """Return the operation that the path names, if any, and the violations of path and method."""
    violations = []
    operation, exact = PATHS.get(request.path, (None, False))
    if operation is None:
        nearest = nearest_operation(request.path)
        hint = Text(f"; the six operations are under {PREFIX}", f"；六个接口均在 {PREFIX} 下")
        if nearest:
            hint = Text(f"; did you mean {nearest.path}?", f"；是否为 {nearest.path}？")
        violations.append(make_violation("unknown_path", got=request.path, hint=hint))
    elif not exact:
        tolerated = readings["paths"] == "document"
        wrong = make_violation("path_variant", expected=operation.path, got=request.path, tolerated=tolerated)
        violations.append(wrong)
    if request.method != "POST":
        violations.append(make_violation("wrong_method", got=request.method))
    return operation, violations
