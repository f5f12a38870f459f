"""Scenarios: what a YAML file says a server shall answer. Nothing of worlds, requests in flight or HTTP."""
