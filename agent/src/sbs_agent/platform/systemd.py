"""The unit file. `packaging/linux/sbs-agent.service` is this text for a packaged agent (a test compares them)."""

from pathlib import Path

UNIT_NAME = "sbs-agent.service"

# A backup agent must read everything and write where a restore goes, so the file system stays open
# (no ProtectSystem, ProtectHome, PrivateTmp, ProtectKernelModules: they would hide or freeze what is to be
# backed up or restored).
# Nor ProtectClock, which closes all devices and with them the restoring of device nodes.
# Everything else that a backup does not need is taken away.
_TEMPLATE = """\
[Unit]
Description=SBS backup agent
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={command} run --log json
Environment=SBS_AGENT_STATE_DIR={state}
# Stopping: restic gets SIGINT and removes its lock; the agent is gone within 20 s.
KillMode=mixed
TimeoutStopSec=30
Restart=always
RestartSec=5
# Backups must not be what the kernel kills first, nor what slows the machine down.
OOMScoreAdjust=-100
Nice=5
IOSchedulingClass=best-effort
IOSchedulingPriority=6

# Reads every file, restores owner, mode, times, capabilities and device nodes; nothing beyond that.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_FSETID \
CAP_MKNOD CAP_SETFCAP
NoNewPrivileges=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service mknod mknodat
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def unit_text(command: str, state_directory: Path) -> str:
    return _TEMPLATE.format(command=command, state=state_directory)
