"""One call of restic, before it is made: a pure value that can be tested, compared and printed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from sbs_restic.cli.errors import ArgumentsTooLongError, InvalidPathError, InvalidSecretError
from sbs_restic.cli.repository import Repository

# Windows allows 32,767 characters for all of it; Linux 131,072 bytes for one argument and 2 MiB for all.
LONGEST_COMMAND_LINE: Final = 30_000
_LONGEST_SECRET_BYTES: Final = 4096

Document = Callable[[], Iterable[bytes]]
"""Gives the pieces of something that is too long, or too odd, for a command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The parts of a command line.

    command: restic's words for the command, like ("key", "add").
    options, operands: what comes after it; operands are never taken for options.
    secrets: option and the secret that it names a file for.
    documents: option and what the file that it names holds.
    inherited: descriptors of ours, named in the options, that restic gets too.
    """

    command: tuple[str, ...]
    options: tuple[str, ...] = ()
    operands: tuple[str, ...] = ()
    secrets: tuple[tuple[str, SecretStr], ...] = ()
    documents: tuple[tuple[str, Document], ...] = ()
    inherited: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The command as people write it."""
        return " ".join(self.command)

    def command_line(
        self, binary: str, runtime: Iterable[str], files: Iterable[tuple[str, str]]
    ) -> list[str]:
        """Give argv. runtime: options of this machine; files: option and path of each secret and document.

        Raises ArgumentsTooLongError, InvalidPathError.
        """
        named = [f"{option}={path}" for option, path in files]
        operands = ["--", *self.operands] if self.operands else []
        argv = [binary, *self.command, *runtime, *named, *self.options, *operands]
        if any("\0" in argument for argument in argv):
            raise InvalidPathError(
                f"restic {self.name}: an argument holds a NUL character, which no path may hold"
            )
        length = sum(len(argument) + 1 for argument in argv)
        if length > LONGEST_COMMAND_LINE:
            raise ArgumentsTooLongError(
                f"restic {self.name}: {length} characters of arguments, at most {LONGEST_COMMAND_LINE} are possible: "
                "use fewer or shorter masks"
            )
        return argv


def on_repository(
    repository: Repository,
    *command: str,
    options: Iterable[str] = (),
    operands: Iterable[str] = (),
    secrets: tuple[tuple[str, SecretStr], ...] = (),
    documents: tuple[tuple[str, Document], ...] = (),
    inherited: tuple[int, ...] = (),
) -> Invocation:
    """Give the invocation of a command that works on a repository."""
    return Invocation(
        command=command,
        options=(*repository.args(), *options),
        operands=tuple(operands),
        secrets=(("--password-file", repository.password), *secrets),
        documents=documents,
        inherited=inherited,
    )


def secret_bytes(secret: SecretStr) -> bytes:
    """Give the bytes that restic reads back as this very password.

    Raises InvalidSecretError (without the secret) for one that restic would change: it strips white space at
    both ends and a byte order mark, and takes an empty one for none.
    """
    value = secret.get_secret_value()
    if not value or value != value.strip() or value.startswith("\ufeff") or "\0" in value:
        raise InvalidSecretError(
            "a repository's password must not be empty, begin or end with white space or a byte order mark, "
            "or hold a NUL character"
        )
    try:
        data = value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidSecretError("a repository's password must be text that UTF-8 can hold") from None
    if len(data) > _LONGEST_SECRET_BYTES:
        raise InvalidSecretError(
            f"a repository's password must not be longer than {_LONGEST_SECRET_BYTES} bytes"
        )
    return data
