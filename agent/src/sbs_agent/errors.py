"""What goes wrong in the agent.

::

    AgentError                        says what is wrong, where, and what to do: one line for a person
    ├── StateError                    the state directory
    │   ├── NotEnrolledError
    │   ├── AlreadyEnrolledError
    │   ├── StateLockedError          another agent works in it
    │   └── StateDamagedError         a file in it does not say what it should
    ├── PlatformError                 this system does not have, or we have not built, what is asked
    ├── TokenError                    the enrolment token as it was given
    ├── ControlPlaneError             the other side
    │   ├── UnreachableError          retried: no name, no route, refused, timed out
    │   ├── NotTrustedError           their certificate: not what the token or our roots say
    │   ├── CertificateRefusedError   our certificate: revoked, expired, of another authority
    │   └── AnswerError               an HTTP status that is not success; has `status` and `code`
    └── CommandError                  a command ends as failed; carries the `Problem` that is reported
"""

from typing import NoReturn

from sbs_protocol.events import ErrorCode, Problem
from sbs_protocol.paths import WirePath


class AgentError(Exception):
    """`message` says what is wrong, `todo` what would be right."""

    def __init__(self, message: str, todo: str = "") -> None:
        super().__init__(f"{message.rstrip('.')}; {todo}" if todo else message)
        self.message = message
        self.todo = todo


class StateError(AgentError):
    pass


class NotEnrolledError(StateError):
    def __init__(self, where: str) -> None:
        super().__init__(
            f"this machine is not enrolled (no identity in {where})", "run: sbs-agent enrol <server>"
        )


class AlreadyEnrolledError(StateError):
    def __init__(self, server: str, agent_id: str) -> None:
        super().__init__(
            f"this machine is already enrolled to {server} as agent {agent_id}",
            "give --force to replace that identity; what it has not reported yet is dropped",
        )


class StateLockedError(StateError):
    def __init__(self, where: str) -> None:
        super().__init__(
            f"another sbs-agent process works in {where}", "stop it first, or use another --state-dir"
        )


class StateDamagedError(StateError):
    pass


class PlatformError(AgentError):
    pass


class TokenError(AgentError):
    pass


class ControlPlaneError(AgentError):
    pass


class UnreachableError(ControlPlaneError):
    pass


class NotTrustedError(ControlPlaneError):
    pass


class CertificateRefusedError(ControlPlaneError):
    pass


class AnswerError(ControlPlaneError):
    """An answer that is not success: `code` is the control plane's own word for the reason, if it sent one."""

    def __init__(self, status: int, code: str | None, message: str, todo: str = "") -> None:
        super().__init__(message, todo)
        self.status = status
        self.code = code

    @property
    def may_pass(self) -> bool:
        """True if the same request can succeed later: overload, restart, a gateway's error."""
        return self.status >= 500 or self.status in {408, 425, 429}


class CommandError(AgentError):
    def __init__(self, problem: Problem, restic_exit_code: int | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.restic_exit_code = restic_exit_code


def refuse(code: ErrorCode, message: str, paths: list[WirePath] | None = None) -> NoReturn:
    """End the command: the same attempt made again would end the same way."""
    raise CommandError(Problem(code=code, message=message, retryable=False, paths=paths or []))
