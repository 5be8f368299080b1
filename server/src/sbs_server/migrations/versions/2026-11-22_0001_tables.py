"""The tables of the main job.

Revision: 0001, the first 2026-11-22 21:15:27.616505.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "audit_chain",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=True),
        sa.Column("source_address", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target_kind", sa.String(), nullable=True),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("canonical", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "sequence", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "organization",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("name", name=op.f("uq_organization_name")),
    )
    op.create_table(
        "outbox",
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("aggregate", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "event",
                "command",
                "workflow_start",
                "workflow_signal",
                "schedule_sync",
                "agent_kick",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_aggregate",
        "outbox",
        ["aggregate", "id"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL AND parked_at IS NULL"),
    )
    op.create_table(
        "user_account",
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), server_default="en", nullable=False),
        sa.Column("is_platform_operator", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "agent",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hostname", sa.String(), nullable=False),
        sa.Column("os", sa.String(), nullable=False),
        sa.Column("os_version", sa.String(), server_default="", nullable=False),
        sa.Column("arch", sa.String(), nullable=False),
        sa.Column("agent_version", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("restic_version", sa.String(), nullable=True),
        sa.Column("restic_problem", sa.String(), nullable=True),
        sa.Column(
            "capabilities", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum("active", "revoked", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("connected", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("boot_id", sa.String(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_agent_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_agent_organization_id_id")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_agent_organization_id_name")),
    )
    op.create_table(
        "enrolment_token",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("max_uses", sa.Integer(), server_default="1", nullable=False),
        sa.Column("used_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("used_count <= max_uses", name=op.f("ck_enrolment_token_uses")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_enrolment_token_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_enrolment_token_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_token")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_enrolment_token_organization_id_id")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_enrolment_token_secret_sha256")),
    )
    op.create_table(
        "job",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("includes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("excludes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("cron", sa.String(), nullable=True),
        sa.Column("offset_s", sa.Integer(), server_default="0", nullable=False),
        sa.Column("time_zone", sa.String(), server_default="UTC", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("keep_last", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("offset_s BETWEEN 0 AND 59", name=op.f("ck_job_offset_s")),
        sa.CheckConstraint("keep_last IS NULL OR keep_last >= 1", name=op.f("ck_job_keep_last")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_job_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_job_organization_id_id")),
    )
    op.create_index(
        "uq_job_name",
        "job",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "membership",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "org_admin",
                "operator",
                "auditor",
                "end_user",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_membership_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_membership_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("organization_id", "user_id", name=op.f("uq_membership_organization_id_user_id")),
    )
    op.create_index(op.f("ix_membership_user_id"), "membership", ["user_id"], unique=False)
    op.create_table(
        "repository",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("local", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "layout",
            sa.Enum(
                "per_agent", "template", name="layout", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_repository_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_repository_organization_id_id")),
    )
    op.create_index(
        "uq_repository_name",
        "repository",
        ["organization_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_repository_path",
        "repository",
        ["path"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "secret",
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("kek_id", sa.String(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_secret_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_secret_organization_id_id")),
    )
    op.create_table(
        "agent_certificate",
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("csr_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("chain_pem", sa.String(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_agent_certificate_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_agent_certificate_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_certificate")),
        sa.UniqueConstraint("agent_id", "csr_sha256", name=op.f("uq_agent_certificate_agent_id_csr_sha256")),
        sa.UniqueConstraint("serial", name=op.f("uq_agent_certificate_serial")),
    )
    op.create_index(op.f("ix_agent_certificate_agent_id"), "agent_certificate", ["agent_id"], unique=False)
    op.create_table(
        "dataset",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_dataset_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"],
            ["job.organization_id", "job.id"],
            name=op.f("fk_dataset_organization_id_job_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_dataset_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
        sa.UniqueConstraint("job_id", "agent_id", name=op.f("uq_dataset_job_id_agent_id")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_dataset_organization_id_id")),
    )
    op.create_index(op.f("ix_dataset_agent_id"), "dataset", ["agent_id"], unique=False)
    op.create_table(
        "handled_message",
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_handled_message_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_handled_message_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "agent_id", "message_id", name=op.f("pk_handled_message")),
    )
    op.create_table(
        "job_agent",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_job_agent_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"],
            ["job.organization_id", "job.id"],
            name=op.f("fk_job_agent_organization_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_job_agent_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "job_id", "agent_id", name=op.f("pk_job_agent")),
    )
    op.create_index(op.f("ix_job_agent_agent_id"), "job_agent", ["agent_id"], unique=False)
    op.create_table(
        "job_repository",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("repository_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"],
            ["job.organization_id", "job.id"],
            name=op.f("fk_job_repository_organization_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "repository_id"],
            ["repository.organization_id", "repository.id"],
            name=op.f("fk_job_repository_organization_id_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_job_repository_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "job_id", "repository_id", name=op.f("pk_job_repository")),
    )
    op.create_index(
        op.f("ix_job_repository_repository_id"), "job_repository", ["repository_id"], unique=False
    )
    op.create_table(
        "restic_repository",
        sa.Column("repository_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "ready",
                "quarantined",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_reason", sa.String(), nullable=True),
        sa.Column("restic_id", sa.String(), nullable=True),
        sa.Column("cp_secret_id", sa.Uuid(), nullable=False),
        sa.Column("agent_secret_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_restic_repository_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_secret_id"],
            ["secret.organization_id", "secret.id"],
            name=op.f("fk_restic_repository_organization_id_agent_secret_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "cp_secret_id"],
            ["secret.organization_id", "secret.id"],
            name=op.f("fk_restic_repository_organization_id_cp_secret_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "repository_id"],
            ["repository.organization_id", "repository.id"],
            name=op.f("fk_restic_repository_organization_id_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_restic_repository_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restic_repository")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_restic_repository_organization_id_id")),
        sa.UniqueConstraint(
            "repository_id",
            "agent_id",
            name=op.f("uq_restic_repository_repository_id_agent_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_restic_repository_agent_id"), "restic_repository", ["agent_id"], unique=False)
    op.create_table(
        "run",
        sa.Column(
            "kind",
            sa.Enum("backup", "restore", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "succeeded",
                "completed_with_warnings",
                "partial",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "trigger",
            sa.Enum(
                "manual", "schedule", name="trigger", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting_for", sa.String(), nullable=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("warnings_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_run_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "dataset_id"],
            ["dataset.organization_id", "dataset.id"],
            name=op.f("fk_run_organization_id_dataset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "job_id"],
            ["job.organization_id", "job.id"],
            name=op.f("fk_run_organization_id_job_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_run_organization_id")
        ),
        sa.ForeignKeyConstraint(["requested_by"], ["user_account.id"], name=op.f("fk_run_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_run_organization_id_id")),
    )
    op.create_index(
        "ix_run_agent_newest",
        "run",
        ["organization_id", "agent_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_run_job_newest", "run", ["organization_id", "job_id", sa.literal_column("id DESC")], unique=False
    )
    op.create_index("ix_run_newest", "run", ["organization_id", sa.literal_column("id DESC")], unique=False)
    op.create_index(
        "uq_run_slot",
        "run",
        ["dataset_id", "scheduled_for"],
        unique=True,
        postgresql_where=sa.text("scheduled_for IS NOT NULL"),
    )
    op.create_table(
        "admission_ticket",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "granted",
                "released",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_admission_ticket_organization_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_admission_ticket_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admission_ticket")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_admission_ticket_organization_id_id")),
        sa.UniqueConstraint("run_id", "purpose", name=op.f("uq_admission_ticket_run_id_purpose")),
    )
    op.create_index(
        "ix_admission_ticket_live",
        "admission_ticket",
        ["state", "enqueued_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'released'"),
    )
    op.create_table(
        "command",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("restic_repository_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "accepted",
                "running",
                "finished",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("activity_id", sa.String(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_command_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "restic_repository_id"],
            ["restic_repository.organization_id", "restic_repository.id"],
            name=op.f("fk_command_organization_id_restic_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_command_organization_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_command_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    op.create_index(
        "ix_command_open",
        "command",
        ["agent_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'finished'"),
    )
    op.create_index(op.f("ix_command_run_id"), "command", ["run_id"], unique=False)
    op.create_table(
        "run_attempt",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("restic_repository_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "restic_repository_id"],
            ["restic_repository.organization_id", "restic_repository.id"],
            name=op.f("fk_run_attempt_organization_id_restic_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_run_attempt_organization_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_run_attempt_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "run_id", "restic_repository_id", "attempt", name=op.f("pk_run_attempt")
        ),
    )
    op.create_table(
        "run_target",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("restic_repository_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "succeeded",
                "completed_with_warnings",
                "partial",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("restic_snapshot_id", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "restic_repository_id"],
            ["restic_repository.organization_id", "restic_repository.id"],
            name=op.f("fk_run_target_organization_id_restic_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_run_target_organization_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_run_target_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "run_id", "restic_repository_id", name=op.f("pk_run_target")
        ),
    )
    op.create_table(
        "run_warning",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("command_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("path_raw", sa.LargeBinary(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_run_warning_organization_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_run_warning_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_warning")),
        sa.UniqueConstraint(
            "run_id",
            "command_id",
            "attempt",
            "position",
            name=op.f("uq_run_warning_run_id_command_id_attempt_position"),
        ),
    )
    op.create_table(
        "snapshot",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hostname", sa.String(), nullable=False),
        sa.Column("paths", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_bytes", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "agent_id"],
            ["agent.organization_id", "agent.id"],
            name=op.f("fk_snapshot_organization_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "dataset_id"],
            ["dataset.organization_id", "dataset.id"],
            name=op.f("fk_snapshot_organization_id_dataset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_snapshot_organization_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_snapshot_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_snapshot_organization_id_id")),
        sa.UniqueConstraint("run_id", name=op.f("uq_snapshot_run_id")),
    )
    op.create_index(
        "ix_snapshot_dataset_newest",
        "snapshot",
        ["organization_id", "dataset_id", sa.literal_column("taken_at DESC")],
        unique=False,
    )
    op.create_table(
        "admission_claim",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("restic_repository_id", sa.Uuid(), nullable=False),
        sa.Column(
            "mode",
            sa.Enum("shared", "exclusive", name="mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "restic_repository_id"],
            ["restic_repository.organization_id", "restic_repository.id"],
            name=op.f("fk_admission_claim_organization_id_restic_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "ticket_id"],
            ["admission_ticket.organization_id", "admission_ticket.id"],
            name=op.f("fk_admission_claim_organization_id_ticket_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_admission_claim_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "ticket_id", "restic_repository_id", name=op.f("pk_admission_claim")
        ),
    )
    op.create_index(
        op.f("ix_admission_claim_restic_repository_id"),
        "admission_claim",
        ["restic_repository_id"],
        unique=False,
    )
    op.create_table(
        "restore",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("selection", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("target_folder", sa.String(), nullable=False),
        sa.Column(
            "policy",
            sa.Enum(
                "refuse",
                "skip",
                "overwrite",
                "keep_both",
                name="policy",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("verify", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["run.organization_id", "run.id"],
            name=op.f("fk_restore_organization_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "snapshot_id"],
            ["snapshot.organization_id", "snapshot.id"],
            name=op.f("fk_restore_organization_id_snapshot_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_restore_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "run_id", name=op.f("pk_restore")),
    )
    op.create_table(
        "snapshot_copy",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("restic_repository_id", sa.Uuid(), nullable=False),
        sa.Column("restic_snapshot_id", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "present", "forgotten", name="state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "restic_repository_id"],
            ["restic_repository.organization_id", "restic_repository.id"],
            name=op.f("fk_snapshot_copy_organization_id_restic_repository_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "snapshot_id"],
            ["snapshot.organization_id", "snapshot.id"],
            name=op.f("fk_snapshot_copy_organization_id_snapshot_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_snapshot_copy_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot_copy")),
        sa.UniqueConstraint(
            "restic_repository_id",
            "restic_snapshot_id",
            name=op.f("uq_snapshot_copy_restic_repository_id_restic_snapshot_id"),
        ),
    )
    op.create_index(op.f("ix_snapshot_copy_snapshot_id"), "snapshot_copy", ["snapshot_id"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_snapshot_copy_snapshot_id"), table_name="snapshot_copy")
    op.drop_table("snapshot_copy")
    op.drop_table("restore")
    op.drop_index(op.f("ix_admission_claim_restic_repository_id"), table_name="admission_claim")
    op.drop_table("admission_claim")
    op.drop_index("ix_snapshot_dataset_newest", table_name="snapshot")
    op.drop_table("snapshot")
    op.drop_table("run_warning")
    op.drop_table("run_target")
    op.drop_table("run_attempt")
    op.drop_index(op.f("ix_command_run_id"), table_name="command")
    op.drop_index("ix_command_open", table_name="command", postgresql_where=sa.text("state <> 'finished'"))
    op.drop_table("command")
    op.drop_index(
        "ix_admission_ticket_live",
        table_name="admission_ticket",
        postgresql_where=sa.text("state <> 'released'"),
    )
    op.drop_table("admission_ticket")
    op.drop_index("uq_run_slot", table_name="run", postgresql_where=sa.text("scheduled_for IS NOT NULL"))
    op.drop_index("ix_run_newest", table_name="run")
    op.drop_index("ix_run_job_newest", table_name="run")
    op.drop_index("ix_run_agent_newest", table_name="run")
    op.drop_table("run")
    op.drop_index(op.f("ix_restic_repository_agent_id"), table_name="restic_repository")
    op.drop_table("restic_repository")
    op.drop_index(op.f("ix_job_repository_repository_id"), table_name="job_repository")
    op.drop_table("job_repository")
    op.drop_index(op.f("ix_job_agent_agent_id"), table_name="job_agent")
    op.drop_table("job_agent")
    op.drop_table("handled_message")
    op.drop_index(op.f("ix_dataset_agent_id"), table_name="dataset")
    op.drop_table("dataset")
    op.drop_index(op.f("ix_agent_certificate_agent_id"), table_name="agent_certificate")
    op.drop_table("agent_certificate")
    op.drop_table("secret")
    op.drop_index(
        "uq_repository_name", table_name="repository", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_index(
        "uq_repository_path", table_name="repository", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_table("repository")
    op.drop_index(op.f("ix_membership_user_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_index("uq_job_name", table_name="job", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("job")
    op.drop_table("enrolment_token")
    op.drop_table("agent")
    op.drop_table("user_account")
    op.drop_index(
        "ix_outbox_unpublished",
        table_name="outbox",
        postgresql_where=sa.text("published_at IS NULL AND parked_at IS NULL"),
    )
    op.drop_index(
        "ix_outbox_aggregate", table_name="outbox", postgresql_where=sa.text("published_at IS NULL")
    )
    op.drop_table("outbox")
    op.drop_table("organization")
    op.drop_table("idempotency_key")
    op.drop_table("audit_entry")
    op.drop_table("audit_chain")
