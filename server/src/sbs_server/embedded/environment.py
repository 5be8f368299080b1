"""sbs.env: what the supervisor has decided, for everybody who works with this data directory."""

from __future__ import annotations

from collections.abc import Mapping

from sbs_server.config import Settings
from sbs_server.embedded.layout import DataDirectory, write_file
from sbs_server.embedded.ports import LOOPBACK

_BEGIN = "# Written by the supervisor at each start; your own settings go above this line."


def managed_values(settings: Settings, ports: Mapping[str, int]) -> dict[str, str]:
    """The variables that follow from the ports: addresses only, no secrets."""
    host = settings.public_names[0] if settings.public_names else "localhost"
    console = settings.public_port_console or ports["console"]
    agents = settings.public_port_agents or ports["agents"]
    nats = settings.public_port_nats or ports["nats_public"]
    return {
        "SBS_DATABASE__HOST": LOOPBACK,
        "SBS_DATABASE__PORT": str(ports["postgres"]),
        "SBS_VALKEY__HOST": LOOPBACK,
        "SBS_VALKEY__PORT": str(ports["valkey"]),
        "SBS_NATS__URL": f"tls://{LOOPBACK}:{ports['nats']}",
        "SBS_TEMPORAL__ADDRESS": f"{LOOPBACK}:{ports['temporal']}",
        "SBS_HTTP__API_PORT": str(ports["api"]),
        "SBS_HTTP__GATEWAY_PORT": str(ports["gateway"]),
        "SBS_HTTP__BUS_HEALTH_PORT": str(ports["bus_health"]),
        "SBS_HTTP__WORKER_HEALTH_PORT": str(ports["worker_health"]),
        "SBS_HTTP__CONSOLE_URL": f"https://{host}:{console}",
        "SBS_HTTP__AGENT_URL": f"https://{host}:{agents}",
        "SBS_HTTP__NATS_PUBLIC_URL": f"tls://{host}:{nats}",
        "SBS_LISTEN": settings.listen,
        "SBS_PORT_CONSOLE": str(ports["console"]),
        "SBS_PORT_AGENTS": str(ports["agents"]),
        "SBS_PORT_NATS": str(ports["nats_public"]),
        "SBS_PUBLIC_DOMAIN": settings.public_domain,
    }


def write_environment(directory: DataDirectory, settings: Settings, ports: Mapping[str, int]) -> None:
    """Replace the supervisor's part of sbs.env and keep what the operator has written above it."""
    own = _operator_part(directory)
    lines = [f"{name}={value}" for name, value in managed_values(settings, ports).items()]
    text = "\n".join([*own, _BEGIN, *lines]) + "\n"
    write_file(directory.env_file, text, 0o644)


def _operator_part(directory: DataDirectory) -> list[str]:
    if not directory.env_file.exists():
        return []
    lines = directory.env_file.read_text(encoding="utf-8").splitlines()
    return lines[: lines.index(_BEGIN)] if _BEGIN in lines else lines
