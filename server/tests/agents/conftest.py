"""The fixtures of the bus, and an agent that speaks on it."""

from sbs_server.testing.agent_events import scene
from sbs_server.testing.bus import agent_ca, bus, bus_settings, databases, enrol

__all__ = ["agent_ca", "bus", "bus_settings", "databases", "enrol", "scene"]
