"""The four servers as the roles will find them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from datetime import timedelta

import asyncpg
import psutil
import pytest
import valkey.asyncio
from google.protobuf.json_format import MessageToDict
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from sbs_server.config import DatabaseRole, Settings
from sbs_server.embedded import binaries
from sbs_server.kit.nkeys import NkeyClient, NkeyPair
from sbs_server.testing.services import PlatformServices


def service_context(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.nats.ca_file)
    context.load_cert_chain(settings.nats.cert_file, settings.nats.key_file)
    return context


async def connect(settings: Settings, keys: NkeyPair, context: ssl.SSLContext | None = None) -> NkeyClient:
    client = NkeyClient(keys)
    await client.connect(
        settings.nats.url,
        tls=context or service_context(settings),
        tls_handshake_first=True,
        allow_reconnect=False,
        error_cb=_quiet,
        connect_timeout=10,
    )
    return client


async def _quiet(error: Exception) -> None:
    """Refusals are what these tests are about; they are raised as well."""


@pytest.mark.parametrize("role", ["sbs_owner", "sbs_app", "sbs_system", "sbs_migrator"])
async def test_each_database_role_signs_in_without_special_rights(
    platform_services: PlatformServices, role: DatabaseRole
) -> None:
    database = platform_services.settings.database
    connection = await asyncpg.connect(
        host=database.host,
        port=database.port,
        user=role,
        password=database.password(role),
        database=database.name,
    )
    try:
        row = await connection.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert row is not None
        assert not any(row)
    finally:
        await connection.close()


async def test_a_wrong_database_password_is_refused(platform_services: PlatformServices) -> None:
    database = platform_services.settings.database
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=database.host, port=database.port, user="sbs_app", password="wrong", database=database.name
        )


async def test_only_the_owner_can_make_things_in_the_database(platform_services: PlatformServices) -> None:
    database = platform_services.settings.database
    for role in ("sbs_app", "sbs_system", "sbs_migrator"):
        connection = await asyncpg.connect(
            host=database.host,
            port=database.port,
            user=role,
            password=database.password(role),
            database="sbs",
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE SCHEMA mine")
        await connection.close()


def test_the_database_is_of_version_18_and_checks_its_pages(platform_services: PlatformServices) -> None:
    assert binaries.postgres("pg_checksums").exists()
    data = platform_services.data_dir / "postgres" / "data"
    assert (data / "PG_VERSION").read_text().strip() == "18"


async def test_the_control_key_reaches_jetstream_with_a_service_certificate(
    platform_services: PlatformServices,
) -> None:
    settings = platform_services.settings_for("bus")
    client = await connect(settings, NkeyPair.from_seed(settings.nats.seed("control")))
    stream = client.jetstream()
    await stream.add_stream(name="TRY", subjects=["try.*"], max_consumers=20000)
    assert (await stream.publish("try.a", b"x")).stream == "TRY"
    await stream.delete_stream("TRY")
    await client.close()


async def test_the_system_key_sees_the_connections(platform_services: PlatformServices) -> None:
    settings = platform_services.settings_for("bus")
    client = await connect(settings, NkeyPair.from_seed(settings.nats.seed("sys")))
    answer = await client.request("$SYS.REQ.SERVER.PING.CONNZ", b"{}", timeout=5)
    assert json.loads(answer.data)["data"]["num_connections"] >= 1
    await client.close()


async def test_nobody_reaches_the_bus_without_a_certificate(platform_services: PlatformServices) -> None:
    settings = platform_services.settings
    bare = ssl.create_default_context(cafile=settings.nats.ca_file)
    # TLS 1.3: the client learns of the refusal with the first bytes it reads.
    reader, writer = await asyncio.open_connection("127.0.0.1", platform_services.ports["nats"], ssl=bare)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await reader.readexactly(1)
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()


async def test_the_cache_asks_for_its_password(platform_services: PlatformServices) -> None:
    settings = platform_services.settings.valkey
    async with valkey.asyncio.Valkey(
        host=settings.host, port=settings.port, password=settings.password()
    ) as good:
        assert await good.ping()
    async with valkey.asyncio.Valkey(host=settings.host, port=settings.port) as bare:
        with pytest.raises(valkey.exceptions.AuthenticationError):
            await bare.ping()


async def test_finished_workflows_stay_readable_for_30_days(platform_services: PlatformServices) -> None:
    temporal = platform_services.settings.temporal
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert answer.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=30)
    assert MessageToDict(answer.namespace_info)["state"] == "NAMESPACE_STATE_REGISTERED"


def test_no_secret_is_an_argument_in_a_log_or_in_sbs_env(platform_services: PlatformServices) -> None:
    directory = platform_services.data_dir
    secrets = [path.read_text().strip() for path in (directory / "secrets").rglob("*") if path.is_file()]
    places = [path.read_text(errors="replace") for path in (directory / "logs").glob("*.log")]
    places += [(directory / "sbs.env").read_text(), (directory / "run" / "state.json").read_text()]
    places += [text for process in psutil.process_iter() for text in _told_to_everybody(process)]
    assert len(secrets) == 12
    assert not [secret for secret in secrets for place in places if secret in place]


def _told_to_everybody(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return []  # it has ended, or is somebody else's


def test_private_files_are_private(platform_services: PlatformServices) -> None:
    directory = platform_services.data_dir
    private = [*(directory / "secrets").rglob("*"), *(directory / "pki").rglob("*.key")]
    assert private
    assert not [path for path in private if path.stat().st_mode & 0o077]


def test_everything_listens_on_the_loopback_interface_alone(platform_services: PlatformServices) -> None:
    state = json.loads((platform_services.data_dir / "run" / "state.json").read_text())
    for row in state["components"]:
        for process in [psutil.Process(row["pid"]), *psutil.Process(row["pid"]).children(recursive=True)]:
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    assert connection.laddr.ip in {"127.0.0.1", "::1"}, row["name"]
