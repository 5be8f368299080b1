"""`restic init`: create a repository."""

import asyncio

from sbs_restic.cli.commands.answers import only_message
from sbs_restic.cli.errors import InvalidRequestError
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import INIT, Initialized
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository


def build_args(repository: Repository, *, template: Repository | None = None) -> Invocation:
    """Give the invocation.

    template: a repository whose chunker parameters are copied, so that both cut data into the same pieces and
    copies between them deduplicate. restic has one --cacert and one --tls-client-cert for both.
    """
    if template is None:
        return on_repository(repository, "init")
    if template.cacert not in (None, repository.cacert) or template.client_cert not in (
        None,
        repository.client_cert,
    ):
        raise InvalidRequestError(
            "the template must be reached with the same certificates as the new repository"
        )
    return on_repository(
        repository,
        "init",
        options=("--copy-chunker-params", "--from-repo", template.location),
        secrets=(("--from-password-file", template.password),),
    )


async def run(
    runner: Runner,
    repository: Repository,
    *,
    template: Repository | None = None,
    stop: asyncio.Event | None = None,
) -> Initialized:
    """Create the repository with its first key and give its id.

    Raises CommandFailedError when there is one already (then `cat_config` says which), ResticFailedError.
    """
    return await only_message(runner, build_args(repository, template=template), INIT, Initialized, stop)
