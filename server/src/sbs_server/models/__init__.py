"""The tables, one file each. Importing this package registers them all."""

from sbs_server.models.admission import AdmissionClaim, AdmissionTicket, ClaimMode, TicketState
from sbs_server.models.agent import Agent, AgentCertificate, AgentState
from sbs_server.models.audit import AuditChain, AuditEntry
from sbs_server.models.command import Command, CommandState
from sbs_server.models.enrolment_token import EnrolmentToken
from sbs_server.models.handled_message import HandledMessage
from sbs_server.models.idempotency_key import IdempotencyKey
from sbs_server.models.job import Compression, Dataset, Job, JobAgent, JobRepository
from sbs_server.models.membership import Membership, Role
from sbs_server.models.organization import Organization
from sbs_server.models.outbox import Outbox, OutboxKind
from sbs_server.models.repository import (
    Repository,
    RepositoryKind,
    RepositoryLayout,
    ResticRepository,
    ResticRepositoryState,
)
from sbs_server.models.restore import Restore
from sbs_server.models.run import Run, RunAttempt, RunKind, RunState, RunTarget, RunTrigger, RunWarning
from sbs_server.models.secret import Secret
from sbs_server.models.snapshot import CopyState, Snapshot, SnapshotCopy
from sbs_server.models.user_account import UserAccount

__all__ = [
    "AdmissionClaim",
    "AdmissionTicket",
    "Agent",
    "AgentCertificate",
    "AgentState",
    "AuditChain",
    "AuditEntry",
    "ClaimMode",
    "Command",
    "CommandState",
    "Compression",
    "CopyState",
    "Dataset",
    "EnrolmentToken",
    "HandledMessage",
    "IdempotencyKey",
    "Job",
    "JobAgent",
    "JobRepository",
    "Membership",
    "Organization",
    "Outbox",
    "OutboxKind",
    "Repository",
    "RepositoryKind",
    "RepositoryLayout",
    "ResticRepository",
    "ResticRepositoryState",
    "Restore",
    "Role",
    "Run",
    "RunAttempt",
    "RunKind",
    "RunState",
    "RunTarget",
    "RunTrigger",
    "RunWarning",
    "Secret",
    "Snapshot",
    "SnapshotCopy",
    "TicketState",
    "UserAccount",
]
