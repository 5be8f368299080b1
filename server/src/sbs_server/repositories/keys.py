"""The passwords of restic repositories, kept under envelope encryption."""

import secrets
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.envelope import Envelope, Sealed
from sbs_server.kit.errors import NotFoundError
from sbs_server.kit.ids import new_id
from sbs_server.models import Secret


def new_password() -> str:
    """256 random bits as text; never typed by a person."""
    return secrets.token_urlsafe(32)


class SecretStore:
    """Secrets of organizations. Sees, like its session, one organization's rows."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    async def put(self, session: AsyncSession, organization_id: UUID, purpose: str, value: str) -> UUID:
        """Seals `value` and stores it; gives back the id to read it by."""
        secret_id = new_id()
        sealed = self._envelope.seal(value.encode(), _context(organization_id, secret_id, purpose))
        session.add(
            Secret(
                id=secret_id,
                organization_id=organization_id,
                purpose=purpose,
                kek_id=sealed.kek_id,
                wrapped_key=sealed.wrapped_key,
                ciphertext=sealed.ciphertext,
            )
        )
        await session.flush()
        return secret_id

    async def get(self, session: AsyncSession, secret_id: UUID) -> str:
        """The value. Raises `NotFoundError`, `kit.envelope.SealBrokenError`."""
        row = await session.get(Secret, secret_id)
        if row is None:
            raise NotFoundError("request.not_found")
        sealed = Sealed(row.kek_id, row.wrapped_key, row.ciphertext)
        return self._envelope.open(sealed, _context(row.organization_id, row.id, row.purpose)).decode()


def _context(organization_id: UUID, secret_id: UUID, purpose: str) -> bytes:
    return f"{organization_id.hex}/{secret_id.hex}/{purpose}".encode()
