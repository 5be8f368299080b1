"""What `sbs up` says at its end: where the console is, and how the first administrator is made."""

import asyncio
import sys
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit.db.session import Database
from sbs_server.models import UserAccount


def welcome(data_dir: Path) -> str:
    """The text for a platform that has just become ready. Errors: ConfigurationError."""
    settings = Settings.load(data_dir)
    lines = [
        f"Console: {console_address(settings)}",
        f"  Its certificate comes from this installation's own CA: import {settings.pki.root_certificate}"
        " into the browser.",
    ]
    if asyncio.run(_nobody_can_sign_in(settings)):
        lines.append("  Nobody can sign in yet. Make the administrator (the password is shown once):")
        lines.append(
            f"  {_sbs()} create-admin --email you@example.org --organization Main --data-dir {data_dir}"
        )
    return "\n".join(lines)


def console_address(settings: Settings) -> str:
    """The address for people. On one machine the console has a host name, and so cookies, of its own."""
    url = urlsplit(settings.http.console_url)
    if url.hostname != "localhost":
        return settings.http.console_url
    return url._replace(netloc=f"console.{url.netloc}").geturl()


def _sbs() -> str:
    """How this command was called: in a checkout it is not on the PATH of who called make."""
    return sys.argv[0] if Path(sys.argv[0]).name == "sbs" else "sbs"


async def _nobody_can_sign_in(settings: Settings) -> bool:
    """False too if it can't be asked: what comes next will say what is wrong with the database."""
    try:
        url = settings.database.url("sbs_system")
    except ConfigurationError:
        return False  # another account's platform runs here: its secrets are not for us
    database = Database(url, pool_size=1, application_name="sbs up")
    try:
        async with database.transaction() as session:
            return not await session.scalar(select(func.count()).select_from(UserAccount))
    except (SQLAlchemyError, OSError):
        return False
    finally:
        await database.close()
