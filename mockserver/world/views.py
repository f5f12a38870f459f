"""The six operations as views of one call log, each named like its operation; they do not know which world they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.contract.readings import Readings
from mockserver.world.answers import Answer
from mockserver.world.records import (
    query_all_instance_by_time,
    query_instance_all_records_by_time,
    query_room_info,
)
from mockserver.world.statistics import (
    count_business_distribute_volume_by_day,
    count_business_total_volume_by_day,
    count_qos_by_day,
)
from mockserver.world.stays import World

View = Callable[[World, Mapping[str, Any], int, Readings], Answer]

VIEWS: dict[str, View] = {
    view.__name__: view
    for view in (
        query_instance_all_records_by_time,
        query_room_info,
        query_all_instance_by_time,
        count_business_total_volume_by_day,
        count_business_distribute_volume_by_day,
        count_qos_by_day,
    )
}
