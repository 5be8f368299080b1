"""Commands that answer with one message among lines."""

import asyncio
from typing import TypeVar

from sbs_restic.cli.errors import UnexpectedOutputError
from sbs_restic.cli.invocation import Invocation
from sbs_restic.cli.messages import Kinds, Message
from sbs_restic.cli.process import Runner, ensure_ok

_M = TypeVar("_M", bound=Message)


async def only_message(
    runner: Runner, invocation: Invocation, kinds: Kinds, kind: type[_M], stop: asyncio.Event | None
) -> _M:
    """Run a command and give its last message of that kind.

    Raises ResticFailedError, and UnexpectedOutputError when restic succeeded without such a message.
    """
    answers: list[_M] = []

    def keep(message: Message) -> None:
        if isinstance(message, kind):
            answers[:] = [message]

    ensure_ok(await runner.run(invocation, kinds=kinds, on_message=keep, stop=stop))
    return expect(answers[-1] if answers else None, invocation.name)


def expect(answer: _M | None, command: str) -> _M:
    """Give the answer. Raises UnexpectedOutputError when there is none."""
    if answer is None:
        raise UnexpectedOutputError(
            f"restic {command} succeeded without saying what it did: is this restic 0.18 or newer?"
        )
    return answer
