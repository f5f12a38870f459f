"""The registry of operations, in the document's order.

A new operation needs one entry here, two schema files, a view of the same name in `world`, and fixture lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.core.suggestions import similar_name
from mockserver.core.text import Text

PREFIX = "/v2/video/"
VARIANTS = ("/v1/video/", "/v1/test/", "/v2/test/")
"""The paths by the text of §1.1 (ver v1, servicename test), which contradicts its six URLs; see reading `paths`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One POST operation: the last segment of its path, its section in the document, and a title."""

    name: str
    section: str
    title: Text

    @property
    def path(self) -> str:
        """The documented path."""
        return PREFIX + self.name


OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (
    Operation("query_instance_all_records_by_time", "2.1", Text("A user's call records", "某用户的通话记录")),
    Operation("query_room_info", "2.2", Text("A room and its users", "房间及其成员")),
    Operation("query_all_instance_by_time", "2.3", Text("All calls in a time range", "时间段内的全部通话")),
    Operation("count_business_total_volume_by_day", "3.1", Text("Usage trend of a day", "单日业务量趋势")),
    Operation("count_business_distribute_volume_by_day", "3.2", Text("Usage distribution of a day", "单日业务量分布")),
    Operation("count_qos_by_day", "3.3", Text("Call quality of a day", "单日质量统计")),
)}  # fmt: skip

PATHS: dict[str, tuple[Operation, bool]] = {
    f"{prefix}{name}": (operation, prefix == PREFIX)
    for prefix in (PREFIX, *VARIANTS)
    for name, operation in OPERATIONS.items()
}
"""The operations by path, and whether the path has the documented prefix (§1.1)."""


def nearest_operation(path: str) -> Operation | None:
    """Return the operation that was probably meant by a misspelled `path`, or None."""
    command = path.rstrip("/").rpartition("/")[2].strip()
    return OPERATIONS.get(similar_name(command, OPERATIONS))
