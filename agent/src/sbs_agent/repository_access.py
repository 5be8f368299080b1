"""Fetches what opens a command's repository, over mutual TLS; kept in memory only, while the command runs."""

import httpx
import structlog
from pydantic import SecretStr

from sbs_agent.calls import HTTP_FAILURES, SECRETS_PATH, TIMEOUT, call
from sbs_agent.commands.job import Job
from sbs_agent.config import Identity, StateDirectory
from sbs_agent.errors import (
    AnswerError,
    CertificateRefusedError,
    CommandError,
    ControlPlaneError,
    NotTrustedError,
    StateDamagedError,
)
from sbs_agent.keys import mutual_tls
from sbs_agent.pace import Pace
from sbs_agent.reach import explain
from sbs_protocol.enrolment import SecretsRequest, SecretsResponse
from sbs_protocol.events import ErrorCode, Problem
from sbs_restic.cli.repository import Repository

log = structlog.get_logger(__name__)

_LOCK_PATIENCE_SECONDS = (
    60  # maintenance may hold the repository for a moment; longer is the control plane's to plan
)


class RepositoryAccess:
    def __init__(self, state: StateDirectory, identity: Identity, pace: Pace) -> None:
        self._state, self._identity, self._pace = state, identity, pace

    async def open(self, job: Job) -> Repository:
        """The repository of the job's command. Waits while the control plane is out of reach.

        Raises:
            CommandError: it refuses.
            StoppedError: the job was asked to end meanwhile.
        """
        backoff = self._pace.unreachable()
        while True:
            try:
                answer = await self._ask(job.command.command_id)
            except (CertificateRefusedError, NotTrustedError, StateDamagedError) as error:
                raise _refused(error, retryable=True) from error
            except ControlPlaneError as error:
                if isinstance(error, AnswerError) and not error.may_pass:
                    raise _refused(error, retryable=False) from error
                wait = backoff.next()
                log.warning("secrets not fetched", reason=str(error), next_try_s=round(wait, 1))
                await job.reporter.progress("starting")
                await job.stop.sleep(wait)
                job.check()  # after a first try: also a stopped command may have locks to remove
                continue
            return self._repository(answer)

    async def _ask(self, command_id: str) -> SecretsResponse:
        url = self._identity.endpoints.agent_url.rstrip("/") + SECRETS_PATH
        async with httpx.AsyncClient(verify=mutual_tls(self._state), timeout=TIMEOUT) as client:
            return await call(client, "POST", url, SecretsRequest(command_id=command_id), SecretsResponse)

    async def unreachable(self, repository: Repository) -> str | None:
        """Why the repository's server gives no answer at all; None if it gives any."""
        url = repository.location.removeprefix("rest:")
        if not url.startswith("https:"):
            return None
        try:
            async with httpx.AsyncClient(verify=mutual_tls(self._state), timeout=TIMEOUT) as client:
                await client.head(url + "config")
        except HTTP_FAILURES as error:
            return str(explain(error, url))
        except StateDamagedError as error:
            return str(error)
        return None

    def _repository(self, answer: SecretsResponse) -> Repository:
        return Repository.rest(
            answer.repository_url,
            SecretStr(answer.password),
            cacert=self._state.roots_file,
            client_cert=self._state.certificate_file,
            retry_lock_s=_LOCK_PATIENCE_SECONDS,
        )


def _refused(error: Exception, *, retryable: bool) -> CommandError:
    message = f"the control plane does not give this command its repository's secrets: {error}"
    return CommandError(Problem(code=ErrorCode.SECRETS_REFUSED, message=message, retryable=retryable))
