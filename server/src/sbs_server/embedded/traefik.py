"""Traefik: TLS for browsers and agents, client certificates, and NATS passed through untouched."""

from __future__ import annotations

import json
from typing import Any

from sbs_server.config import read_secret
from sbs_server.embedded import binaries
from sbs_server.embedded.certificates import host_names
from sbs_server.embedded.checks import http_ok
from sbs_server.embedded.component import Command, Component, Context
from sbs_server.embedded.layout import DataDirectory, write_file
from sbs_server.embedded.ports import LOOPBACK
from sbs_server.kit.http.headers import CLIENT_CERTIFICATE, CLIENT_CERTIFICATE_INFO, INGRESS

# Guessing passwords or tokens is slowed down here, before anything expensive happens.
_GUESSABLE = ("/api/v1/session", "/agent/v1/enrol")
_DYNAMIC = "dynamic/sbs.yml"

# A client's own copy of what we add is removed. `aliasHeadersStrategy` does the same for X_Sbs_Ingress and the like.
_OURS = (CLIENT_CERTIFICATE, CLIENT_CERTIFICATE_INFO, INGRESS)


def static_configuration(context: Context) -> dict[str, Any]:
    """Entry points and where the rest of the configuration is."""
    listen, ports = context.settings.listen, context.ports
    host = f"[{listen}]" if ":" in listen else listen
    # Uploads take as long as they take: the default of 60 s would cut them off.
    timeouts = {"respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "0s", "idleTimeout": "180s"}}
    web = {
        "http": {"aliasHeadersStrategy": "delete"},
        "transport": timeouts,
        "forwardedHeaders": {"insecure": False},
    }
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "WARN"},
        "entryPoints": {
            "console": {"address": f"{host}:{ports['console']}", **web},
            "agents": {"address": f"{host}:{ports['agents']}", **web},
            "nats": {"address": f"{host}:{ports['nats_public']}", "transport": timeouts},
            "admin": {"address": f"{LOOPBACK}:{ports['traefik_admin']}"},
        },
        "ping": {"entryPoint": "admin"},
        "providers": {
            "file": {"directory": str(context.directory.folder("traefik") / "dynamic"), "watch": True}
        },
    }


def dynamic_configuration(context: Context) -> dict[str, Any]:
    """Routes, middlewares, certificates."""
    return {"tls": _tls(context), "http": _http(context), "tcp": _tcp(context)}


def _tls(context: Context) -> dict[str, Any]:
    pki = context.settings.pki
    agents = [str(pki.agent_ca_certificate)]
    server = {"certFile": str(pki.dir / "server.crt"), "keyFile": str(pki.dir / "server.key")}

    def options(client_auth: str | None) -> dict[str, Any]:
        auth = {"clientAuth": {"caFiles": agents, "clientAuthType": client_auth}} if client_auth else {}
        return {"minVersion": "VersionTLS12", "sniStrict": False, **auth}

    return {
        "stores": {"default": {"defaultCertificate": server}},
        "options": {
            # Traefik chooses options by host name. For a client that sends none (an IP address) it takes these:
            # a certificate may be shown, and what needs one refuses without it.
            "default": options("VerifyClientCertIfGiven"),
            "browsers": options(None),
            # restic moves a repository over few connections: HTTP/2's flow control only costs it CPU
            # (about 0.45 s for each GiB, see docs/decisions/0005-repository-gateway.md).
            "agents": {
                **options("RequireAndVerifyClientCert"),
                "minVersion": "VersionTLS13",
                "alpnProtocols": ["http/1.1"],
            },
        },
    }


def _http(context: Context) -> dict[str, Any]:
    return {
        "routers": {**_console_routers(context), **_agent_routers(context)},
        "services": {"api": _service(context, "api"), "gateway": _service(context, "gateway")},
        "middlewares": {
            "strip": {"headers": {"customRequestHeaders": dict.fromkeys(_OURS, "")}},
            "client-certificate": {"passTLSClientCert": {"pem": True}},
            "ingress": {
                "headers": {
                    "customRequestHeaders": {INGRESS: read_secret(context.directory.secrets / "ingress")}
                }
            },
            "security": {"headers": _SECURITY_HEADERS},
            "slow-down": {"rateLimit": {"average": 5, "period": "1s", "burst": 20}},
        },
    }


# Not the Content-Security-Policy: ours would replace the one that the API gives with each answer.
_SECURITY_HEADERS = {
    "stsSeconds": 31536000,
    "contentTypeNosniff": True,
    "frameDeny": True,
    "referrerPolicy": "no-referrer",
}


def _hosts(context: Context) -> str:
    names = host_names(context.settings.public_names)
    return "(" + " || ".join(f"Host(`{name}`)" for name in names) + ")"


def _console_routers(context: Context) -> dict[str, Any]:
    # Of the agents' paths only the two that come before a certificate; the rest exists on their own port alone.
    # `/` is the API and the web application that it serves.
    rule = "(!PathPrefix(`/agent`) || Path(`/agent/v1/trust`) || Path(`/agent/v1/enrol`))"
    paths = " || ".join(f"PathPrefix(`{path}`)" for path in _GUESSABLE)
    guessable = f"Method(`POST`) && ({paths})"
    common = {"entryPoints": ["console"], "service": "api"}
    plain = ["strip", "ingress", "security"]
    slow = ["slow-down", *plain]
    hosts, options = _hosts(context), {"options": "browsers"}
    return {
        "console": {
            **common,
            "rule": f"{hosts} && {rule}",
            "priority": 20,
            "tls": options,
            "middlewares": plain,
        },
        "console-slow": {
            **common,
            "rule": f"{hosts} && {guessable}",
            "priority": 40,
            "tls": options,
            "middlewares": slow,
        },
        "console-any": {**common, "rule": rule, "priority": 10, "tls": {}, "middlewares": plain},
        "console-any-slow": {**common, "rule": guessable, "priority": 30, "tls": {}, "middlewares": slow},
    }


def _agent_routers(context: Context) -> dict[str, Any]:
    middlewares = ["strip", "client-certificate", "ingress"]
    routers = {}
    for service, path in (("api", "/agent/v1"), ("gateway", "/restic")):
        common = {"entryPoints": ["agents"], "service": service, "middlewares": middlewares}
        rule = f"PathPrefix(`{path}/`)"
        routers[f"agents-{service}"] = {
            **common,
            "rule": f"{_hosts(context)} && {rule}",
            "priority": 20,
            "tls": {"options": "agents"},
        }
        routers[f"agents-{service}-any"] = {**common, "rule": rule, "priority": 10, "tls": {}}
    return routers


def _service(context: Context, role: str) -> dict[str, Any]:
    url = f"http://{context.settings.http.bind}:{context.ports[role]}"
    # Server-sent events and downloads leave at once.
    return {
        "loadBalancer": {
            "servers": [{"url": url}],
            "passHostHeader": True,
            "responseForwarding": {"flushInterval": "-1ms"},
        }
    }


def _tcp(context: Context) -> dict[str, Any]:
    address = f"{LOOPBACK}:{context.ports['nats']}"
    return {
        "routers": {
            "nats": {
                "entryPoints": ["nats"],
                "rule": "HostSNI(`*`)",
                "service": "nats",
                "tls": {"passthrough": True},
            }
        },
        "services": {"nats": {"loadBalancer": {"servers": [{"address": address}]}}},
    }


async def _prepare(context: Context) -> None:
    folder = context.directory.folder("traefik")
    # JSON is YAML. The dynamic file holds the ingress secret, hence the mode (and the folder's).
    write_file(folder / "traefik.yml", json.dumps(static_configuration(context), indent=2) + "\n")
    write_file(folder / _DYNAMIC, json.dumps(dynamic_configuration(context), indent=2) + "\n")


def touch_dynamic(directory: DataDirectory) -> None:
    """Make a running Traefik read the certificate files again: it looks when its own file is replaced."""
    path = directory.folder("traefik") / _DYNAMIC
    if path.exists():
        write_file(path, path.read_bytes())


def _command(context: Context) -> Command:
    config = context.directory.folder("traefik") / "traefik.yml"
    return context.command([binaries.script("traefik"), f"--configFile={config}"], "traefik")


COMPONENT = Component(
    name="traefik",
    prepare=_prepare,
    command=_command,
    ready=http_ok("traefik_admin", "/ping"),
    needs=("api", "gateway", "nats"),
    ports=("console", "agents", "nats_public", "traefik_admin"),
    stop_timeout_s=20,
)
