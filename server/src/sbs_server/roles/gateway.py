"""`sbs gateway`: restic's REST protocol in front of local repositories."""

from __future__ import annotations

import sys

from sbs_server.config import ConfigurationError, Settings
from sbs_server.gateway.app import parts
from sbs_server.gateway.authorize import CertificateReader, IngressGuard
from sbs_server.gateway.authorize_db import DatabaseAuthorizer
from sbs_server.gateway.layout import StorageRoots
from sbs_server.gateway.server import GatewayServer
from sbs_server.gateway.state import GatewayState, StateInUseError
from sbs_server.kit import logging
from sbs_server.kit.db.session import Database
from sbs_server.kit.pki import PkiError, load_certificates


def build(settings: Settings) -> GatewayServer:
    """The server, ready to run. Raises: ConfigurationError, PkiError, StateInUseError, OSError."""
    database = Database(settings.database.url("sbs_app"), application_name="sbs-gateway")
    given = parts(
        authorizer=DatabaseAuthorizer(database.engine),
        ingress=IngressGuard(settings.http.ingress_secret()),
        certificates=CertificateReader(load_certificates(settings.pki.agent_ca_certificate)),
        roots=StorageRoots(settings.storage.roots),
        state=GatewayState(settings.data_dir / "gateway"),
    )
    return GatewayServer(given, settings.http.bind, settings.http.gateway_port)


def main() -> None:
    """Until SIGTERM or SIGINT."""
    try:
        settings = Settings.load(role="gateway")
        logging.configure(settings.log_level, role="gateway")
        server = build(settings)
    except (ConfigurationError, PkiError, StateInUseError, OSError) as error:
        sys.exit(f"sbs gateway: {error}")
    server.run()
