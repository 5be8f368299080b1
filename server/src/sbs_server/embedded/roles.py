"""The roles of the control plane as components: `sbs <role>` as a process each."""

from __future__ import annotations

import os
import sys

from sbs_server.embedded import console
from sbs_server.embedded.checks import http_ok
from sbs_server.embedded.component import Command, CommandOf, Component, Context
from sbs_server.embedded.environment import managed_values

SERVERS = ("postgres", "valkey", "nats", "temporal")


def role_command(name: str) -> CommandOf:
    """`sbs <name>` with our interpreter and the settings of this data directory."""

    def command(context: Context) -> Command:
        # The environment wins over sbs.env, so what this installation has decided must be in it.
        env = {
            **os.environ,  # env: settings an operator gave to `sbs up`
            **managed_values(context.settings, context.ports),
            **console.environment(context.settings),
            "SBS_DATA_DIR": str(context.directory.root),
            "SBS_ROLE": name,
            "HOME": str(context.directory.root),
            "PYTHONUNBUFFERED": "1",
        }
        argv = [sys.executable, "-m", "sbs_server.roles.cli", name]
        return Command(argv, context.directory.root, env)

    return command


def _role(name: str, port: str, *, needs: tuple[str, ...] = ("migrate", *SERVERS)) -> Component:
    return Component(
        name=name,
        command=role_command(name),
        ready=http_ok(port, "/readyz"),
        needs=needs,
        ports=(port,),
        stop_timeout_s=30,
    )


MIGRATE = Component(
    name="migrate", command=role_command("migrate"), ready=None, needs=("postgres",), one_shot=True
)
API = _role("api", "api")
BUS = _role("bus", "bus_health")
WORKER = _role("worker", "worker_health")
GATEWAY = _role("gateway", "gateway", needs=("migrate", "postgres"))
