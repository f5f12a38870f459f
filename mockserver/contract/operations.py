"""The registry of operations: one line each, in the document's order.

A new operation is one line here, two schema files, one view of the same name, and fixture lines.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from mockserver.core.text import Text

PREFIX = "/v2/video/"
VARIANTS = ("/v1/video/", "/v1/test/", "/v2/test/")
"""What §1.1 says in words (ver is v1, servicename is test) against its six URLs; accepted by reading `paths`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One POST operation; `name` is the last segment of its path, `section` the document's."""

    name: str
    section: str
    title: Text

    @property
    def path(self) -> str:
        """The documented path."""
        return PREFIX + self.name


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(
            "query_instance_all_records_by_time", "2.1", Text("A user's call records", "某用户的通话记录")
        ),
        Operation("query_room_info", "2.2", Text("One room and its people", "房间及其成员")),
        Operation(
            "query_all_instance_by_time", "2.3", Text("All stays of a time span", "时间段内的全部通话")
        ),
        Operation(
            "count_business_total_volume_by_day", "3.1", Text("Volume trend of a day", "按天业务量趋势")
        ),
        Operation(
            "count_business_distribute_volume_by_day",
            "3.2",
            Text("Volume distribution of a day", "按天业务量分布"),
        ),
        Operation("count_qos_by_day", "3.3", Text("Quality chart of a day", "按天质量统计")),
    )
}


def operation_at(path: str) -> tuple[Operation | None, bool]:
    """The operation that `path` names, and whether the path is exactly the documented one (§1.1)."""
    if path.startswith(PREFIX):
        return OPERATIONS.get(path[len(PREFIX) :]), True
    for variant in VARIANTS:
        if path.startswith(variant):
            return OPERATIONS.get(path[len(variant) :]), False
    return None, False


def nearest_operation(path: str) -> Operation | None:
    """The operation that somebody who wrote `path` most likely meant."""
    command = path.rstrip("/").rpartition("/")[2].strip().lower()
    found = difflib.get_close_matches(command[:100], OPERATIONS, n=1, cutoff=0.6)
    return OPERATIONS[found[0]] if found else None
