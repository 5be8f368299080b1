"""The commands of the control plane, one module each. This is the one place that knows them all."""

from typing import assert_never

from sbs_agent.commands import backup_run, restore_run
from sbs_agent.commands.job import Job, Outcome
from sbs_agent.commands.tools import Tools
from sbs_agent.errors import refuse
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.commands import BackupRun, CommandCancel, RestoreRun
from sbs_protocol.events import ErrorCode
from sbs_protocol.identifiers import run_of_command

__all__ = ["Tools", "carry_out"]


async def carry_out(job: Job, tools: Tools) -> Outcome:
    """Do what the command says.

    Raises:
        CommandError: it failed.
        StoppedError: it was asked to end and did.
    """
    _check(job)
    body = job.command.body
    match body:
        case BackupRun():
            return await backup_run.carry_out(job, body, tools)
        case RestoreRun():
            return await restore_run.carry_out(job, body, tools)
        case CommandCancel():
            refuse(ErrorCode.INTERNAL, "a cancellation is carried out when it arrives, never as a command")
    assert_never(body)


def _check(job: Job) -> None:
    if job.command.protocol > PROTOCOL_VERSION:
        refuse(
            ErrorCode.COMMAND_INVALID,
            f"the command speaks protocol {job.command.protocol}, this agent {PROTOCOL_VERSION}: update the agent",
        )
    try:
        run_of_command(job.command.command_id)
    except ValueError as error:
        refuse(ErrorCode.COMMAND_INVALID, f"the command's id is not one: {error}")
