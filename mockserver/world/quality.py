"""How good calls are: loss, delay and failed joins by network, hour and profile, as data and integer tables.

Units: loss in thousandths of a percent, delay in microseconds, failed joins in percent of all tries. Knows
nothing of rooms or users.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mockserver.world.prf import I64
from mockserver.world.tables import lognormal, sigma_of

NETWORKS = ("WiFi", "5G", "4G", "3G", "2G", "Ethernet")
"""The network types of a generated world, in the order of their codes."""
LOSS_MAX = 100_000
DELAY_MAX = 5_000_000


class Link(NamedTuple):
    """One network type: loss % and delay ms at the median and the 95 % quantile, failed joins in %."""

    loss_50: float
    loss_95: float
    delay_50: float
    delay_95: float
    failed: float


_REALISTIC = {
    "WiFi": Link(0.3, 3, 45, 120, 0.4),
    "5G": Link(0.3, 2.5, 40, 100, 0.4),
    "4G": Link(0.8, 6, 60, 170, 0.9),
    "3G": Link(2.5, 12, 150, 420, 3),
    "2G": Link(6, 20, 350, 800, 8),
    "Ethernet": Link(0.1, 1, 30, 80, 0.2),
}
PROFILES = {
    "realistic": _REALISTIC,
    "degraded": {
        name: Link(
            link.loss_50 * 6,
            min(link.loss_95 * 4, 60),
            link.delay_50 * 2.5,
            link.delay_95 * 2.5,
            min(link.failed * 8, 40),
        )
        for name, link in _REALISTIC.items()
    },
    # The magnitudes of the sample of §3.3.6: joins 90-92 %, loss 10-29 %, delays 30-50 ms on every network.
    "document_like": {name: Link(12, 26, 32, 48, 9) for name in NETWORKS},
}

_LOAD = (0, 0, 0, 0, 0, 0, 0, 0, 5, 10, 10, 10, 10, 10, 10, 10, 10, 15, 25, 50, 80, 80, 50, 15)
LOSS_LOAD: I64 = np.array([100 + load for load in _LOAD], np.int64)
"""Percent of the calm loss, by local hour: the evening's load drops packets."""
DELAY_LOAD: I64 = np.array([100 + load // 3 for load in _LOAD], np.int64)
"""Percent of the calm delay, by local hour."""


class Quality:
    """The tables of one profile; rows are networks in the order of `NETWORKS`."""

    def __init__(self, profile: str, failed: float | None) -> None:
        links = [PROFILES[profile][name] for name in NETWORKS]
        self.loss = np.stack(
            [
                lognormal(link.loss_50 * 1_000, sigma_of(link.loss_50, link.loss_95), 0, LOSS_MAX)
                for link in links
            ]
        )
        self.delay = np.stack(
            [
                lognormal(link.delay_50 * 1_000, sigma_of(link.delay_50, link.delay_95), 1_000, DELAY_MAX)
                for link in links
            ]
        )
        percents = [link.failed if failed is None else failed for link in links]
        # A try that fails is followed by one that works, so p % of all tries are p/(100-p) a stay.
        self.failures: I64 = np.array([round(p / (100 - p) * 65_536) for p in percents], np.int64)
        """Failed tries a stay, in 65,536ths."""
        # The document's own magnitudes do not swing with the hour.
        swing = profile != "document_like"
        self.loss_load = LOSS_LOAD if swing else np.full(24, 100, np.int64)
        self.delay_load = DELAY_LOAD if swing else np.full(24, 100, np.int64)
