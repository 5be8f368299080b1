"""`sbs worker`: runs workflows and activities, grants admission, looks after schedules."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import text
from temporalio.client import Client
from temporalio.worker import Worker

from sbs_restic.cli import ResticUnavailableError, Runner, RunnerSettings, find_restic
from sbs_server.admission.activities import AdmissionActivities
from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.admission.loop import AdmissionLoop
from sbs_server.agents.activities import OrderActivities
from sbs_server.backups.activities import BackupActivities
from sbs_server.backups.workflows import BackupWorkflow
from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit import logging
from sbs_server.kit.activities import Patience, SignsOfLife
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope, EnvelopeError
from sbs_server.kit.health import Check, Health
from sbs_server.kit.signals import until_stopped
from sbs_server.messaging.followups import ActivityBridge
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.restic import ResticRepositories
from sbs_server.restores.activities import RestoreActivities
from sbs_server.restores.workflows import RestoreWorkflow
from sbs_server.retention.activities import RetentionActivities
from sbs_server.runs.activities import RunActivities
from sbs_server.runs.lost import LostRuns
from sbs_server.schedules import first_due
from sbs_server.schedules.activities import ScheduleActivities
from sbs_server.schedules.service import Schedules
from sbs_server.schedules.workflows import ScheduledJobWorkflow

log = structlog.get_logger()

WORKFLOWS = [BackupWorkflow, RestoreWorkflow, ScheduledJobWorkflow]
_STOP_GRACE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the worker is made of."""

    worker: Worker
    loop: AdmissionLoop
    schedules: Schedules
    temporal: Client


def main() -> None:
    """Runs until SIGTERM or SIGINT. Exit code 2: a setting, a key file or restic can't be used."""
    code = 0
    try:
        settings = Settings.load(role="worker")
        logging.configure(settings.log_level, role="worker")
        asyncio.run(_serve(settings))
    except (ConfigurationError, EnvelopeError, ResticUnavailableError) as error:
        sys.stderr.write(f"sbs worker: {error}\n")
        code = 2
    # The Temporal SDK's native threads can crash while the interpreter ends (seen with 1.35 on Python 3.11);
    # everything is done and closed here.
    sys.stderr.flush()
    os._exit(code)


async def _serve(settings: Settings) -> None:
    app = Database(settings.database.url("sbs_app"), pool_size=10, application_name="sbs worker")
    system = Database(settings.database.url("sbs_system"), pool_size=2, application_name="sbs worker system")
    try:
        temporal = await Client.connect(settings.temporal.address, namespace=settings.temporal.namespace)
        parts = _build(settings, app, system, temporal)
        health = Health(settings.http.bind, settings.http.worker_health_port, _checks(app, temporal))
        async with health.serving(), parts.worker:
            log.info("schedules are in step", jobs=await parts.schedules.restore_all())
            log.info("due times filled in", jobs=await first_due.fill_in(system, app))
            await _until_stopped(parts.loop)
    finally:
        await app.close()
        await system.close()


async def _until_stopped(loop: AdmissionLoop) -> None:
    granting = asyncio.create_task(loop.run())
    stopped = asyncio.create_task(until_stopped())
    done, _ = await asyncio.wait({granting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if granting in done:
        granting.result()
    granting.cancel()
    stopped.cancel()


def _build(settings: Settings, app: Database, system: Database, temporal: Client) -> Parts:
    runner = _runner(settings)
    secrets = SecretStore(Envelope(settings.kek_file))
    repositories = ResticRepositories(app, secrets, runner, settings.data_dir / "templates")
    dispatcher = Dispatcher(system)
    orders = OrderActivities(
        app,
        ActivityBridge(temporal),
        silence_deadline=timedelta(seconds=settings.runs.silence_deadline_s),
        accept_deadline=timedelta(seconds=settings.runs.accept_deadline_s),
    )
    holders = (
        AdmissionActivities(app, dispatcher),
        orders,
        BackupActivities(app, repositories),
        RestoreActivities(app),
        RetentionActivities(app, repositories, runner),
        RunActivities(app),
        ScheduleActivities(app),
    )
    worker = Worker(
        temporal,
        task_queue=settings.temporal.task_queue,
        workflows=WORKFLOWS,
        activities=[method for holder in holders for method in activities_of(holder)],
        graceful_shutdown_timeout=_STOP_GRACE,
        # Steps that run restic take their time, and must not keep the short ones waiting.
        max_concurrent_activities=40,
        interceptors=[Patience(), SignsOfLife()],
    )
    lost = LostRuns(system, app, temporal, dispatcher)
    loop = AdmissionLoop(settings.database.url("sbs_system"), dispatcher, lost)
    return Parts(worker, loop, Schedules(system, temporal, settings.temporal.task_queue), temporal)


def activities_of(holder: object) -> list[Callable[..., object]]:
    """The methods of an object that are activities, so that none is forgotten."""
    methods = [getattr(holder, name) for name in dir(type(holder)) if not name.startswith("_")]
    return [method for method in methods if hasattr(method, "__temporal_activity_definition")]


def _runner(settings: Settings) -> Runner:
    found = find_restic(None if settings.restic_binary is None else str(settings.restic_binary))
    cache = settings.cache_dir / "restic"
    cache.mkdir(parents=True, exist_ok=True)
    return Runner(RunnerSettings(binary=found.path, cache_dir=cache))


def _checks(app: Database, temporal: Client) -> dict[str, Check]:
    async def database() -> None:
        async with app.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def workflows() -> None:
        await temporal.service_client.check_health()

    return {"postgresql": database, "temporal": workflows}
