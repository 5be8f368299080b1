"""Shapes of sign-in."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, StringConstraints
from pydantic_core import PydanticCustomError

from sbs_server.kit.http.inputs import Input, printable
from sbs_server.models import Role

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def email_address(text: str) -> str:
    """Looks like an address; whether it exists only a mail can tell. Raises `PydanticCustomError`."""
    if not _EMAIL.fullmatch(text):
        raise PydanticCustomError("field.not_email", "not an e-mail address")
    return text


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254),
    AfterValidator(printable),
    AfterValidator(email_address),
]


class SessionCreate(Input):
    email: Email
    # Never stripped or changed: every character is the person's own choice.
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class UserOut(BaseModel):
    id: UUID
    email: str
    full_name: str
    locale: str
    is_platform_operator: bool


class MembershipOut(BaseModel):
    organization_id: UUID
    organization_name: str
    role: Role


class SessionOut(BaseModel):
    """Who is signed in, where they belong, and the token that acts have to carry (X-CSRF-Token)."""

    user: UserOut
    memberships: list[MembershipOut]
    csrf_token: str
