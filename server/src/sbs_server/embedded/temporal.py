"""Temporal: its single-process server on SQLite. The truth stays in PostgreSQL; this one can be rebuilt."""

from __future__ import annotations

from sbs_server.embedded import binaries
from sbs_server.embedded.checks import http_ok
from sbs_server.embedded.component import Command, Component, Context
from sbs_server.embedded.errors import StartFailedError
from sbs_server.embedded.ports import LOOPBACK

# How long a finished workflow's history stays readable; the server's own default is one day.
_RETENTION = "30d"


def _command(context: Context) -> Command:
    folder = context.directory.folder("temporal")
    argv = [
        str(binaries.script("temporal")),
        *("server", "start-dev", "--headless", "--log-level", "warn", "--ip", LOOPBACK),
        *("--port", str(context.ports["temporal"])),
        *("--http-port", str(context.ports["temporal_http"])),
        *("--metrics-port", str(context.ports["temporal_metrics"])),
        *("--db-filename", str(folder / "temporal.db")),
        # Survives kill -9 and, with full, power cuts too.
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"),
        # Fair between organizations; exact only with one partition.
        *("--dynamic-config-value", "matching.enableFairness=true"),
        *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
        *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
    ]
    return context.command(argv, "temporal")


async def _set_retention(context: Context) -> None:
    argv = [
        str(binaries.script("temporal")),
        *("operator", "namespace", "update", "--namespace", context.settings.temporal.namespace),
        *("--retention", _RETENTION, "--address", f"{LOOPBACK}:{context.ports['temporal']}"),
    ]
    code = await context.run_step(context.command(argv, "temporal"), "temporal")
    if code != 0:
        raise StartFailedError(
            "temporal", f"setting the retention failed ({code})", context.directory.log("temporal")
        )


COMPONENT = Component(
    name="temporal",
    command=_command,
    ready=http_ok("temporal_http", "/api/v1/namespaces/default"),
    after_ready=_set_retention,
    ports=("temporal", "temporal_http", "temporal_metrics"),
    stop_timeout_s=20,
)
