"""A control plane and its bus together."""

from dataclasses import dataclass

from sbs_agent.testing.bus import NatsServer
from sbs_agent.testing.control_plane import ControlPlane, Servers


@dataclass
class Site:
    """A control plane with NATS, reachable at its addresses."""

    plane: ControlPlane
    servers: Servers
    nats: NatsServer
