"""The fixtures of the bus and of its relay."""

from sbs_server.testing.bus import agent_ca, bus, bus_settings, databases, enrol
from sbs_server.testing.relay import control, empty_outbox

__all__ = ["agent_ca", "bus", "bus_settings", "control", "databases", "empty_outbox", "enrol"]
