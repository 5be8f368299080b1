"""Valkey: sessions, rate limits, short-lived coordination. Kept over a restart, as sign-ins are."""

from __future__ import annotations

from sbs_server.config import read_secret
from sbs_server.embedded import binaries
from sbs_server.embedded.checks import talk
from sbs_server.embedded.component import Command, Component, Context
from sbs_server.embedded.layout import write_file
from sbs_server.embedded.ports import LOOPBACK


async def _prepare(context: Context) -> None:
    folder = context.directory.folder("valkey")
    lines = [
        f"bind {LOOPBACK}",
        f"port {context.ports['valkey']}",
        f'dir "{folder}"',
        f"requirepass {read_secret(context.directory.secrets / 'valkey')}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory 128mb",
        # What has no expiry was not meant to vanish.
        "maxmemory-policy volatile-lru",
        "daemonize no",
    ]
    write_file(folder / "valkey.conf", "\n".join(lines) + "\n")


def _command(context: Context) -> Command:
    return context.command([binaries.valkey(), context.directory.folder("valkey") / "valkey.conf"], "valkey")


async def _ready(context: Context) -> bool:
    password = read_secret(context.directory.secrets / "valkey")
    answer = await talk(context.ports["valkey"], f"AUTH {password}\r\nPING\r\n".encode(), b"+PONG\r\n")
    return answer.endswith(b"+PONG\r\n")


COMPONENT = Component(
    name="valkey", prepare=_prepare, command=_command, ready=_ready, ports=("valkey",), stop_timeout_s=5
)
