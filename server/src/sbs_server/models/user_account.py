from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, Model, Timestamped


class UserAccount(Identified, Timestamped, Model):
    """A person. Belongs to no organization; what they may do is in their memberships.

    The application sees only the account of the transaction's user, and signs people in through the function
    `auth_account`; see the migration of row-level security.
    """

    __tablename__ = "user_account"
    system_access = ("select", "insert", "update")

    email: Mapped[str] = mapped_column(unique=True)  # lower case
    password_hash: Mapped[str | None]  # Argon2id; None: signs in elsewhere
    full_name: Mapped[str]
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    is_platform_operator: Mapped[bool] = mapped_column(default=False, server_default="false")
    disabled_at: Mapped[datetime | None]
