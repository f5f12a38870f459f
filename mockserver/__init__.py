"""A contract-testing stand-in for YouMe's signed REST API for call records and statistics."""

__version__ = "0.1.0"
