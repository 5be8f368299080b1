"""`sbs gateway`: restic's REST protocol in front of local repositories."""

from __future__ import annotations

import logging
import sys

import structlog

from sbs_server.config import ConfigurationError, Settings
from sbs_server.gateway.app import parts
from sbs_server.gateway.authorize import CertificateReader, IngressGuard
from sbs_server.gateway.authorize_db import DatabaseAuthorizer
from sbs_server.gateway.layout import StorageRoots
from sbs_server.gateway.server import GatewayServer
from sbs_server.gateway.state import GatewayState, StateInUseError
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
        _set_up_logs(settings.log_level)
        server = build(settings)
    except (ConfigurationError, PkiError, StateInUseError, OSError) as error:
        sys.exit(f"sbs gateway: {error}")
    server.run()


def _set_up_logs(level: str) -> None:
    """One JSON object a line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
