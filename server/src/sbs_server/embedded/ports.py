"""Ports: chosen once, kept in ports.json, and checked before anything starts."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Iterable, Mapping

import psutil

from sbs_server.config import Settings
from sbs_server.embedded.errors import DataDirectoryError, PortTakenError
from sbs_server.embedded.layout import DataDirectory, read_json, write_file

LOOPBACK = "127.0.0.1"

# Name -> the setting that fixes it, for those the outside connects to; all others are ours to choose.
PUBLIC: dict[str, str] = {"console": "port_console", "agents": "port_agents", "nats_public": "port_nats"}
INTERNAL: tuple[str, ...] = (
    "postgres",
    "valkey",
    "nats",
    "nats_monitor",
    "temporal",
    "temporal_http",
    "temporal_metrics",
    "api",
    "gateway",
    "bus_health",
    "worker_health",
    "traefik_admin",
)


def assign(directory: DataDirectory, settings: Settings, needed: Iterable[str]) -> dict[str, int]:
    """Every port's number; those of `needed` are free now.

    A public port that is taken is an error (people and agents know its number); an internal one is chosen anew.
    Errors: PortTakenError, DataDirectoryError.
    """
    needed = set(needed)
    ports = _kept(directory)
    for name, setting in PUBLIC.items():
        wanted = int(getattr(settings, setting))
        if wanted:
            ports[name] = wanted
    for name in (*PUBLIC, *INTERNAL):
        host = settings.listen if name in PUBLIC else LOOPBACK
        if name not in ports or (name in INTERNAL and name in needed and not _free(host, ports[name])):
            ports[name] = _choose(host, ports)
    for name in needed & set(PUBLIC):
        _require_free(settings.listen, ports[name], name)
    write_file(directory.ports_file, json.dumps(ports, indent=2) + "\n", 0o644)
    return ports


def _kept(directory: DataDirectory) -> dict[str, int]:
    kept = read_json(directory.ports_file) or {}
    names = {*PUBLIC, *INTERNAL}
    if not all(isinstance(port, int) and 0 < port < 65536 for port in kept.values()):
        raise DataDirectoryError(f"{directory.ports_file} holds something that is not a port; remove it")
    return {name: port for name, port in kept.items() if name in names}


def _choose(host: str, taken: Mapping[str, int]) -> int:
    for _ in range(64):
        with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1])
        if port not in taken.values():
            return port
    raise PortTakenError(f"no free port was found on {host}")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _free(host: str, port: int) -> bool:
    return _bind_error(host, port) is None


def _bind_error(host: str, port: int) -> OSError | None:
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        # As servers do it: connections in TIME_WAIT are no obstacle, a listener is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _require_free(host: str, port: int, name: str) -> None:
    error = _bind_error(host, port)
    if error is None:
        return
    setting = f"SBS_{PUBLIC[name].upper()}"
    if error.errno == errno.EADDRINUSE:
        reason = f"is in use by {_listener(port)}"
    else:
        reason = f"can't be used: {error.strerror}"
    raise PortTakenError(
        f"port {port} on {host} ({name}) {reason}; stop that, or set {setting} to another port (0 chooses one)"
    )


def _listener(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return "another process"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return _describe(connection.pid)
    return "another process"


def _describe(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return f"pid {pid}"
