"""`sbs create-admin`: the first account, or the administrator of a new organization, from the machine itself."""

import asyncio
import json
import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from sbs_server.auth.passwords import Passwords
from sbs_server.auth.schemas import Email
from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit.db.session import Database
from sbs_server.kit.http.inputs import Name
from sbs_server.users.service import (
    AddressTakenError,
    Administrator,
    AdministratorWanted,
    PasswordNeededError,
    account_exists,
    create_administrator,
)

_SHORTEST_PASSWORD = 12
_LONGEST_PASSWORD = 1024
_PASSWORD_BYTES = 18


class _WrongInputError(Exception):
    """An option is wrong; the message says which and what would be right."""


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command("create-admin")(create_admin)


def create_admin(
    *,
    email: Annotated[str, typer.Option(help="E-mail address, used to sign in.")],
    name: Annotated[str, typer.Option(help="Full name (default: the address).")] = "",
    organization: Annotated[
        str | None, typer.Option(help="Organization to administer; made if there is none of that name.")
    ] = None,
    platform_operator: Annotated[
        bool,
        typer.Option(
            "--platform-operator", help="Also operator of the platform (as without --organization)."
        ),
    ] = False,
    add_organization: Annotated[
        bool,
        typer.Option(
            "--add-organization", help="The account exists: let it administer this organization too."
        ),
    ] = False,
    locale: Annotated[str, typer.Option(help="Language: en or ru.")] = "en",
    password_file: Annotated[
        str,
        typer.Option(help="File with the password; - reads stdin. Without it one is made and shown once."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory (default: SBS_DATA_DIR).")] = None,
) -> None:
    """Create an administrator. The same again changes nothing; with --password-file it sets the password.

    An address that exists gets no further organization and no further rights unless --add-organization or
    --platform-operator asks for it.
    """
    try:
        settings = Settings.load(data_dir)
        if add_organization and not organization:
            raise _WrongInputError("--add-organization needs --organization NAME: which one is to be added?")
        wanted = _wanted(email, name or email, organization, locale, platform_operator=platform_operator)
        wanted = replace(wanted, may_join=add_organization)
        given = _read_password(password_file)
        made, generated = asyncio.run(_run(settings, wanted, given))
    except (_WrongInputError, ConfigurationError) as error:
        typer.echo(f"sbs create-admin: {error}", err=True)
        raise typer.Exit(2) from error
    except (SQLAlchemyError, OSError) as error:
        reason = type(getattr(error, "orig", None) or error).__name__
        typer.echo(f"sbs create-admin: the database can't be used ({reason}); is the platform up?", err=True)
        raise typer.Exit(1) from error
    typer.echo(_report(wanted, made, generated, is_password_set=given is not None, as_json=as_json))


async def _run(
    settings: Settings, wanted: AdministratorWanted, given: str | None
) -> tuple[Administrator, str | None]:
    """Makes it all in one transaction; gives back the password if it was made here."""
    database = Database(settings.database.url("sbs_system"), pool_size=1, application_name="sbs create-admin")
    passwords = Passwords()
    try:
        generated: str | None = None
        async with database.transaction() as session:
            if given is None and not await account_exists(session, wanted.email):
                generated = secrets.token_urlsafe(_PASSWORD_BYTES)
            password = given or generated
            hashed = None if password is None else await passwords.hash(password)
            made = await create_administrator(session, replace(wanted, password_hash=hashed))
    except AddressTakenError as error:
        raise _WrongInputError(_taken(wanted, error.organizations)) from error
    except PasswordNeededError as error:  # the account vanished between two statements
        raise _WrongInputError("the account was removed just now; run it again") from error
    finally:
        await database.close()
    return made, generated


def _taken(wanted: AdministratorWanted, organizations: Sequence[str]) -> str:
    """What is there, and the three things that may have been meant."""
    belongs = ", ".join(organizations)
    where = f" in the organization {belongs}" if belongs else ""
    reset = f"--organization {shlex.quote(organizations[0])} " if organizations else ""
    more = (
        "--platform-operator makes it operator of the platform too"
        if wanted.organization is None
        else f"--add-organization makes it administrator of {wanted.organization} too"
    )
    return (
        f"--email {wanted.email}: this account exists already{where}; nothing was made or changed. Sign in with "
        f"`sbs login --email {wanted.email}`; {reset}--password-file FILE sets another password; {more}"
    )


def _wanted(
    email: str, name: str, organization: str | None, locale: str, *, platform_operator: bool
) -> AdministratorWanted:
    if organization is not None and not organization.strip():
        raise _WrongInputError("--organization is empty: give a name, or leave the option out")
    if locale not in {"en", "ru"}:
        raise _WrongInputError(f"--locale {locale}: use en or ru")
    return AdministratorWanted(
        email=_checked("--email", TypeAdapter(Email), email),
        full_name=_checked("--name", TypeAdapter(Name), name),
        locale=locale,
        organization=_checked("--organization", TypeAdapter(Name), organization) if organization else None,
        is_platform_operator=platform_operator or not organization,
        password_hash=None,
        may_operate=platform_operator,
    )


def _checked(option: str, adapter: TypeAdapter[str], value: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise _WrongInputError(f"{option}: {error.errors()[0]['msg']}") from error


def _read_password(source: str) -> str | None:
    """The first line of the file or of stdin; None without a source."""
    if not source:
        return None
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _WrongInputError(f"--password-file {source}: can't be read: {error}") from error
    password = text.split("\n", 1)[0].rstrip("\r")
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise _WrongInputError(
            f"the password has {len(password)} characters; it needs {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD}"
        )
    return password


def _report(
    wanted: AdministratorWanted,
    made: Administrator,
    generated: str | None,
    *,
    is_password_set: bool,
    as_json: bool,
) -> str:
    if as_json:
        return json.dumps({**asdict(made), "email": wanted.email, "password": generated}, default=str)
    lines = [f"{'Created' if made.created_user else 'There already is'} {wanted.email} ({made.user_id})."]
    if wanted.is_platform_operator:
        lines.append("Operator of the platform: may create organizations.")
    if made.organization_id is not None:
        new = "new organization" if made.created_organization else "organization"
        lines.append(f"Administrator of the {new} {wanted.organization} ({made.organization_id}).")
    if generated is not None:
        lines.append(f"Password (shown only now): {generated}")
    elif not made.created_user:
        lines.append(
            "Its password is now the given one."
            if is_password_set
            else "Its password is the one it had before."
        )
    return "\n".join(lines)
