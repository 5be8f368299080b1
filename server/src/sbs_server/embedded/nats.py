"""NATS with JetStream: mTLS, three accounts, agents admitted by the auth callout."""

from __future__ import annotations

import json
import signal

from sbs_server.config import read_secret
from sbs_server.embedded import binaries
from sbs_server.embedded.checks import http_ok
from sbs_server.embedded.component import Command, Component, Context
from sbs_server.embedded.layout import write_file
from sbs_server.embedded.ports import LOOPBACK
from sbs_server.kit.nkeys import NkeyPair


def _public(context: Context, name: str) -> str:
    return NkeyPair.from_seed(read_secret(context.directory.secrets / "nats" / f"{name}.nk")).public_key


async def _prepare(context: Context) -> None:
    """Write the configuration. It is JSON: NATS reads that as its own format, and nothing needs quoting by hand."""
    control, callout, system = (_public(context, name) for name in ("control", "callout", "sys"))
    pki = context.settings.pki.dir
    config = {
        "server_name": "sbs",
        "listen": f"{LOOPBACK}:{context.ports['nats']}",
        "http": f"{LOOPBACK}:{context.ports['nats_monitor']}",
        "tls": {
            "cert_file": str(pki / "server.crt"),
            "key_file": str(pki / "server.key"),
            "ca_file": str(pki / "trust.pem"),
            "verify": True,
            "min_version": "1.3",
            "timeout": 30,
            # "auto" sends the greeting in clear to a client that is slow to begin; under load every fourth.
            "handshake_first": True,
        },
        "jetstream": {
            "store_dir": str(context.directory.folder("nats")),
            "max_file_store": 4 * 1024**3,
            "max_memory_store": 256 * 1024**2,
            # The default of 1,000 consumers a stream would be 1,000 agents.
            "limits": {"default_max_consumers": -1},
        },
        "accounts": {
            "SYS": {"users": [{"nkey": system}]},
            "AUTH": {"users": [{"nkey": callout}]},
            "APP": {"jetstream": "enabled", "users": [{"nkey": control}]},
        },
        "system_account": "SYS",
        "authorization": {
            "timeout": 30,
            "auth_callout": {
                "issuer": _public(context, "issuer"),
                "account": "AUTH",
                "auth_users": [callout, control, system],
            },
        },
    }
    write_file(context.directory.folder("nats") / "nats.conf", json.dumps(config, indent=2) + "\n")


def _command(context: Context) -> Command:
    config = context.directory.folder("nats") / "nats.conf"
    return context.command([binaries.script("nats-server"), "-c", config], "nats")


COMPONENT = Component(
    name="nats",
    prepare=_prepare,
    command=_command,
    ready=http_ok("nats_monitor", "/healthz"),  # says yes only after JetStream has recovered
    ports=("nats", "nats_monitor"),
    stop_timeout_s=60,
    reload_signal=signal.SIGHUP,
)
