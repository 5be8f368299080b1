from sqlalchemy.orm import Mapped

from sbs_server.kit.db.base import Identified, TenantModel, Timestamped, tenant_key


class Secret(Identified, Timestamped, TenantModel):
    """One secret under envelope encryption: a data key of its own, wrapped by the key-encryption key.

    Both layers are AES-256-GCM; the additional data is the row's organization, id and purpose, so that a
    ciphertext moved to another row does not open.
    """

    __tablename__ = "secret"
    __table_args__ = (tenant_key(),)

    purpose: Mapped[str]
    kek_id: Mapped[str]  # which key-encryption key wrapped the data key
    wrapped_key: Mapped[bytes]  # nonce (12) + wrapped data key
    ciphertext: Mapped[bytes]  # nonce (12) + ciphertext
